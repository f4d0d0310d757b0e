/*
 * Giving back: what lies unused in arrays and free slabs.
 *
 *	regularly	every KMEM_REAP_TICKS on each CPU: arrays that nobody took
 *			from lose a part, and so do free slabs (cache->layer->reap)
 *	when asked	slab_shrink: all arrays of all CPUs, then all free slabs
 *	under pressure	the front's reclaimer: slab_shrink_all of each instance
 *
 * ORDER.  Shrinking goes from the newest cache to the oldest. A slab that is
 * given back may free its descriptor, which is an object of a general cache,
 * older than all that use it: so the freed descriptor is met later.
 *
 * CONTEXT.  Other CPUs are asked to empty their arrays (cpu_call), and that
 * takes waiting. In an interrupt, under a lock or with interrupts off only this
 * CPU's arrays are emptied.
 */

#include "chain.h"
#include "debug/hooks.h"
#include "percpu/layer.h"
#include "reap.h"
#include "slabs.h"

/* What a node holds is looked through every other time. */
#define REAP_NODE_TICKS (2 * KMEM_REAP_TICKS)
/* What is idle gives back one part in so many of its limit. */
#define REAP_FRACTION 5

/* -- regularly -------------------------------------------------------------------- */

void
slab_reap(struct slab_root *root)
{
	unsigned long now = env_ticks();
	struct slab_cache *cache;

	for (cache = NULL; (cache = slab_chain_next(root, cache)) != NULL;)
		if (likely(slab_debug(cache) == 0))
			cache->layer->reap(cache, now);
}

unsigned
slab_reap_count(unsigned avail, unsigned limit)
{
	unsigned nr = (limit + REAP_FRACTION - 1) / REAP_FRACTION;

	return nr <= avail ? nr : (avail + 1) / 2;
}

/* Each CPU looks after its own node; CPU 0 also after those that have no CPU, where
 * what others free gathers all the same. */
static bool
reaps_node(unsigned nodeid)
{
	unsigned id = env_cpu();

	if (env_node_of(id) == nodeid)
		return true;
	for (unsigned cpu = 0; id == 0 && cpu < env_nr_cpus(); cpu++)
		if (env_node_of(cpu) == nodeid)
			return false;
	return id == 0;
}

bool
slab_reap_due(struct slab_cache *cache, unsigned nodeid, unsigned long now)
{
	struct kmem_cache_node *node = cache->node[nodeid];
	irq_state_t state;
	bool is_due;

	if (!reaps_node(nodeid))
		return false;
	state = env_lock(&node->lock);
	is_due = !time_after(node->next_reap, now);
	if (is_due)
		node->next_reap = now + REAP_NODE_TICKS;
	env_unlock(&node->lock, state);
	return is_due;
}

void
slab_reap_slabs(struct slab_cache *cache, unsigned nodeid)
{
	struct kmem_cache_node *node = cache->node[nodeid];
	irq_state_t state = env_lock(&node->lock);
	size_t part = (size_t)REAP_FRACTION * cache->layout.num, nr = 0;

	if (!node->free_touched)
		nr = (node->free_limit + part - 1) / part;
	node->free_touched = false;
	env_unlock(&node->lock, state);
	(void)drain_freelist(cache, nodeid, nr);
}

/* -- all of it ---------------------------------------------------------------------- */

static void
drain_one_here(void *cache)
{
	percpu_drain(cache);
}

void
slab_drain(struct slab_cache *cache)
{
	percpu_on_each(drain_one_here, cache);
	cache->layer->drain_nodes(cache);
}

static void
drain_all_here(void *root)
{
	struct slab_cache *cache;

	for (cache = NULL; (cache = slab_chain_prev(root, cache)) != NULL;)
		percpu_drain(cache);
}

static size_t
drain_freelists(struct slab_cache *cache)
{
	size_t nr_pages = 0;

	for (unsigned i = 0; i < env_nr_nodes(); i++)
		nr_pages += drain_freelist(cache, i, SIZE_MAX);
	return nr_pages;
}

size_t
slab_shrink(struct slab_cache *cache)
{
	slab_drain(cache);
	return drain_freelists(cache);
}

/* What layers hold may be objects, too: so all of them let go first. */
size_t
slab_shrink_all(struct slab_root *root)
{
	size_t nr_pages = 0;
	struct slab_cache *cache;

	percpu_on_each(drain_all_here, root);
	for (cache = NULL; (cache = slab_chain_prev(root, cache)) != NULL;)
		cache->layer->drain_nodes(cache);
	for (cache = NULL; (cache = slab_chain_prev(root, cache)) != NULL;)
		nr_pages += drain_freelists(cache);
	return nr_pages;
}
