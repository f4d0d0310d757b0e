/*
 * The reaper: on each CPU, a timer has the CPU's worker give unused memory back.
 * It calls kmem_reap(), for what the CPU's object caches did not use, and
 * proc_reap_kept(), for idle kernel stacks when they are many.
 *
 * kmem stands below threads in the layers, so it only says what is to be done,
 * and this says when. The timer is armed again when the work is done: a CPU that
 * is too busy for its worker reaps later, never twice in a row.
 */
#include <kernel/kmalloc.h>
#include <kernel/reaper.h>
#include <kernel/work.h>
#include "internal.h"

struct reaper {
	struct timer timer;
	struct work work;
};

/* Each touched by its own CPU only. */
static struct reaper reapers[MAX_CPUS];

static void
reaper_work(struct work *work)
{
	struct reaper *reaper = container_of(work, struct reaper, work);

	kmem_reap();
	proc_reap_kept();
	timer_arm(&reaper->timer, KMEM_REAP_TICKS);
}

static void
reaper_tick(struct timer *timer)
{
	(void)work_queue(&container_of(timer, struct reaper, timer)->work);
}

void
reaper_start(void)
{
	struct reaper *reaper = &reapers[arch_cpu_id()];

	work_init(&reaper->work, reaper_work);
	timer_init(&reaper->timer, reaper_tick);
	timer_arm(&reaper->timer, KMEM_REAP_TICKS);
}
