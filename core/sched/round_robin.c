/*
 * rr: first come, first served, in time slices. A thread that has used its slice up goes behind
 * the others and gets a new one; a thread that sleeps or yields before keeps
 * what is left of it for its next turn.
 */
#include <kernel/option.h>
#include "internal.h"

#define SLICE_DEFAULT 5
#define SLICE_MAX 1000

static unsigned slice_ticks = SLICE_DEFAULT;

/* A slice of 0 is one that has not begun: the next tick that meets the thread
 * begins it. So nothing is to be done when a thread is queued. */
static void
rr_tick(struct run_queue *rq, struct proc_struct *proc)
{
	if (proc->time_slice == 0)
		proc->time_slice = slice_ticks;
	if (--proc->time_slice == 0)
		set_need_resched(proc);
}

const struct sched_class sched_class_rr = {
	.name = "rr",
	.description = "round robin: first come, first served, in time slices",
	.init = sched_list_init,
	.enqueue = sched_list_enqueue,
	.pick_next = sched_list_pick_next,
	.pick_migrant = sched_list_pick_migrant,
	.tick = rr_tick,
};

const struct boot_option slice_option = {
	.name = "slice",
	.help = "clock ticks (1/100 s) a thread may run at once under sched=rr",
	.kind = OPTION_NUMBER,
	.number = { .value = &slice_ticks, .min = 1, .max = SLICE_MAX },
};
