/*
 * cpu=sheaf: looking at what sheaves hold, and at what was counted. For checks,
 * pictures and slabinfo.
 */
#include <kernel/printk.h>
#include <kernel/string.h>

#include "sheaf.h"

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

	for (unsigned home = 0; home < env_nr_nodes(); home++)
		visit_sheaf(cache, sc->remote[home], home, fn, arg);
	visit_sheaf(cache, sc->previous, env_node(), fn, arg);
	visit_sheaf(cache, sheaf_unload(sc), env_node(), fn, arg);
}

/* The id-th shelf of a node; NULL: there is none (any more). */
static struct shelf *
shelf_at(const struct slab_cache *cache, unsigned nodeid, unsigned id)
{
	struct depot *depot = cache->node[nodeid]->depot;

	return depot != NULL && id < env_nr_cpus() ? &depot->shelves[id] : NULL;
}

static void
visit_shelf(struct slab_cache *cache, struct shelf *shelf, unsigned nodeid,
	    slab_visit_fn *fn, void *arg)
{
	irq_state_t state = env_lock(&shelf->lock);

	for (const struct kmem_sheaf *sheaf = shelf->full; sheaf != NULL;
	     sheaf = sheaf->next)
		visit_sheaf(cache, sheaf, nodeid, fn, arg);
	env_unlock(&shelf->lock, state);
}

void
sheaf_visit_nodes(struct slab_cache *cache, slab_visit_fn *fn, void *arg)
{
	struct shelf *shelf;

	for (unsigned i = 0; i < env_nr_nodes(); i++)
		for (unsigned id = 0; (shelf = shelf_at(cache, i, id)) != NULL;
		     id++)
			visit_shelf(cache, shelf, i, fn, arg);
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
	struct kmem_sheaf *sheaf;
	struct shelf *shelf;

	for (unsigned id = 0; id < env_nr_cpus(); id++) {
		struct slab_cpu *cpu = cache->cpu[id];
		struct sheaf_cpu *sc = sheaf_cpu_of(cpu);

		if (cpu == NULL)
			continue;
		forget_sheaf(sheaf_unload(sc));
		forget_sheaf(sc->previous);
		for (unsigned i = 0; i < env_nr_nodes(); i++)
			forget_sheaf(sc->remote[i]);
	}
	for (unsigned i = 0; i < env_nr_nodes(); i++)
		for (unsigned id = 0; (shelf = shelf_at(cache, i, id)) != NULL;
		     id++)
			for (sheaf = shelf->empty; sheaf != NULL;
			     sheaf = sheaf->next)
				forget_sheaf(sheaf);
}

/* All shelves of a depot, each of one moment, added up; all have the same room. */
static struct shelf
depot_sum(const struct slab_cache *cache, unsigned nodeid)
{
	struct shelf sum = { .max = 0 }, *shelf;

	for (unsigned id = 0; (shelf = shelf_at(cache, nodeid, id)) != NULL;
	     id++) {
		irq_state_t state = env_lock(&shelf->lock);

		sum.max = shelf->max;
		sum.nr_full += shelf->nr_full;
		sum.nr_empty += shelf->nr_empty;
		sum.full_in += shelf->full_in;
		sum.full_out += shelf->full_out;
		sum.empty_in += shelf->empty_in;
		sum.empty_out += shelf->empty_out;
		sum.remote_in += shelf->remote_in;
		sum.fetched += atomic_load_relaxed(&shelf->fetched);
		sum.refused += shelf->refused;
		sum.given_back += shelf->given_back;
		env_unlock(&shelf->lock, state);
	}
	return sum;
}

size_t
sheaf_nr_shared(struct slab_cache *cache)
{
	size_t nr = 0;

	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		const struct depot *depot = cache->node[i]->depot;

		if (depot != NULL)
			nr += (size_t)depot_sum(cache, i).nr_full *
			      atomic_load_relaxed(&depot->capacity);
	}
	return nr;
}

/* One node's figures. */
static void
describe_node(struct slab_cache *cache, unsigned nodeid,
	      void (*line)(const char *text, void *arg), void *arg)
{
	struct kmem_cache_node *node = cache->node[nodeid];
	struct shelf sum = depot_sum(cache, nodeid);
	char text[SLAB_DESCRIBE_LINE];
	irq_state_t state = env_lock(&node->lock);
	unsigned long taken = node->taken, put = node->put;

	env_unlock(&node->lock, state);
	snprintf(
		text, sizeof(text),
		"depot %u: %u full sheaves of %u, %u empty; a shelf has room for %u",
		nodeid, sum.nr_full,
		atomic_load_relaxed(&node->depot->capacity), sum.nr_empty,
		sum.max);
	line(text, arg);
	snprintf(text, sizeof(text),
		 "  by pointer: full %lu in (%lu remote), %lu out", sum.full_in,
		 sum.remote_in, sum.full_out);
	line(text, arg);
	snprintf(text, sizeof(text), "  by pointer: empty %lu in, %lu out",
		 sum.empty_in, sum.empty_out);
	line(text, arg);
	snprintf(text, sizeof(text),
		 "  %lu sheaves fetched from other CPUs' shelves", sum.fetched);
	line(text, arg);
	snprintf(
		text, sizeof(text),
		"  refused %lu, given back %lu; objects: %lu out of slabs, %lu "
		"back",
		sum.refused, sum.given_back, taken, put);
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
	for (unsigned id = 0; id < env_nr_cpus(); id++) {
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
	for (unsigned i = 0; i < env_nr_nodes(); i++)
		describe_node(cache, i, line, arg);
}
