/*
 * cpu=array: stacks of pointers to free objects, one for each CPU.
 *
 *	  CPU 0		  CPU 1		    of node 0
 *	[array]		[array]		    LIFO: the hottest goes out first
 *	    \  batchcount  /		    the oldest go when it is full
 *	     [   shared   ]	[alien 1]   of node 0: objects of node 1,
 *		   |		    |	    freed by CPUs of node 0
 *	     slabs of node 0   slabs of node 1
 *
 * A CPU's array needs no lock, only interrupts off for a load and a store
 * (slab_cpu_pop, slab_cpu_push in slab.h). Every batchcount operations it goes
 * to its node under one acquisition of the node's lock. The shared array lets one
 * CPU of the node free what another one allocates without touching slabs: a
 * batch is copied from array to array.
 *
 * INVARIANT.  A CPU's array and its node's shared array hold objects of that
 * node only. An object of another node is put into the alien array for its home,
 * and travels in batches.
 *
 * LOCKING.  A CPU's array: the CPU itself, interrupts off. shared: node->lock.
 * alien: alien->lock. No two locks at once: a full alien array is emptied into
 * an array on the stack, and taken home from there.
 *
 * An array of limit 0 is legal (slab_no_array: caches on their way up): then
 * every operation goes to the slabs, one object at a time.
 */
#include <kernel/error.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/timer.h>

#include "slab.h"

/* A cache that was idle takes no more than this at first. */
#define BATCHREFILL_LIMIT 16
/* An idle array gives back one part in so many of its limit. */
#define REAP_FRACTION 5
/* What tuning allows: a CPU's array then has 64 (128) KiB. */
#define LIMIT_MAX 16384
#define SHARED_ENTRIES_MAX 65536
/* Memory is short when less than one part in so many is free. */
#define SHORT_FRACTION 32
/* Shared arrays are looked through every other time. */
#define REAP_NODE_TICKS (2 * KMEM_REAP_TICKS)

struct array_cache slab_no_array;
struct slab_stats slab_boot_stats[MAX_CPUS];

/* -- sizes ---------------------------------------------------------------------------- */

/* The classic figures: arrays of large objects would hoard memory. */
static unsigned
default_limit(size_t size)
{
	if (size > 128 * 1024)
		return 1;
	if (size > PAGE_SIZE)
		return 8;
	if (size > 1024)
		return 24;
	return size > 256 ? 54 : 120;
}

struct slab_tunables
slab_tunables_default(const struct slab_cache *cache)
{
	size_t size = cache->layout.size;
	unsigned limit = default_limit(size);
	bool is_shared = nr_cpus > 1 && size <= PAGE_SIZE;

	return (struct slab_tunables){ .limit = limit,
				       .batchcount = (limit + 1) / 2,
				       .shared = is_shared ? 8 : 0 };
}

bool
slab_tunables_ok(const struct slab_tunables *tunables)
{
	return tunables->batchcount >= 1 &&
	       tunables->batchcount <= tunables->limit &&
	       tunables->limit <= LIMIT_MAX &&
	       tunables->shared <= SHARED_ENTRIES_MAX / tunables->batchcount;
}

/* CPUs whose node this is. */
static unsigned
node_nr_cpus(unsigned nodeid)
{
	unsigned nr = 0;

	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		nr += node_of_cpu[cpu] == nodeid;
	return nr;
}

static size_t
node_free_limit(const struct slab_cache *cache, unsigned nodeid,
		const struct slab_tunables *tunables)
{
	return (size_t)(1 + node_nr_cpus(nodeid)) * tunables->batchcount +
	       cache->layout.num;
}

/* -- making and freeing arrays ------------------------------------------------------------ */

static struct array_cache *
alloc_arraycache(unsigned limit, unsigned batchcount, unsigned nodeid)
{
	struct array_cache *ac;

	ac = slab_general_get(sizeof(*ac) + limit * sizeof(ac->entry[0]),
			      GFP_KERNEL, nodeid);
	if (ac != NULL)
		*ac = (struct array_cache){ .limit = limit,
					    .batchcount = batchcount };
	return ac;
}

static void
put_if(void *memory)
{
	if (memory != NULL)
		slab_own_put(memory);
}

