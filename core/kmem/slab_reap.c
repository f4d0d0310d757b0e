/*
 * Giving back: what lies unused in arrays and free slabs.
 *
 *	regularly	every KMEM_REAP_TICKS on each CPU: arrays that nobody took
 *			from lose a part, and so do free slabs (slab_cpu->reap)
 *	when asked	slab_shrink: all arrays of all CPUs, then all free slabs
 *	under pressure	the front's reclaimer: slab_shrink_all
 *
 * ORDER.  Shrinking goes from the newest cache to the oldest. A slab that is
 * given back may free its descriptor, which is an object of a general cache,
 * older than all that use it: so the freed descriptor is met later.
 *
 * CONTEXT.  Other CPUs are asked to empty their arrays (cpu_call), and that
 * takes waiting. In an interrupt, under a lock or with interrupts off only this
 * CPU's arrays are emptied.
 */
#include <kernel/sched.h>
#include <kernel/timer.h>

#include "slab.h"

void
slab_reap(void)
{
	unsigned long now = ticks_now();
	struct slab_cache *cache;

	for (cache = NULL; (cache = slab_chain_next(cache)) != NULL;)
		slab_cpu->reap(cache, now);
}

void
slab_on_each_cpu(void (*fn)(void *), void *arg)
{
	irq_state_t state;

	if (may_sleep()) {
		for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
			cpu_call(cpu, fn, arg);
		return;
	}
	state = arch_irq_save();
	fn(arg);
	arch_irq_restore(state);
}

static void
drain_one_here(void *cache)
{
	slab_cpu_drain(cache);
}

void
slab_drain(struct slab_cache *cache)
{
	slab_on_each_cpu(drain_one_here, cache);
	slab_cpu->drain_nodes(cache);
}

static void
drain_all_here(void *unused)
{
	struct slab_cache *cache;

	for (cache = NULL; (cache = slab_chain_prev(cache)) != NULL;)
		slab_cpu_drain(cache);
}

/* What is free in slabs and in what the nodes hold. */
static size_t
shrink_nodes(struct slab_cache *cache)
{
	size_t nr_pages = 0;

	slab_cpu->drain_nodes(cache);
	for (unsigned i = 0; i < nr_page_nodes; i++)
		nr_pages += drain_freelist(cache, i, SIZE_MAX);
	return nr_pages;
}

size_t
slab_shrink(struct slab_cache *cache)
{
	slab_on_each_cpu(drain_one_here, cache);
	return shrink_nodes(cache);
}

size_t
slab_shrink_all(void)
{
	size_t nr_pages = 0;
	struct slab_cache *cache;

	slab_on_each_cpu(drain_all_here, NULL);
	for (cache = NULL; (cache = slab_chain_prev(cache)) != NULL;)
		nr_pages += shrink_nodes(cache);
	return nr_pages;
}
