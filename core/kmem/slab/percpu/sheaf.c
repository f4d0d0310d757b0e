/*
 * cpu=sheaf: sheaves of objects that change hands by pointer (Bonwick's
 * magazines, Linux 6.18's sheaves).
 *
 * PROBLEM.  A CPU that takes and gives objects in bursts larger than its stack
 * has to go to its node every so often. What it fetches or leaves there should
 * not be touched object by object: neither copied from array to array, nor looked
 * up, one after the other, in slabs.
 *
 * MODEL.  A *sheaf* is an array of up to `limit` objects with a header, and moves
 * as a whole, by pointer. Each CPU has two:
 *
 *	CPU:  loaded	the front's stack (arch/cpu_stack.h) lies in it
 *	      previous	full or empty
 *	      remote[n]	objects of node n, freed here
 *			|  ^			  |
 *	      full one	|  | empty one		  | full one
 *			v  |			  v
 *	depot of this node:			depot of node n:
 *	a shelf for each CPU, full, empty	a shelf for each CPU, full, empty
 *			|  ^
 *	slabs of this node: when there is no full sheaf, or no room for one
 *
 *	alloc, loaded is empty:			free, loaded is full:
 *	  previous is full: they swap		  previous is empty: they swap
 *	  the depot has a full one:		  the depot has an empty one, or one
 *	    previous (empty) -> depot		  can be made:
 *	    loaded becomes previous		    previous (full) -> depot
 *	    the full one is loaded		    loaded becomes previous
 *	  objects come out of slabs		    the empty one is loaded
 *						  objects go back into slabs
 *
 * So between two visits to the depot lie at least `limit` operations, whatever
 * their order: after a visit one of the two is full and the other one empty, and
 * a pair at the edge only swaps them.
 *
 * INVARIANTS.
 *   - previous is full or empty. If nothing is loaded, there is no previous.
 *   - Full: nr = capacity. In a depot, capacity is what the depot wants.
 *   - A CPU's two and its node's depot hold objects of that node; remote[n] those
 *     of node n.
 *   - An object never moves from sheaf to sheaf; only between sheaf and slab.
 *
 * REMOTE OBJECTS.  Each CPU gathers them without a lock. A full sheaf goes to
 * the depot of the objects' node, and for it comes an empty one from there: where
 * one node allocates and the other frees, sheaves go round in circles and none is
 * made. Reaping sends home what has gathered.
 *
 * SHEAVES ARE MADE when one is needed and the depot has none, in whatever context
 * that is (depot.c: why that ends). If there is no memory for it, the
 * objects go to slabs directly, or come from there: slower, never wrong.
 *
 * MORE CPUS.  A depot has a shelf for each CPU, and a CPU uses its own: where each
 * frees what it has allocated, nothing is shared. One whose shelf is empty takes from the
 * others' before it goes to slabs (depot.c).
 *
 * TUNABLES.  limit: objects of a sheaf; batchcount: how many come out of slabs
 * when the depot has no full sheaf; shared: how many full sheaves, and how many
 * empty ones, each shelf keeps.
 *
 * MEMORY AGAINST SPEED.  The classic layer keeps some batches and returns the
 * rest to its slabs at once; the next burst gets them from there, object by
 * object. A depot keeps a whole burst: the shelves of a node's own CPUs together up to
 * 1/DEPOT_FRACTION of its memory for each cache. That is for a few seconds only: the
 * reaper takes away what was not needed between two visits, shrinking and pressure
 * take away everything, and a CPU that does not use the cache loses its two sheaves.
 * A sheaf costs a word for each object: 2 % of objects of 192 bytes on i386.
 *
 * LOCKING.  A CPU's part: that CPU, interrupts off. Shelves: a lock of rank KMEM
 * each, held for a few instructions; nothing else is locked or done meanwhile.
 * Tuning tells the depots first and the CPUs then; in between, sheaves of the
 * old size are refused by the depots.
 *
 * COSTS.  An exchange: some 240 instructions for `limit` operations. Cold, it is
 * the slabs that cost.
 *
 * Lending sheaves to callers: lend.c; looking at them:
 * sheaf_view.c.
 *
 * SIZES.  Half of what the classic layer's arrays have, since there are two; but small
 * objects have nearly all of it: a visit to the depot costs some 240 instructions, and
 * with 52 of 192 bytes a burst paid 4.7 of them for each object. Sheaves and headers fill
 * their size classes on 32 and 64 bits.
 *
 * TO CHANGE them: limits, and sheaf_sizes in depot.c; what a depot keeps:
 * DEPOT_FRACTION.
 */
#include <kernel/error.h>
#include <kernel/string.h>

#include "../general.h"
#include "../reap.h"
#include "../slabs.h"
#include "sheaf.h"