/* The parts of a cache, before they are put in place. */
struct parts {
	struct array_cache *array[MAX_CPUS];
	struct array_cache *shared[MAX_NODES];
};

static void
parts_free(struct parts *parts)
{
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		put_if(parts->array[cpu]);
	for (unsigned i = 0; i < nr_page_nodes; i++)
		put_if(parts->shared[i]);
}

/* 0 or -E_NO_MEM; then there are none. */
static int
parts_alloc(struct parts *parts, const struct slab_tunables *tunables)
{
	*parts = (struct parts){ .array = { NULL } };
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		parts->array[cpu] = alloc_arraycache(tunables->limit,
						     tunables->batchcount,
						     node_of_cpu[cpu]);
		if (parts->array[cpu] == NULL)
			goto no_mem;
	}
	for (unsigned i = 0; i < nr_page_nodes && tunables->shared > 0; i++) {
		parts->shared[i] = alloc_arraycache(
			tunables->shared * tunables->batchcount,
			tunables->batchcount, i);
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
	for (unsigned i = 0; i < nr_page_nodes; i++) {
		for (unsigned home = 0; home < nr_page_nodes; home++) {
			put_if(cache->node[i]->alien[home]);
			cache->node[i]->alien[home] = NULL;
		}
	}
}

static int
aliens_alloc(struct slab_cache *cache)
{
	for (unsigned i = 0; i < nr_page_nodes; i++) {
		for (unsigned home = 0; home < nr_page_nodes; home++) {
			struct alien_cache *alien;

			if (home == i)
				continue;
			alien = slab_general_get(sizeof(*alien), GFP_KERNEL, i);
			if (alien == NULL) {
				aliens_free(cache);
				return -E_NO_MEM;
			}
			spin_init(&alien->lock, LOCK_RANK_KMEM, "slab alien");
			alien->avail = 0;
			cache->node[i]->alien[home] = alien;
		}
	}
	return 0;
}

static int
array_attach(struct slab_cache *cache, const struct slab_tunables *tunables)
{
	size_t stats_size = nr_cpus * sizeof(struct slab_stats);
	struct slab_stats *stats;
	struct parts parts;

	stats = slab_general_get(stats_size, GFP_KERNEL, NODE_ANY);
	if (stats == NULL)
		goto no_mem;
	memset(stats, 0, stats_size);
	if (parts_alloc(&parts, tunables) != 0)
		goto no_mem_stats;
	if (aliens_alloc(cache) != 0)
		goto no_mem_parts;
	cache->tunables = *tunables;
	cache->stats = stats;
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		cache->array[cpu] = parts.array[cpu];
	for (unsigned i = 0; i < nr_page_nodes; i++) {
		struct kmem_cache_node *node = cache->node[i];
		irq_state_t state = spin_lock_irqsave(&node->lock);

		node->shared = parts.shared[i];
		node->free_limit = node_free_limit(cache, i, tunables);
		spin_unlock_irqrestore(&node->lock, state);
	}
	return 0;

no_mem_parts:
	parts_free(&parts);
no_mem_stats:
	slab_own_put(stats);
no_mem:
	return -E_NO_MEM;
}

static void
array_detach(struct slab_cache *cache)
{
	struct parts parts = { .array = { NULL } };

	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		parts.array[cpu] = cache->array[cpu];
		cache->array[cpu] = &slab_no_array;
		assert(parts.array[cpu]->avail == 0);
	}
	for (unsigned i = 0; i < nr_page_nodes; i++) {
		struct kmem_cache_node *node = cache->node[i];
		irq_state_t state = spin_lock_irqsave(&node->lock);

		parts.shared[i] = node->shared;
		node->shared = NULL;
		spin_unlock_irqrestore(&node->lock, state);
		assert(parts.shared[i] == NULL || parts.shared[i]->avail == 0);
	}
	parts_free(&parts);
	aliens_free(cache);
	slab_own_put(cache->stats);
	cache->stats = slab_boot_stats;
}

/* -- taking ------------------------------------------------------------------------------- */

