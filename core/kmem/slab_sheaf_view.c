/*
 * cpu=sheaf: looking at what sheaves hold, and at what was counted. For checks,
 * pictures and slabinfo.
 */
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#include "slab_cpu_sheaf.h"

static void
visit_sheaf(struct slab_cache *cache, const struct kmem_sheaf *sheaf,
	    unsigned nodeid, slab_visit_fn *fn, void *arg)
{
	for (unsigned i = 1; sheaf != NULL && i <= sheaf->nr; i++)
		fn(cache, sheaf->entry[i], nodeid, arg);
}

void
sheaf_visit_cpu(struct slab_cache *cache, struct slab_cpu *cpu,
		slab_visit_fn *fn, void *arg)
{
	struct sheaf_cpu *sc = sheaf_cpu_of(cpu);

	for (unsigned home = 0; home < nr_page_nodes; home++)
		visit_sheaf(cache, sc->remote[home], home, fn, arg);
	visit_sheaf(cache, sc->previous, slab_node_here(), fn, arg);
	visit_sheaf(cache, sheaf_unload(sc), slab_node_here(), fn, arg);
}

void
sheaf_visit_nodes(struct slab_cache *cache, slab_visit_fn *fn, void *arg)
{
	for (unsigned i = 0; i < nr_page_nodes; i++) {
		struct depot *depot = cache->node[i]->depot;
		irq_state_t state;

		if (depot == NULL)
			continue;
		state = spin_lock_irqsave(&depot->lock);
		for (const struct kmem_sheaf *sheaf = depot->full;
		     sheaf != NULL; sheaf = sheaf->next)
			visit_sheaf(cache, sheaf, i, fn, arg);
		spin_unlock_irqrestore(&depot->lock, state);
	}
}

static void
forget_sheaf(struct kmem_sheaf *sheaf)
{
	if (sheaf != NULL)
		memset(sheaf->entry + sheaf->nr + 1, 0,
		       (sheaf->capacity - sheaf->nr) * sizeof(sheaf->entry[0]));
}

void
sheaf_forget(struct slab_cache *cache)
{
	for (unsigned id = 0; id < nr_cpus; id++) {
		struct slab_cpu *cpu = cache->cpu[id];
		struct sheaf_cpu *sc = sheaf_cpu_of(cpu);

		if (cpu == NULL)
			continue;
		forget_sheaf(sheaf_unload(sc));
		forget_sheaf(sc->previous);
		for (unsigned i = 0; i < nr_page_nodes; i++)
			forget_sheaf(sc->remote[i]);
	}
	for (unsigned i = 0; i < nr_page_nodes; i++) {
		struct depot *depot = cache->node[i]->depot;
		struct kmem_sheaf *sheaf = depot != NULL ? depot->empty : NULL;

		for (; sheaf != NULL; sheaf = sheaf->next)
			forget_sheaf(sheaf);
	}
}

size_t
sheaf_nr_shared(struct slab_cache *cache)
{
	size_t nr = 0;

	for (unsigned i = 0; i < nr_page_nodes; i++) {
		struct depot *depot = cache->node[i]->depot;
		irq_state_t state;

		if (depot == NULL)
			continue;
		state = spin_lock_irqsave(&depot->lock);
		nr += (size_t)depot->nr_full * depot->capacity;
		spin_unlock_irqrestore(&depot->lock, state);
	}
	return nr;
}

/* One node's figures, all of one moment but for the last two. */
static void
describe_node(struct kmem_cache_node *node, unsigned nodeid,
	      void (*line)(const char *text, void *arg), void *arg)
{
	char text[SLAB_DESCRIBE_LINE];
	unsigned long taken, put;
	struct depot depot;
	irq_state_t state = spin_lock_irqsave(&node->depot->lock);

	depot = *node->depot;
	spin_unlock_irqrestore(&node->depot->lock, state);
	state = spin_lock_irqsave(&node->lock);
	taken = node->taken;
	put = node->put;
	spin_unlock_irqrestore(&node->lock, state);

	snprintf(text, sizeof(text),
		 "depot %u: %u full sheaves of %u, %u empty; room for %u each",
		 nodeid, depot.nr_full, depot.capacity, depot.nr_empty,
		 depot.max);
	line(text, arg);
	snprintf(text, sizeof(text),
		 "  by pointer: full %lu in (%lu remote), %lu out",
		 depot.full_in, depot.remote_in, depot.full_out);
	line(text, arg);
	snprintf(text, sizeof(text), "  by pointer: empty %lu in, %lu out",
		 depot.empty_in, depot.empty_out);
	line(text, arg);
	snprintf(
		text, sizeof(text),
		"  refused %lu, given back %lu; objects: %lu out of slabs, %lu "
		"back",
		depot.refused, depot.given_back, taken, put);
	line(text, arg);
}

void
sheaf_describe(struct slab_cache *cache,
	       void (*line)(const char *text, void *arg), void *arg)
{
	char text[SLAB_DESCRIBE_LINE];

	if (sheaf_is_sheaf_cache(cache)) {
		line("sheaves: nothing between CPUs and slabs", arg);
		return;
	}
	for (unsigned id = 0; id < nr_cpus; id++) {
		struct slab_cpu *cpu = atomic_load_relaxed(&cache->cpu[id]);
		const struct sheaf_cpu *sc = sheaf_cpu_of(cpu);

		if (cpu == NULL)
			continue; /* put aside: it is debugged */
		snprintf(text, sizeof(text),
			 "CPU %u: loaded and previous "
			 "swapped %lu times",
			 id, atomic_load_relaxed(&sc->swaps));
		line(text, arg);
	}
	for (unsigned i = 0; i < nr_page_nodes; i++)
		describe_node(cache->node[i], i, line, arg);
}