/* A depot may keep one part in so many of its node's memory. */
#define DEPOT_FRACTION 32
/* What tuning allows: sheaves of a shelf. */
#define SHARED_MAX 65536

/* -- sizes ---------------------------------------------------------------------------- */

static const struct slab_limit limits[] = {
	{ .above = 128 * 1024, .limit = 1 }, { .above = PAGE_SIZE, .limit = 4 },
	{ .above = 1024, .limit = 12 },	     { .above = 256, .limit = 28 },
	{ .above = 0, .limit = 108 },
};

static struct slab_tunables
sheaf_defaults(const struct slab_cache *cache)
{
	size_t node_bytes = env_nr_pages() / env_nr_nodes() * PAGE_SIZE;
	unsigned limit = percpu_limit_of(limits, cache->layout.size);
	size_t each = limit * cache->layout.size + sheaf_bytes(limit);
	size_t cpus = (env_nr_cpus() + env_nr_nodes() - 1) / env_nr_nodes();
	size_t nr = node_bytes / DEPOT_FRACTION / cpus / each;

	if (sheaf_is_sheaf_cache(cache))
		return (struct slab_tunables){ .limit = 0 };
	return (struct slab_tunables){
		.limit = limit,
		.batchcount = (limit + 1) / 2,
		.shared = (unsigned)MIN(nr, (size_t)SHARED_MAX),
	};
}

static bool
sheaf_accepts(const struct slab_tunables *tunables)
{
	return tunables->limit <= SHEAF_LIMIT_MAX &&
	       tunables->shared <= SHARED_MAX;
}

/* -- a cache's parts --------------------------------------------------------------------- */

static void
depots_free(struct slab_cache *cache)
{
	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		struct depot *depot = cache->node[i]->depot;

		cache->node[i]->depot = NULL;
		if (depot != NULL)
			slab_own_put(depot);
	}
}

static int
depots_alloc(struct slab_cache *cache, const struct slab_tunables *tunables)
{
	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		struct depot *depot = slab_general_get(
			cache->base.kmem, depot_bytes(), GFP_KERNEL, i);

		if (depot == NULL) {
			depots_free(cache);
			return -E_NO_MEM;
		}
		depot_init(depot, cache->root);
		depot_tune(depot, tunables);
		cache->node[i]->depot = depot;
	}
	return 0;
}

/* What the CPU uses from now on; NULL: nothing. Here, or it is not in place. */
static inline void
load(struct sheaf_cpu *sc, struct kmem_sheaf *sheaf)
{
	sc->loaded = sheaf;
	if (sheaf != NULL)
		percpu_set(&sc->cpu, sheaf->entry, sheaf->nr, sheaf->capacity);
	else
		percpu_set(&sc->cpu, sc->none, 0, 0);
}

static struct sheaf_cpu *
sheaf_cpu_alloc(struct slab_cache *cache, unsigned nodeid)
{
	struct sheaf_cpu *sc = slab_general_get(cache->base.kmem, sizeof(*sc),
						GFP_KERNEL, nodeid);

	if (sc == NULL)
		return NULL;
	memset(sc, 0, sizeof(*sc));
	sc->depot = cache->node[nodeid]->depot;
	load(sc, NULL);
	return sc;
}

/* No part is in place before all are there: they may come from this very cache,
 * and if it is debugged, nothing may have gone through a stack. */
static int
sheaf_attach(struct slab_cache *cache, const struct slab_tunables *tunables)
{
	struct sheaf_cpu *parts[MAX_CPUS] = { NULL };

	if (sheaf_is_sheaf_cache(cache))
		return 0;
	if (depots_alloc(cache, tunables) != 0)
		return -E_NO_MEM;
	for (unsigned id = 0; id < env_nr_cpus(); id++) {
		parts[id] = sheaf_cpu_alloc(cache, env_node_of(id));
		if (parts[id] == NULL) {
			while (id-- > 0)
				slab_own_put(parts[id]);
			depots_free(cache);
			return -E_NO_MEM;
		}
	}
	for (unsigned id = 0; id < env_nr_cpus(); id++)
		percpu_install(cache, id, &parts[id]->cpu);
	return 0;
}

static void
free_if_empty(struct kmem_sheaf *sheaf)
{
	if (sheaf == NULL)
		return;
	assert(sheaf->nr == 0);
	sheaf_free(sheaf);
}

/* No object is out. A CPU that could not be asked may have empty sheaves. */
static void
sheaf_detach(struct slab_cache *cache)
{
	if (sheaf_is_sheaf_cache(cache))
		return;
	for (unsigned id = 0; id < env_nr_cpus(); id++) {
		struct sheaf_cpu *sc = sheaf_cpu_of(cache->cpu[id]);

		free_if_empty(sheaf_unload(sc));
		free_if_empty(sc->previous);
		for (unsigned i = 0; i < env_nr_nodes(); i++)
			free_if_empty(sc->remote[i]);
		percpu_install(cache, id, NULL);
		slab_own_put(sc);
	}
	for (unsigned i = 0; i < env_nr_nodes(); i++)
		depot_drain(cache, i);
	depots_free(cache);
}