/* Moves up to nr of the newest entries; returns how many. */
static unsigned
transfer_objects(struct array_cache *to, struct array_cache *from, unsigned nr)
{
	nr = MIN(MIN(from->avail, to->limit - to->avail), nr);
	from->avail -= nr;
	memcpy(to->entry + to->avail, from->entry + from->avail,
	       nr * sizeof(to->entry[0]));
	to->avail += nr;
	return nr;
}

/* Fills this CPU's empty array from its node, or (an array without room) finds
 * one object. NULL: the node has none. Interrupts off. */
static void *
refill_from_node(struct slab_cache *cache, struct array_cache *ac)
{
	struct kmem_cache_node *node = cache->node[slab_node_here()];
	unsigned batch = ac->batchcount;
	void *object = NULL;
	irq_state_t state;

	if (!ac->touched && batch > BATCHREFILL_LIMIT)
		batch = BATCHREFILL_LIMIT;
	state = spin_lock_irqsave(&node->lock);
	if (node->shared != NULL &&
	    transfer_objects(ac, node->shared, batch) > 0)
		node->shared->touched = 1;
	else if (ac->limit > 0)
		ac->avail = slab_take(cache, node, ac->entry, batch);
	else
		(void)slab_take(cache, node, &object, 1);
	spin_unlock_irqrestore(&node->lock, state);
	return object;
}

static void *
cache_alloc_refill(struct slab_cache *cache)
{
	irq_state_t state = arch_irq_save();
	struct array_cache *ac = cache->array[arch_cpu_id()];
	void *object = NULL;

	slab_count(cache->stats[arch_cpu_id()].alloc_miss);
	/* Since the array was found empty, an interrupt may have freed, or this
	 * thread come to another CPU. */
	if (ac->avail == 0)
		object = refill_from_node(cache, ac);
	if (ac->avail > 0) {
		object = ac->entry[--ac->avail];
		ac->touched = 1;
	}
	arch_irq_restore(state);
	return object;
}

/* One object out of a node's slabs, past the arrays. */
static void *
take_one(struct slab_cache *cache, unsigned nodeid)
{
	struct kmem_cache_node *node = cache->node[nodeid];
	irq_state_t state = spin_lock_irqsave(&node->lock);
	void *object = NULL;

	(void)slab_take(cache, node, &object, 1);
	if (object != NULL && nodeid != slab_node_here())
		slab_count(cache->stats[arch_cpu_id()].node_allocs);
	spin_unlock_irqrestore(&node->lock, state);
	return object;
}

static void
say_no_memory(struct slab_cache *cache, gfp_t gfp)
{
	irq_state_t state = arch_irq_save();

	slab_count(cache->stats[arch_cpu_id()].no_memory);
	arch_irq_restore(state);
	if (!(gfp & __GFP_NOWARN))
		printk("slab: no memory for cache %s: gfp 0x%x, %zu of %zu "
		       "pages free\n",
		       cache->base.name, gfp, nr_free_pages(),
		       nr_managed_pages());
}

static void *
take_nearest(struct slab_cache *cache, unsigned home)
{
	void *object = NULL;

	for (unsigned i = 0; i < nr_page_nodes && object == NULL; i++)
		object = take_one(cache, page_node_nearest(home, i));
	return object;
}

/*
 * `home` has neither objects nor pages: the other nodes' objects by distance,
 * then pages from anywhere (where the page allocator tries all it may). Whoever
 * else is short may take what a new slab brings, so: until there is none.
 */
static void *
fallback_alloc(struct slab_cache *cache, gfp_t gfp, unsigned home)
{
	void *object = take_nearest(cache, home);
	int landed;

	while (object == NULL) {
		landed = cache_grow(cache, gfp, home);
		if (landed < 0)
			break;
		object = take_one(cache, (unsigned)landed);
	}
	return object;
}

/* For an attempt at one node before others are asked. */
static gfp_t
gfp_local(gfp_t gfp)
{
	if (nr_page_nodes == 1 || (gfp & __GFP_THISNODE))
		return gfp;
	return (gfp & ~(gfp_t)__GFP_WAIT) | __GFP_THISNODE | __GFP_NOWARN;
}

static bool
may_fall_back(gfp_t gfp)
{
	return nr_page_nodes > 1 && !(gfp & __GFP_THISNODE);
}

