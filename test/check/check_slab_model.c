/*
 * The slab allocator against a model: random operations by threads on every CPU
 * and by interrupts, while the model (slab_model.c) watches each object.
 *
 *	threads, 2 a CPU -+			 +- kmem_cache_alloc ... kfree
 *	timer of each CPU +-> a kind, a slot --->+- shrink, reap, tune
 *	calls from other CPUs			 +- create, destroy
 *
 * A slot is empty or has one live object. An operation takes a random slot of a
 * random kind: what is empty gets an object, what is full is looked at, moved or
 * freed; so objects are freed on other CPUs than they came from, and in
 * interrupts. Some operations take many slots at once (bulk).
 *
 * WHAT IS FOUND at once: live objects that overlap, are not aligned, lie outside
 * allocated RAM or on another node than asked for, are changed by somebody else,
 * are not zeroed; constructed objects that lost their state; a failure while
 * memory is plenty; ksize too small; an answer that the contract does not know.
 * At the end of each round, all threads ended: objects that are lost (the
 * allocator's count of live ones is not the model's), lists and counts that do
 * not agree, a slabinfo that says otherwise. At the end of all: pages that are
 * not back.
 *
 * check_args: ops=N in all, seed=N, threads=N a CPU. Seeds repeat each thread's
 * choices, not how threads interleave.
 */
#include <kernel/check.h>
#include <kernel/error.h>
#include <kernel/page.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/timer.h>

#include "kmem/front.h"
#include "check_kmem.h"
#include "check_threads.h"
#include "slab_model.h"

#define OPS_DEFAULT 200000
#define THREADS_DEFAULT 2
#define THREADS_MAX 4 /* on each CPU */
#define ROUNDS 4
#define WALKS 3
#define TICK_OPS 32
#define CALL_OPS 4
/* Operations between two calls of another CPU. */
#define CALL_EVERY 128
/* Between two things that are done seldom. */
#define SELDOM 1024
/* Between two changes of direction: more objects, fewer objects. */
#define WAVE 2048

static struct model_actor threads[MAX_CPUS * THREADS_MAX], interrupts[MAX_CPUS];

static void
act_in_interrupt(void *arg)
{
	struct model_actor *actor = &interrupts[arch_cpu_id()];

	for (unsigned i = 0; i < CALL_OPS; i++)
		model_act(actor);
}

static void
tick(struct timer *timer)
{
	struct model_actor *actor =
		container_of(timer, struct model_actor, timer);

	for (unsigned i = 0; i < TICK_OPS && model_nr_wrong() == 0; i++)
		model_act(actor);
	actor->is_growing = model_random(actor, 2);
	timer_arm(timer, 1);
}

/* Another CPU is interrupted wherever it is. */
static void
interrupt_somebody(struct model_actor *actor)
{
	unsigned cpu = model_random(actor, nr_cpus);

	if (nr_cpus > 1)
		cpu_call(cpu, act_in_interrupt, NULL);
}

static void
count_line(const char *line, void *nr)
{
	++*(unsigned *)nr;
}

static void
read_slabinfo(void)
{
	unsigned nr = 0;

	if (kmem_slabinfo_read(count_line, &nr, true) != 0 ||
	    nr <= model_nr_kinds / 2)
		model_wrong("slabinfo is short", NULL, nr);
}

/* What only threads do. */
static void
act_seldom(struct model_actor *actor)
{
	unsigned dice = model_random(actor, 16);

	if (dice < 5) {
		model_kinds_change(model_random(actor, 1u << 16));
	} else if (dice < 10) {
		model_kinds_tune(model_random(actor, 1u << 16));
	} else if (dice < 12) {
		read_slabinfo();
	} else if (dice < 15) {
		/* The second time, nobody has used the caches meanwhile. */
		kmem_reap();
		kmem_reap();
	} else {
		(void)kmem_shrink();
	}
}