/* -- the two of a CPU ---------------------------------------------------------------------- */

static inline void
swap(struct sheaf_cpu *sc)
{
	struct kmem_sheaf *loaded = sheaf_unload(sc);

	load(sc, sc->previous);
	sc->previous = loaded;
	slab_count(sc->swaps);
}

/* -- taking ------------------------------------------------------------------------------------ */

static bool
sheaf_fetch(struct slab_cache *cache, struct slab_cpu *cpu)
{
	struct sheaf_cpu *sc = sheaf_cpu_of(cpu);
	struct kmem_sheaf *full;

	if (sc->previous != NULL && sc->previous->nr > 0) {
		swap(sc);
		return true;
	}
	/* Both are empty, or not there. */
	full = depot_take_full(sc->depot, &sc->previous);
	if (full == NULL)
		return false;
	if (sc->previous != NULL)
		sheaf_free(sc->previous); /* the depot has enough */
	sc->previous = sheaf_unload(sc);
	load(sc, full);
	return true;
}

/* Up to nr objects out of slabs; returns how many. */
static unsigned
take_from_slabs(struct slab_cache *cache, void *objects[], unsigned nr)
{
	struct kmem_cache_node *node = cache->node[env_node()];
	irq_state_t state = env_lock(&node->lock);

	nr = slab_take(cache, node, objects, nr);
	env_unlock(&node->lock, state);
	return nr;
}

static void *
sheaf_refill(struct slab_cache *cache, struct slab_cpu *cpu)
{
	struct sheaf_cpu *sc = sheaf_cpu_of(cpu);
	unsigned nr = atomic_load_relaxed(&sc->depot->batchcount);
	void *object = NULL;

	if (sheaf_fetch(cache, cpu))
		return *cpu->stack.top--;
	if (sc->loaded == NULL)
		load(sc, sheaf_alloc(sc->depot, env_node()));
	if (sc->loaded == NULL) {
		(void)take_from_slabs(cache, &object, 1);
		return object;
	}
	if (!cpu->touched)
		nr = MIN(nr, SLAB_IDLE_REFILL);
	nr = take_from_slabs(cache, cpu->bottom + 1,
			     MIN(nr, percpu_limit(cpu)));
	if (nr == 0)
		return NULL;
	cpu->stack.top = cpu->bottom + nr - 1;
	return cpu->bottom[nr];
}

/* -- giving back ---------------------------------------------------------------------------------- */

/*
 * An empty sheaf for a full one (or for NULL), whose objects are of node `home`.
 * The full one is gone afterwards: in that node's depot, or in pieces. NULL: there is
 * no memory for an empty one.
 */
static struct kmem_sheaf *
exchange_full(struct slab_cache *cache, struct kmem_sheaf *full, unsigned home)
{
	struct depot *depot = cache->node[home]->depot;
	unsigned here = env_node();
	struct kmem_sheaf *empty = depot_take_empty(depot, &full, home != here);

	if (full != NULL) {
		/* No room for it. */
		sheaf_empty(cache, home, full);
		if (empty == NULL &&
		    full->capacity == atomic_load_relaxed(&depot->capacity))
			empty = full;
		else
			sheaf_free(full);
	}
	return empty != NULL ? empty : sheaf_alloc(depot, here);
}

static void
sheaf_flush(struct slab_cache *cache, struct slab_cpu *cpu)
{
	struct sheaf_cpu *sc = sheaf_cpu_of(cpu);
	struct kmem_sheaf *previous = sc->previous, *empty;

	if (previous != NULL && previous->nr == 0) {
		swap(sc);
		return;
	}
	/* Both are full, or not there. */
	empty = exchange_full(cache, previous, env_node());
	sc->previous = NULL;
	if (empty != NULL) {
		sc->previous = sheaf_unload(sc);
		load(sc, empty);
	} else if (sc->loaded != NULL) {
		sheaf_empty(cache, env_node(), sheaf_unload(sc));
		load(sc, sc->loaded);
	}
}

static void
sheaf_free_remote(struct slab_cache *cache, struct slab_cpu *cpu, void *object,
		  unsigned home)
{
	struct sheaf_cpu *sc = sheaf_cpu_of(cpu);
	struct kmem_sheaf *sheaf = sc->remote[home];

	if (sheaf == NULL || sheaf->nr == sheaf->capacity) {
		if (sheaf != NULL)
			slab_count(cache->stats[env_cpu()].alien_overflow);
		sheaf = exchange_full(cache, sheaf, home);
		sc->remote[home] = sheaf;
	}
	if (sheaf != NULL)
		sheaf->entry[++sheaf->nr] = object;
	else
		slab_put(cache, home, &object, 1);
}

