/*
 * cpu=array: stacks of pointers that copy batches, as in Linux 3.10.
 *
 *	  CPU 0		  CPU 1		    of node 0
 *	[array]		[array]		    LIFO: the hottest goes out first
 *	    \  batchcount  /		    the oldest go when it is full
 *	     [   shared   ]	[alien 1]   of node 0: objects of node 1,
 *		   |		    |	    freed by CPUs of node 0
 *	     slabs of node 0   slabs of node 1
 *
 * Every batchcount operations a CPU goes to its node, under one acquisition of
 * the node's lock. The shared array lets one CPU of the node free what another one
 * allocates without touching slabs: a batch is copied from array to array.
 *
 * INVARIANT.  A CPU's array and its node's shared array hold objects of that
 * node only. An object of another node is put into the alien array for its home,
 * and travels in batches.
 *
 * LOCKING.  A CPU's array: the CPU itself, interrupts off. shared: node->lock.
 * alien: alien->lock. No two locks at once: a full alien array is emptied into
 * an array on the stack, and taken home from there.
 */
#include <kernel/error.h>
#include <kernel/string.h>

#include "../general.h"
#include "../reap.h"
#include "../slabs.h"
#include "array.h"

/* What tuning allows: a CPU's array then has 64 (128) KiB. */
#define LIMIT_MAX 16384
#define SHARED_OBJECTS_MAX 65536

/* -- sizes ------------------------------------------------------------------------------- */

/* The classic figures: arrays of large objects would hoard memory. */
static const struct slab_limit limits[] = {
	{ .above = 128 * 1024, .limit = 1 }, { .above = PAGE_SIZE, .limit = 8 },
	{ .above = 1024, .limit = 24 },	     { .above = 256, .limit = 54 },
	{ .above = 0, .limit = 120 },
};

static struct slab_tunables
array_defaults(const struct slab_cache *cache)
{
	size_t size = cache->layout.size;
	unsigned limit = percpu_limit_of(limits, size);
	bool is_shared = env_nr_cpus() > 1 && size <= PAGE_SIZE;

	return (struct slab_tunables){ .limit = limit,
				       .batchcount = (limit + 1) / 2,
				       .shared = is_shared ? 8 : 0 };
}

static bool
array_accepts(const struct slab_tunables *tunables)
{
	return tunables->limit <= LIMIT_MAX &&
	       tunables->shared <= SHARED_OBJECTS_MAX / tunables->batchcount;
}

/* -- making and freeing arrays ------------------------------------------------------------ */

static struct slab_cpu *
array_alloc(const struct kmem *kmem, const struct slab_tunables *tunables,
	    unsigned nodeid)
{
	unsigned limit = tunables->limit;
	struct array_cache *ac;

	ac = slab_general_get(kmem, sizeof(*ac) + (limit + 1) * sizeof(void *),
			      GFP_KERNEL, nodeid);
	if (ac == NULL)
		return NULL;
	memset(ac, 0, sizeof(*ac));
	ac->batchcount = tunables->batchcount;
	percpu_set(&ac->cpu, ac->entry, 0, limit);
	return &ac->cpu;
}

static struct shared_array *
shared_alloc(const struct kmem *kmem, const struct slab_tunables *tunables,
	     unsigned nodeid)
{
	unsigned limit = tunables->shared * tunables->batchcount;
	struct shared_array *shared;

	shared = slab_general_get(kmem,
				  sizeof(*shared) + limit * sizeof(void *),
				  GFP_KERNEL, nodeid);
	if (shared != NULL)
		*shared = (struct shared_array){ .limit = limit };
	return shared;
}

static void
put_if(void *memory)
{
	if (memory != NULL)
		slab_own_put(memory);
}

/* The parts of a cache, before they are put in place. */
struct parts {
	struct slab_cpu *cpu[MAX_CPUS];
	struct shared_array *shared[MAX_NODES];
};

static void
parts_free(struct parts *parts)
{
	for (unsigned id = 0; id < env_nr_cpus(); id++)
		put_if(parts->cpu[id]);
	for (unsigned i = 0; i < env_nr_nodes(); i++)
		put_if(parts->shared[i]);
}