static int
thread_act(void *arg)
{
	struct model_actor *actor = arg;

	for (unsigned long left = actor->share; left > 0; left--) {
		if (model_nr_wrong() != 0)
			break;
		model_act(actor);
		if (left % CALL_EVERY == 0)
			interrupt_somebody(actor);
		if (left % SELDOM == 0)
			act_seldom(actor);
		if (left % WAVE == 0)
			actor->is_growing = model_random(actor, 2);
	}
	return 0;
}

/* -- rounds -------------------------------------------------------------------------------- */

static void
timer_start(void *arg)
{
	struct model_actor *actor = &interrupts[arch_cpu_id()];

	timer_init(&actor->timer, tick);
	timer_arm(&actor->timer, 1);
}

static void
threads_start(unsigned cpu, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		EXPECT(kernel_thread_on(cpu, "model", thread_act,
					&threads[cpu * nr + i]) > 1);
}

static void
round_run(unsigned nr_per_cpu)
{
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		cpu_call(cpu, timer_start, NULL);
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		threads_start(cpu, nr_per_cpu);
	while (do_wait(0, NULL) > 0)
		;
	/* They arm themselves: cancelled for good once a function is not running. */
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		while (!timer_cancel(&interrupts[cpu].timer))
			yield();
}

/* Each CPU's reaper goes on: if it came in between, all is looked at again. */
static bool
walk_is_good(void)
{
	for (unsigned i = 0; i < WALKS; i++)
		if (model_kinds_walk())
			return true;
	return false;
}

static void
actors_start(unsigned nr_threads, unsigned long share)
{
	unsigned seed = (unsigned)check_arg("seed", 1);

	for (unsigned i = 0; i < nr_threads; i++)
		threads[i] = (struct model_actor){
			.random = (seed * 1000 + i + 1) * 2654435761u,
			.gfp = GFP_KERNEL | __GFP_NOWARN,
			.share = share,
		};
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		interrupts[cpu] = (struct model_actor){
			.random = (seed * 1000 + 500 + cpu) * 2654435761u,
			.gfp = GFP_ATOMIC | __GFP_NOWARN,
		};
}

static void
say_what_was_done(unsigned nr_threads, unsigned long ops)
{
	unsigned long nr_done = 0, nr_in_interrupts = 0;

	for (unsigned i = 0; i < nr_threads; i++)
		nr_done += threads[i].nr_ops;
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		nr_in_interrupts += interrupts[cpu].nr_ops;
	printk("# slab_model: %lu operations of %u threads on %u CPUs, %lu in "
	       "interrupts\n",
	       nr_done, nr_threads, nr_cpus, nr_in_interrupts);
	EXPECT(nr_done >= ops);
}

void
check_slab_model(void)
{
	unsigned nr_per_cpu = (unsigned)check_arg("threads", THREADS_DEFAULT);
	unsigned nr_threads = nr_per_cpu * nr_cpus;
	unsigned long ops = check_arg("ops", OPS_DEFAULT);
	struct quiet_state before;

	if (kmem_backend_chosen() != &kmem_slab_ops) {
		check_skip("not the slab allocator");
		return;
	}
	/* The first thread takes all that a smaller machine has, and there is
	 * no memory for the second one's stack. */
	if (nr_managed_pages() < ((size_t)16 << 20) / PAGE_SIZE * 3 / 4) {
		check_skip("needs 16 MiB");
		return;
	}
	if (!EXPECT(nr_per_cpu >= 1 && nr_per_cpu <= THREADS_MAX))
		return;
	before = quiet_state_take();
	if (!model_kinds_start()) {
		check_skip("no memory for the model");
		return;
	}
	actors_start(nr_threads, ops / ROUNDS / nr_threads + 1);
	for (unsigned i = 0; i < ROUNDS && model_nr_wrong() == 0; i++) {
		round_run(nr_per_cpu);
		EXPECT(walk_is_good());
	}
	/* With something wrong, the next free might be the kernel's end. */
	if (model_nr_wrong() == 0) {
		model_kinds_end();
		say_what_was_done(nr_threads, ops);
		quiet_state_expect(&before);
	}
	EXPECT_EQ(model_nr_wrong(), 0);
}