static void *
alloc_near(struct slab_cache *cache, gfp_t gfp)
{
	void *object;
	unsigned home;

	for (;;) {
		object = cache_alloc_refill(cache);
		if (object != NULL)
			return object;
		/* A hint; growing may sleep, so all is looked at again. */
		home = slab_node_here();
		if (cache_grow(cache, gfp_local(gfp), home) < 0)
			break;
	}
	return may_fall_back(gfp) ? fallback_alloc(cache, gfp, home) : NULL;
}

static void *
alloc_on(struct slab_cache *cache, gfp_t gfp, unsigned nodeid)
{
	void *object;

	while ((object = take_one(cache, nodeid)) == NULL)
		if (cache_grow(cache, gfp_local(gfp), nodeid) < 0)
			break;
	if (object == NULL && may_fall_back(gfp))
		object = fallback_alloc(cache, gfp, nodeid);
	return object;
}

static void *
alloc_from(struct slab_cache *cache, gfp_t gfp, unsigned nodeid)
{
	return nodeid == NODE_ANY ? alloc_near(cache, gfp)
				  : alloc_on(cache, gfp, nodeid);
}

/* So little memory is free that what caches hold counts. (Else pages were not
 * contiguous enough, or an allocation failed on purpose.) */
static bool
memory_is_short(void)
{
	return nr_free_pages() < nr_managed_pages() / SHORT_FRACTION;
}

/*
 * Free objects lie in arrays of this and other caches, where the page allocator
 * cannot see them, and in interrupts it asks nobody: so before NULL, all that
 * can be given back here is given back, once.
 */
static void *
alloc_or_shrink(struct slab_cache *cache, gfp_t gfp, unsigned nodeid)
{
	void *object = alloc_from(cache, gfp | __GFP_NOWARN, nodeid);

	if (object == NULL && memory_is_short()) {
		(void)slab_shrink_all();
		object = alloc_from(cache, gfp | __GFP_NOWARN, nodeid);
	}
	if (object == NULL)
		say_no_memory(cache, gfp);
	return object;
}

static void *
array_alloc(struct slab_cache *cache, gfp_t gfp)
{
	return alloc_or_shrink(cache, gfp, NODE_ANY);
}

static void *
array_alloc_node(struct slab_cache *cache, gfp_t gfp, unsigned nodeid)
{
	assert(nodeid < nr_page_nodes);
	return alloc_or_shrink(cache, gfp, nodeid);
}

/* -- giving back ---------------------------------------------------------------------------- */

/* Takes the nr oldest entries out; the others move down. */
static void
drop_oldest(struct array_cache *ac, unsigned nr)
{
	ac->avail -= nr;
	memmove(ac->entry, ac->entry + nr, ac->avail * sizeof(ac->entry[0]));
}

/* Objects of a node come home: into the shared array as far as there is room,
 * then into slabs. Any context. */
static void
bring_home(struct slab_cache *cache, unsigned nodeid, void *const objects[],
	   unsigned nr)
{
	struct kmem_cache_node *node = cache->node[nodeid];
	struct list surplus = LIST_INIT(surplus);
	irq_state_t state = spin_lock_irqsave(&node->lock);
	struct array_cache *shared = node->shared;
	unsigned nr_shared = 0;

	if (shared != NULL) {
		nr_shared = MIN(shared->limit - shared->avail, nr);
		memcpy(shared->entry + shared->avail, objects,
		       nr_shared * sizeof(objects[0]));
		shared->avail += nr_shared;
	}
	free_block(cache, node, objects + nr_shared, nr - nr_shared, &surplus);
	spin_unlock_irqrestore(&node->lock, state);
	(void)slabs_destroy(cache, &surplus);
}

/* This CPU's array is full: the oldest batch goes. Interrupts off. */
static void
cache_flusharray(struct slab_cache *cache, struct array_cache *ac)
{
	unsigned nr = MIN(ac->batchcount, ac->avail);

	bring_home(cache, slab_node_here(), ac->entry, nr);
	drop_oldest(ac, nr);
}