/* 0 or -E_NO_MEM; then there are none. */
static int
parts_alloc(struct parts *parts, const struct kmem *kmem,
	    const struct slab_tunables *tunables)
{
	*parts = (struct parts){ .cpu = { NULL } };
	for (unsigned id = 0; id < env_nr_cpus(); id++) {
		parts->cpu[id] = array_alloc(kmem, tunables, env_node_of(id));
		if (parts->cpu[id] == NULL)
			goto no_mem;
	}
	for (unsigned i = 0; i < env_nr_nodes() && tunables->shared > 0; i++) {
		parts->shared[i] = shared_alloc(kmem, tunables, i);
		if (parts->shared[i] == NULL)
			goto no_mem;
	}
	return 0;
no_mem:
	parts_free(parts);
	return -E_NO_MEM;
}

static void
aliens_free(struct slab_cache *cache)
{
	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		for (unsigned home = 0; home < env_nr_nodes(); home++) {
			put_if(cache->node[i]->alien[home]);
			cache->node[i]->alien[home] = NULL;
		}
	}
}

static int
aliens_alloc(struct slab_cache *cache)
{
	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		for (unsigned home = 0; home < env_nr_nodes(); home++) {
			struct alien_cache *alien;

			if (home == i)
				continue;
			alien = slab_general_get(cache->base.kmem,
						 sizeof(*alien), GFP_KERNEL, i);
			if (alien == NULL) {
				aliens_free(cache);
				return -E_NO_MEM;
			}
			env_lock_init(&alien->lock, "slab alien");
			alien->avail = 0;
			cache->node[i]->alien[home] = alien;
		}
	}
	return 0;
}

static int
array_attach(struct slab_cache *cache, const struct slab_tunables *tunables)
{
	struct parts parts;

	if (parts_alloc(&parts, cache->base.kmem, tunables) != 0)
		return -E_NO_MEM;
	if (aliens_alloc(cache) != 0) {
		parts_free(&parts);
		return -E_NO_MEM;
	}
	for (unsigned i = 0; i < env_nr_nodes(); i++)
		cache->node[i]->shared = parts.shared[i];
	for (unsigned id = 0; id < env_nr_cpus(); id++)
		percpu_install(cache, id, parts.cpu[id]);
	return 0;
}

static void
array_detach(struct slab_cache *cache)
{
	struct parts parts = { .cpu = { NULL } };

	for (unsigned id = 0; id < env_nr_cpus(); id++) {
		parts.cpu[id] = cache->cpu[id];
		assert(percpu_avail(parts.cpu[id]) == 0);
		percpu_install(cache, id, NULL);
	}
	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		parts.shared[i] = cache->node[i]->shared;
		assert(parts.shared[i] == NULL || parts.shared[i]->avail == 0);
		cache->node[i]->shared = NULL;
	}
	parts_free(&parts);
	aliens_free(cache);
}

/* -- refilling ------------------------------------------------------------------------------ */

/* Up to nr of the shared array's newest entries; returns how many. */
static unsigned
shared_take(struct kmem_cache_node *node, void *objects[], unsigned nr)
	REQUIRES(node->lock)
{
	struct shared_array *shared = node->shared;

	if (shared == NULL || shared->avail == 0)
		return 0;
	nr = MIN(shared->avail, nr);
	shared->avail -= nr;
	memcpy(objects, shared->entry + shared->avail, nr * sizeof(objects[0]));
	shared->touched = true;
	node->batches++;
	return nr;
}

static void *
cache_alloc_refill(struct slab_cache *cache, struct slab_cpu *cpu)
{
	struct kmem_cache_node *node = cache->node[env_node()];
	unsigned nr = array_of(cpu)->batchcount, taken;
	irq_state_t state;

	if (!cpu->touched)
		nr = MIN(nr, SLAB_IDLE_REFILL);
	state = env_lock(&node->lock);
	taken = shared_take(node, cpu->bottom + 1, nr);
	if (taken == 0)
		taken = slab_take(cache, node, cpu->bottom + 1, nr);
	env_unlock(&node->lock, state);
	if (taken == 0)
		return NULL;
	cpu->stack.top = cpu->bottom + taken - 1;
	return cpu->bottom[taken];
}

static bool
array_fetch(struct slab_cache *cache, struct slab_cpu *cpu)
{
	struct kmem_cache_node *node = cache->node[env_node()];
	irq_state_t state = env_lock(&node->lock);
	unsigned taken =
		shared_take(node, cpu->bottom + 1, array_of(cpu)->batchcount);

	env_unlock(&node->lock, state);
	cpu->stack.top = cpu->bottom + taken;
	return taken > 0;
}