/* -- draining, reaping ----------------------------------------------------------------------------- */

static void
drain_remote(struct slab_cache *cache, struct sheaf_cpu *sc)
{
	for (unsigned home = 0; home < env_nr_nodes(); home++) {
		sheaf_dissolve(cache, home, sc->remote[home]);
		sc->remote[home] = NULL;
	}
}

static void
sheaf_drain_cpu(struct slab_cache *cache, struct slab_cpu *cpu)
{
	struct sheaf_cpu *sc = sheaf_cpu_of(cpu);

	drain_remote(cache, sc);
	sheaf_dissolve(cache, env_node(), sc->previous);
	sheaf_dissolve(cache, env_node(), sheaf_unload(sc));
	sc->previous = NULL;
	load(sc, NULL);
}

static void
sheaf_drain_nodes(struct slab_cache *cache)
{
	for (unsigned i = 0; i < env_nr_nodes(); i++)
		depot_drain(cache, i);
}

/* The oldest of the loaded sheaf go; the last of them takes the sheaf along. */
static void
reap_loaded(struct slab_cache *cache, struct sheaf_cpu *sc)
{
	struct slab_cpu *cpu = &sc->cpu;
	unsigned avail = percpu_avail(cpu);
	unsigned nr = slab_reap_count(avail, percpu_limit(cpu));

	slab_put(cache, env_node(), cpu->bottom + 1, nr);
	cpu->stack.top -= nr;
	memmove(cpu->bottom + 1, cpu->bottom + 1 + nr,
		percpu_avail(cpu) * sizeof(void *));
	if (percpu_avail(cpu) == 0) {
		sheaf_free(sheaf_unload(sc));
		load(sc, NULL);
	}
}

static void
reap_cpu(struct slab_cache *cache)
{
	irq_state_t state = env_irqs_off();
	struct slab_cpu *cpu = cache->cpu[env_cpu()];
	struct sheaf_cpu *sc = sheaf_cpu_of(cpu);

	drain_remote(cache, sc);
	if (!percpu_was_touched(cache, cpu)) {
		if (sc->previous != NULL) {
			sheaf_dissolve(cache, env_node(), sc->previous);
			sc->previous = NULL;
		} else if (sc->loaded != NULL) {
			reap_loaded(cache, sc);
		}
	}
	env_irqs_restore(state);
}

static void
sheaf_reap(struct slab_cache *cache, unsigned long now)
{
	if (cache->cpu[env_cpu()] != NULL)
		reap_cpu(cache);
	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		if (!slab_reap_due(cache, i, now))
			continue;
		depot_reap(cache, i);
		slab_reap_slabs(cache, i);
	}
}

/* -- tuning ------------------------------------------------------------------------------------------- */

static void
drain_this_cpu(void *cache)
{
	percpu_drain(cache);
}

/* Sheaves of the old size, on a CPU that is not online yet, are refused by the depot
 * later. */
static int
sheaf_tune(struct slab_cache *cache, const struct slab_tunables *tunables)
{
	if (sheaf_is_sheaf_cache(cache))
		return -E_INVAL;
	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		struct kmem_cache_node *node = cache->node[i];
		irq_state_t state;

		depot_tune(node->depot, tunables);
		depot_drain(cache, i);
		state = env_lock(&node->lock);
		node->free_limit = percpu_free_limit(cache, i, tunables);
		env_unlock(&node->lock, state);
	}
	percpu_on_each(drain_this_cpu, cache);
	return 0;
}

/* -- the layer ---------------------------------------------------------------------------------------- */

const struct slab_layer sheaf_layer = {
	.name = "sheaf",
	.description = "sheaves of objects that change hands by pointer",
	.start = sheaf_start,
	.defaults = sheaf_defaults,
	.accepts = sheaf_accepts,
	.attach = sheaf_attach,
	.detach = sheaf_detach,
	.tune = sheaf_tune,
	.refill = sheaf_refill,
	.fetch = sheaf_fetch,
	.flush = sheaf_flush,
	.free_remote = sheaf_free_remote,
	.drain_cpu = sheaf_drain_cpu,
	.drain_nodes = sheaf_drain_nodes,
	.reap = sheaf_reap,
	.visit_cpu = sheaf_visit_cpu,
	.visit_nodes = sheaf_visit_nodes,
	.forget = sheaf_forget,
	.nr_shared = sheaf_nr_shared,
	.describe = sheaf_describe,
	.sheaf_get = sheaf_lend,
	.sheaf_put = sheaf_take_back,
};