/* An object of another node. Interrupts off. */
static void
cache_free_alien(struct slab_cache *cache, void *object, unsigned home)
{
	struct slab_stats *stats = &cache->stats[arch_cpu_id()];
	struct alien_cache *alien = cache->node[slab_node_here()]->alien[home];
	void *batch[ALIEN_LIMIT];
	unsigned nr = 0;
	irq_state_t state;

	slab_count(stats->node_frees);
	if (alien == NULL) {
		slab_put(cache, home, &object, 1);
		return;
	}
	state = spin_lock_irqsave(&alien->lock);
	if (alien->avail == ALIEN_LIMIT) {
		memcpy(batch, alien->entry, sizeof(batch));
		nr = ALIEN_LIMIT;
		alien->avail = 0;
		slab_count(stats->alien_overflow);
	}
	alien->entry[alien->avail++] = object;
	spin_unlock_irqrestore(&alien->lock, state);
	if (nr > 0)
		bring_home(cache, home, batch, nr);
}

/* Interrupts off. */
static void
free_here(struct slab_cache *cache, void *object)
{
	struct array_cache *ac = cache->array[arch_cpu_id()];
	unsigned home = slab_page_of(object)->node;

	if (home != slab_node_here()) {
		cache_free_alien(cache, object, home);
		return;
	}
	if (ac->avail == ac->limit) {
		slab_count(cache->stats[arch_cpu_id()].free_miss);
		cache_flusharray(cache, ac);
	}
	if (ac->limit > 0)
		ac->entry[ac->avail++] = object;
	else
		slab_put(cache, home, &object, 1);
}

static void
array_free(struct slab_cache *cache, void *object)
{
	irq_state_t state = arch_irq_save();

	free_here(cache, object);
	arch_irq_restore(state);
}

/* -- many at once ------------------------------------------------------------------------------ */

static void
array_free_bulk(struct slab_cache *cache, size_t nr, void *objects[])
{
	irq_state_t state;

	/* Interrupts come in between: nr may be large. */
	for (size_t i = 0; i < nr; i++) {
		state = arch_irq_save();
		free_here(cache, objects[i]);
		arch_irq_restore(state);
	}
}

/* Out of this CPU's array, then out of its node's slabs; returns how many. */
static size_t
bulk_take(struct slab_cache *cache, size_t nr, void *objects[])
{
	irq_state_t state = arch_irq_save();
	struct array_cache *ac = cache->array[arch_cpu_id()];
	struct kmem_cache_node *node = cache->node[slab_node_here()];
	unsigned taken = (unsigned)MIN((size_t)ac->avail, nr);
	irq_state_t inner;

	ac->avail -= taken;
	memcpy(objects, ac->entry + ac->avail, taken * sizeof(objects[0]));
	ac->touched = 1;
	if (taken < nr) {
		inner = spin_lock_irqsave(&node->lock);
		taken += slab_take(cache, node, objects + taken,
				   (unsigned)(nr - taken));
		spin_unlock_irqrestore(&node->lock, inner);
	}
	arch_irq_restore(state);
	return taken;
}

/* At most so many are taken with interrupts off. */
#define BULK_STEP 256

static bool
array_alloc_bulk(struct slab_cache *cache, gfp_t gfp, size_t nr,
		 void *objects[])
{
	size_t done = 0, taken;

	while (done < nr) {
		taken = bulk_take(cache, MIN(nr - done, (size_t)BULK_STEP),
				  objects + done);
		done += taken;
		if (taken > 0)
			continue;
		/* Grows, and knows what to do if it cannot. */
		objects[done] = array_alloc(cache, gfp);
		if (objects[done] == NULL) {
			array_free_bulk(cache, done, objects);
			return false;
		}
		done++;
	}
	return true;
}

/* -- draining, reaping ----------------------------------------------------------------------------- */

static void
array_drain_cpu(struct slab_cache *cache)
{
	irq_state_t state = arch_irq_save();
	struct array_cache *ac = cache->array[arch_cpu_id()];

	slab_put(cache, slab_node_here(), ac->entry, ac->avail);
	if (ac->limit > 0)
		ac->avail = 0;
	arch_irq_restore(state);
}