/* -- giving back ---------------------------------------------------------------------------- */

/* The nr oldest have gone; the others move down. */
static void
drop_oldest(struct slab_cpu *cpu, unsigned nr)
{
	cpu->stack.top -= nr;
	memmove(cpu->bottom + 1, cpu->bottom + 1 + nr,
		percpu_avail(cpu) * sizeof(void *));
}

/* Objects of a node come home: into the shared array as far as there is room,
 * then into slabs. Any context. */
static void
bring_home(struct slab_cache *cache, unsigned nodeid, void *const objects[],
	   unsigned nr)
{
	struct kmem_cache_node *node = cache->node[nodeid];
	struct list surplus = LIST_INIT(surplus);
	irq_state_t state = env_lock(&node->lock);
	struct shared_array *shared = node->shared;
	unsigned nr_shared = 0;

	if (shared != NULL) {
		nr_shared = MIN(shared->limit - shared->avail, nr);
		memcpy(shared->entry + shared->avail, objects,
		       nr_shared * sizeof(objects[0]));
		shared->avail += nr_shared;
		node->batches += nr_shared > 0;
	}
	free_block(cache, node, objects + nr_shared, nr - nr_shared, &surplus);
	env_unlock(&node->lock, state);
	(void)slabs_destroy(cache, &surplus);
}

/* This CPU's array is full: the oldest batch goes. */
static void
cache_flusharray(struct slab_cache *cache, struct slab_cpu *cpu)
{
	unsigned nr = MIN(array_of(cpu)->batchcount, percpu_avail(cpu));

	bring_home(cache, env_node(), cpu->bottom + 1, nr);
	drop_oldest(cpu, nr);
}

/* An object of another node. */
static void
cache_free_alien(struct slab_cache *cache, struct slab_cpu *cpu, void *object,
		 unsigned home)
{
	struct alien_cache *alien = cache->node[env_node()]->alien[home];
	void *batch[ALIEN_LIMIT];
	irq_state_t state = env_lock(&alien->lock);
	unsigned nr = 0;

	if (alien->avail == ALIEN_LIMIT) {
		memcpy(batch, alien->entry, sizeof(batch));
		nr = ALIEN_LIMIT;
		alien->avail = 0;
		slab_count(cache->stats[env_cpu()].alien_overflow);
	}
	alien->entry[alien->avail++] = object;
	env_unlock(&alien->lock, state);
	if (nr > 0)
		bring_home(cache, home, batch, nr);
}

/* -- draining, reaping ----------------------------------------------------------------------------- */

/* The nr oldest go back into slabs. */
static void
give_back(struct slab_cache *cache, struct slab_cpu *cpu, unsigned nr)
{
	slab_put(cache, env_node(), cpu->bottom + 1, nr);
	drop_oldest(cpu, nr);
}

static void
array_drain_cpu(struct slab_cache *cache, struct slab_cpu *cpu)
{
	give_back(cache, cpu, percpu_avail(cpu));
}

/* The nr oldest of the shared array go back into slabs. */
static void
drain_shared(struct slab_cache *cache, unsigned nodeid, unsigned nr)
{
	struct kmem_cache_node *node = cache->node[nodeid];
	struct list surplus = LIST_INIT(surplus);
	irq_state_t state = env_lock(&node->lock);
	struct shared_array *shared = node->shared;

	if (shared != NULL) {
		nr = MIN(nr, shared->avail);
		free_block(cache, node, shared->entry, nr, &surplus);
		shared->avail -= nr;
		memmove(shared->entry, shared->entry + nr,
			shared->avail * sizeof(shared->entry[0]));
	}
	env_unlock(&node->lock, state);
	(void)slabs_destroy(cache, &surplus);
}

/* All objects of other nodes that this one holds go home. */
static void
drain_aliens(struct slab_cache *cache, unsigned nodeid)
{
	for (unsigned home = 0; home < env_nr_nodes(); home++) {
		struct alien_cache *alien = cache->node[nodeid]->alien[home];
		void *batch[ALIEN_LIMIT];
		unsigned nr;
		irq_state_t state;

		if (alien == NULL)
			continue;
		state = env_lock(&alien->lock);
		nr = alien->avail;
		memcpy(batch, alien->entry, nr * sizeof(batch[0]));
		alien->avail = 0;
		env_unlock(&alien->lock, state);
		if (nr > 0)
			bring_home(cache, home, batch, nr);
	}
}

static void
array_drain_nodes(struct slab_cache *cache)
{
	/* What comes home may land in a shared array. */
	for (unsigned i = 0; i < env_nr_nodes(); i++)
		drain_aliens(cache, i);
	for (unsigned i = 0; i < env_nr_nodes(); i++)
		drain_shared(cache, i, UINT32_MAX);
}

static void
reap_array(struct slab_cache *cache)
{
	irq_state_t state = env_irqs_off();
	struct slab_cpu *cpu = cache->cpu[env_cpu()];

	if (!percpu_was_touched(cache, cpu))
		give_back(cache, cpu,
			  slab_reap_count(percpu_avail(cpu),
					  percpu_limit(cpu)));
	env_irqs_restore(state);
}

/* How many objects nobody needed of the shared array. */
static unsigned
shared_unused(struct kmem_cache_node *node)
{
	irq_state_t state = env_lock(&node->lock);
	struct shared_array *shared = node->shared;
	unsigned nr = 0;

	if (shared != NULL && shared->touched)
		shared->touched = false;
	else if (shared != NULL)
		nr = slab_reap_count(shared->avail, shared->limit);
	env_unlock(&node->lock, state);
	return nr;
}

static void
array_reap(struct slab_cache *cache, unsigned long now)
{
	drain_aliens(cache, env_node()); /* bound to this CPU */
	reap_array(cache);
	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		if (!slab_reap_due(cache, i, now))
			continue;
		drain_shared(cache, i, shared_unused(cache->node[i]));
		slab_reap_slabs(cache, i);
	}
}

/* -- tuning ------------------------------------------------------------------------------------------- */

struct tune {
	struct slab_cache *cache;
	struct parts parts;
};

/* Puts this CPU's new array in place; the old one is left in parts. */
static void
tune_this_cpu(void *arg)
{
	struct tune *tune = arg;
	unsigned id = env_cpu();
	struct slab_cpu *old = tune->cache->cpu[id];

	array_drain_cpu(tune->cache, old);
	percpu_install(tune->cache, id, tune->parts.cpu[id]);
	tune->parts.cpu[id] = old;
}

static void
tune_node(struct slab_cache *cache, unsigned nodeid, struct parts *parts,
	  const struct slab_tunables *tunables)
{
	struct kmem_cache_node *node = cache->node[nodeid];
	struct list surplus = LIST_INIT(surplus);
	irq_state_t state = env_lock(&node->lock);
	struct shared_array *old = node->shared;

	node->shared = parts->shared[nodeid];
	node->free_limit = percpu_free_limit(cache, nodeid, tunables);
	if (old != NULL) {
		free_block(cache, node, old->entry, old->avail, &surplus);
		old->avail = 0;
	}
	env_unlock(&node->lock, state);
	parts->shared[nodeid] = old;
	(void)slabs_destroy(cache, &surplus);
}

/* A CPU that is not online yet keeps its array: nothing is lost but the size. */
static int
array_tune(struct slab_cache *cache, const struct slab_tunables *tunables)
{
	struct tune tune = { .cache = cache };
	int err = parts_alloc(&tune.parts, cache->base.kmem, tunables);

	if (err != 0)
		return err;
	percpu_on_each(tune_this_cpu, &tune);
	for (unsigned i = 0; i < env_nr_nodes(); i++)
		tune_node(cache, i, &tune.parts, tunables);
	parts_free(&tune.parts);
	return 0;
}

/* -- the layer -------------------------------------------------------------------------------------------- */

const struct slab_layer array_layer = {
	.name = "array",
	.description = "arrays of pointers that copy batches",
	.defaults = array_defaults,
	.accepts = array_accepts,
	.attach = array_attach,
	.detach = array_detach,
	.tune = array_tune,
	.refill = cache_alloc_refill,
	.fetch = array_fetch,
	.flush = cache_flusharray,
	.free_remote = cache_free_alien,
	.drain_cpu = array_drain_cpu,
	.drain_nodes = array_drain_nodes,
	.reap = array_reap,
	.visit_cpu = array_visit_cpu,
	.visit_nodes = array_visit_nodes,
	.forget = array_forget,
	.nr_shared = array_nr_shared,
	.describe = array_describe,
};