/* The nr oldest of the shared array go back into slabs. */
static void
drain_shared(struct slab_cache *cache, unsigned nodeid, unsigned nr)
{
	struct kmem_cache_node *node = cache->node[nodeid];
	struct list surplus = LIST_INIT(surplus);
	irq_state_t state = spin_lock_irqsave(&node->lock);
	struct array_cache *shared = node->shared;

	if (shared != NULL) {
		nr = MIN(nr, shared->avail);
		free_block(cache, node, shared->entry, nr, &surplus);
		drop_oldest(shared, nr);
	}
	spin_unlock_irqrestore(&node->lock, state);
	(void)slabs_destroy(cache, &surplus);
}

/* All objects of other nodes that this one holds go home. */
static void
drain_aliens(struct slab_cache *cache, unsigned nodeid)
{
	for (unsigned home = 0; home < nr_page_nodes; home++) {
		struct alien_cache *alien = cache->node[nodeid]->alien[home];
		void *batch[ALIEN_LIMIT];
		unsigned nr;
		irq_state_t state;

		if (alien == NULL)
			continue;
		state = spin_lock_irqsave(&alien->lock);
		nr = alien->avail;
		memcpy(batch, alien->entry, nr * sizeof(batch[0]));
		alien->avail = 0;
		spin_unlock_irqrestore(&alien->lock, state);
		if (nr > 0)
			bring_home(cache, home, batch, nr);
	}
}

static void
array_drain_nodes(struct slab_cache *cache)
{
	/* What comes home may land in a shared array. */
	for (unsigned i = 0; i < nr_page_nodes; i++)
		drain_aliens(cache, i);
	for (unsigned i = 0; i < nr_page_nodes; i++)
		drain_shared(cache, i, SHARED_ENTRIES_MAX);
}

/* How many an array gives back that nobody took from: a fifth of its limit;
 * if it has less, half of that. */
static unsigned
reap_count(const struct array_cache *ac)
{
	unsigned nr = (ac->limit + REAP_FRACTION - 1) / REAP_FRACTION;

	return nr <= ac->avail ? nr : (ac->avail + 1) / 2;
}

static void
reap_array(struct slab_cache *cache)
{
	irq_state_t state = arch_irq_save();
	struct array_cache *ac = cache->array[arch_cpu_id()];
	unsigned nr;

	if (ac->touched) {
		ac->touched = 0;
	} else if (ac->avail > 0) {
		nr = reap_count(ac);
		slab_put(cache, slab_node_here(), ac->entry, nr);
		drop_oldest(ac, nr);
	}
	arch_irq_restore(state);
}

/* Whether it is this node's turn; decides what is to go. One CPU gets it. */
static bool
reap_node_due(struct slab_cache *cache, struct kmem_cache_node *node,
	      unsigned long now, unsigned *nr_shared, size_t *nr_slabs)
{
	irq_state_t state = spin_lock_irqsave(&node->lock);
	size_t part = (size_t)REAP_FRACTION * cache->layout.num;
	bool is_due = !time_after(node->next_reap, now);

	*nr_shared = 0;
	*nr_slabs = 0;
	if (is_due) {
		node->next_reap = now + REAP_NODE_TICKS;
		if (node->shared != NULL && node->shared->touched)
			node->shared->touched = 0;
		else if (node->shared != NULL)
			*nr_shared = reap_count(node->shared);
		if (node->free_touched)
			node->free_touched = false;
		else
			*nr_slabs = (node->free_limit + part - 1) / part;
	}
	spin_unlock_irqrestore(&node->lock, state);
	return is_due;
}

static void
array_reap(struct slab_cache *cache, unsigned long now)
{
	unsigned nodeid = slab_node_here(); /* bound to this CPU */
	unsigned nr_shared;
	size_t nr_slabs;

	drain_aliens(cache, nodeid);
	reap_array(cache);
	if (!reap_node_due(cache, cache->node[nodeid], now, &nr_shared,
			   &nr_slabs))
		return;
	drain_shared(cache, nodeid, nr_shared);
	(void)drain_freelist(cache, nodeid, nr_slabs);
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
	unsigned cpu = arch_cpu_id();
	struct array_cache *old = tune->cache->array[cpu];

	tune->cache->array[cpu] = tune->parts.array[cpu];
	tune->parts.array[cpu] = old;
	slab_put(tune->cache, slab_node_here(), old->entry, old->avail);
	old->avail = 0;
}

static void
tune_node(struct slab_cache *cache, unsigned nodeid, struct parts *parts,
	  const struct slab_tunables *tunables)
{
	struct kmem_cache_node *node = cache->node[nodeid];
	struct list surplus = LIST_INIT(surplus);
	irq_state_t state = spin_lock_irqsave(&node->lock);
	struct array_cache *old = node->shared;

	node->shared = parts->shared[nodeid];
	node->free_limit = node_free_limit(cache, nodeid, tunables);
	if (old != NULL) {
		free_block(cache, node, old->entry, old->avail, &surplus);
		old->avail = 0;
	}
	spin_unlock_irqrestore(&node->lock, state);
	parts->shared[nodeid] = old;
	(void)slabs_destroy(cache, &surplus);
}

/* A CPU that is not online yet keeps its array: nothing is lost but the size. */
static int
array_tune(struct slab_cache *cache, const struct slab_tunables *tunables)
{
	struct tune tune = { .cache = cache };
	int err = parts_alloc(&tune.parts, tunables);

	if (err != 0)
		return err;
	slab_on_each_cpu(tune_this_cpu, &tune);
	for (unsigned i = 0; i < nr_page_nodes; i++)
		tune_node(cache, i, &tune.parts, tunables);
	parts_free(&tune.parts);
	return 0;
}

/* -- looking ------------------------------------------------------------------------------------------- */

static void
array_visit_cpu(struct slab_cache *cache, slab_visit_fn *fn, void *arg)
{
	irq_state_t state = arch_irq_save();
	struct array_cache *ac = cache->array[arch_cpu_id()];

	for (unsigned i = 0; i < ac->avail; i++)
		fn(cache, ac->entry[i], slab_node_here(), arg);
	arch_irq_restore(state);
}

static void
visit_alien(struct slab_cache *cache, struct alien_cache *alien, unsigned home,
	    slab_visit_fn *fn, void *arg)
{
	irq_state_t state = spin_lock_irqsave(&alien->lock);

	for (unsigned i = 0; i < alien->avail; i++)
		fn(cache, alien->entry[i], home, arg);
	spin_unlock_irqrestore(&alien->lock, state);
}

static void
visit_node(struct slab_cache *cache, unsigned nodeid, slab_visit_fn *fn,
	   void *arg)
{
	struct kmem_cache_node *node = cache->node[nodeid];
	irq_state_t state = spin_lock_irqsave(&node->lock);

	for (unsigned i = 0; node->shared != NULL && i < node->shared->avail;
	     i++)
		fn(cache, node->shared->entry[i], nodeid, arg);
	spin_unlock_irqrestore(&node->lock, state);
	for (unsigned home = 0; home < nr_page_nodes; home++)
		if (node->alien[home] != NULL)
			visit_alien(cache, node->alien[home], home, fn, arg);
}

static void
array_visit_nodes(struct slab_cache *cache, slab_visit_fn *fn, void *arg)
{
	for (unsigned i = 0; i < nr_page_nodes; i++)
		visit_node(cache, i, fn, arg);
}

static size_t
array_nr_shared(struct slab_cache *cache)
{
	size_t nr = 0;

	for (unsigned i = 0; i < nr_page_nodes; i++) {
		struct kmem_cache_node *node = cache->node[i];
		irq_state_t state = spin_lock_irqsave(&node->lock);

		if (node->shared != NULL)
			nr += node->shared->avail;
		spin_unlock_irqrestore(&node->lock, state);
	}
	return nr;
}

const struct slab_cpu_layer slab_cpu_array = {
	.name = "array",
	.description = "arrays of pointers that copy batches",
	.attach = array_attach,
	.detach = array_detach,
	.tune = array_tune,
	.alloc = array_alloc,
	.free = array_free,
	.alloc_node = array_alloc_node,
	.alloc_bulk = array_alloc_bulk,
	.free_bulk = array_free_bulk,
	.drain_cpu = array_drain_cpu,
	.drain_nodes = array_drain_nodes,
	.reap = array_reap,
	.visit_cpu = array_visit_cpu,
	.visit_nodes = array_visit_nodes,
	.nr_shared = array_nr_shared,
};
