/*
 * The slab allocator: caches of objects, after Bonwick and Linux 3.10.
 *
 * PROBLEM.  A kernel asks for the same few kinds of objects all day, on all CPUs,
 * in interrupts too. Searching for space that fits, building an object up only
 * to tear it down, and taking a lock for each are work that need not be done.
 *
 * MODEL.  One cache for each kind of object; it cuts whole pages (slabs) into
 * objects of one size, and keeps what is free near the CPU that freed it.
 *
 *	struct slab_cache "proc"			cache_chain: all of them
 *	  cpu[0]  cpu[1]  ...				per CPU: free objects, LIFO
 *	  node[0] ------------------------ node[1] ...	per memory node:
 *	    depot (or shared, alien[1])		          objects between CPUs
 *	    slabs_partial  slabs_full  slabs_free	  three lists
 *	        |
 *	      struct slab  free=2  inuse=3
 *	        bufctl  [OUT][OUT][ 4 ][OUT][END]	list of free objects
 *	        object    0    1    2    3    4		all in 2^order pages
 *
 *	kfree(p): struct page of p --> cache and slab: no header, no search.
 *
 * Who does what:
 *	slab.c		 caches: their beginning, their end, the chain (here)
 *	slab_layout.c	 how many objects in how many pages; colours
 *	slab_list.c	 slabs of a node; growing, giving pages back
 *	slab_alloc.c	 taking an object, giving one back
 *	slab_cpu.c	 what a CPU has; open or closed; which layer
 *	slab_cpu_sheaf.c sheaves that change hands by pointer: the layer cpu=sheaf
 *	slab_sheaf_*.c	 sheaves, depots, lending and looking
 *	slab_cpu_array.c arrays between CPUs and nodes: the layer cpu=array
 *	slab_array_view.c looking at them
 *	slab_fail.c	 failslab: allocations that fail on purpose
 *	slab_reap.c	 giving back: regularly, under pressure, when asked
 *	slab_backend.c	 general caches for kmalloc; the table of functions
 *	slabinfo.c	 what it looks like from outside; tuning
 *	slab_validate.c	 walks that believe nothing
 *	slab_debug*.c	 each operation looked at; crimes and their reports
 *	slab_retire.c	 is a slab whole? damaged ones out of service
 *	slab_leak.c	 objects that nothing leads to
 *	slab_snapshot.c	 a copy to look at; slab_draw.c, slab_colours.c: pictures
 *
 * BOOTSTRAP.  Descriptors, node structures and arrays are objects too, so the
 * first caches cannot be made like the others. slab_start():
 *	1. slab_cache_cache (descriptors) and slab_node_cache (node structures) are
 *	   static, with static node structures, and without arrays: cpu[] is
 *	   NULL, so each operation goes to the slabs.
 *	2. The general caches, smallest first: descriptor and node structures from
 *	   these two. Those with off-slab descriptors come after the one that
 *	   their descriptors are from. Still no arrays.
 *	3. What the layer needs for itself: caches of sheaves.
 *	4. Now that there is memory of any size: every cache gets its parts.
 *
 * INVARIANTS.
 *   - Every object of a slab is in exactly one place: free in its slab, in one
 *     array, or with a caller. A free object of a cache with a constructor is
 *     always constructed: the allocator never writes into objects.
 *   - inuse of a slab = its objects that are not in the index list; it decides
 *     which of the node's lists the slab is in.
 *   - node: free_objects = nr_slabs * num - sum of inuse.
 *   - Each page of a slab leads to slab and cache as long as the slab exists.
 *   - Off-slab descriptors are of caches with descriptors on the slab.
 *
 * LOCKING.  All of rank KMEM, interrupts off, and never two at once:
 *	chain_lock	the chain, pins, tunables
 *	node->lock	a cache's slabs on a node, the shared array
 *	alien->lock	objects on their way to another node (array)
 *	shelf->lock	a cache's sheaves in a depot, a CPU's (sheaf)
 * A CPU's part has no lock. The front's fast path pops and pushes by restartable
 * ranges; everything else is done by the CPU itself, interrupts off, and others
 * ask that CPU (cpu_call). Nothing is allocated, freed or called back under a
 * lock. A walker over the chain pins the cache it looks at; the end of a cache
 * waits for pins.
 *
 * COSTS.  Usual allocation, usual free: nothing here, see kmalloc.c. Each
 * batchcount-th takes the node's lock. Space: a descriptor of 20 bytes (32 on 64 bits)
 * for a slab and one for an object; at most an eighth of a slab unused.
 *
 * FAILURE.  No page, no descriptor, no array: NULL (an error), and everything is
 * as before. On several nodes the nearest that has memory serves, unless
 * __GFP_THISNODE forbids it. A free of what is not out is reported and ignored,
 * when it comes to the slab (debug builds: pointers are checked at once).
 *
 * TO CHANGE the sizes of arrays and sheaves: default_limit of each layer; the orders of
 * slabs: slab.h; general caches: slab_backend.c. Another layer between CPUs and
 * nodes: a struct slab_cpu_layer, and its line in slab_cpu.c.
 */
#include "slab.h"

#include <kernel/error.h>
#include <kernel/failpoint.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/timer.h>

struct slab_cache slab_cache_cache, slab_node_cache;

static struct kmem_cache_node cache_cache_nodes[MAX_NODES];
static struct kmem_cache_node node_cache_nodes[MAX_NODES];

/* -- the chain of all caches ---------------------------------------------------- */

static struct spinlock chain_lock = SPINLOCK_INIT(LOCK_RANK_KMEM, "slab chain");
static struct list cache_chain GUARDED_BY(chain_lock) = LIST_INIT(cache_chain);

static inline struct list *
link_beyond(const struct list *link, bool forward)
{
	return forward ? link->next : link->prev;
}

/* Pins the next one in this direction, unpins `cache` (NULL: begins). */
static struct slab_cache *
chain_step(struct slab_cache *cache, bool forward)
{
	irq_state_t state = spin_lock_irqsave(&chain_lock);
	struct slab_cache *next = NULL;
	struct list *pos;

	pos = link_beyond(cache != NULL ? &cache->chain : &cache_chain,
			  forward);
	for (; pos != &cache_chain; pos = link_beyond(pos, forward)) {
		next = list_entry(pos, struct slab_cache, chain);
		if (!next->is_dying)
			break;
		next = NULL;
	}
	if (next != NULL)
		next->nr_pins++;
	if (cache != NULL)
		cache->nr_pins--;
	spin_unlock_irqrestore(&chain_lock, state);
	return next;
}

struct slab_cache *
slab_chain_next(struct slab_cache *cache)
{
	return chain_step(cache, true);
}

struct slab_cache *
slab_chain_prev(struct slab_cache *cache)
{
	return chain_step(cache, false);
}

void
slab_chain_unpin(struct slab_cache *cache)
{
	irq_state_t state = spin_lock_irqsave(&chain_lock);

	assert(cache->nr_pins > 0);
	cache->nr_pins--;
	spin_unlock_irqrestore(&chain_lock, state);
}

static struct slab_cache *
chain_find(const char *name) REQUIRES(chain_lock)
{
	struct list *pos;

	list_for_each(pos, &cache_chain) {
		struct slab_cache *cache =
			list_entry(pos, struct slab_cache, chain);

		if (!cache->is_dying && strcmp(cache->base.name, name) == 0)
			return cache;
	}
	return NULL;
}

struct slab_cache *
slab_chain_find(const char *name)
{
	irq_state_t state = spin_lock_irqsave(&chain_lock);
	struct slab_cache *cache = chain_find(name);

	if (cache != NULL)
		cache->nr_pins++;
	spin_unlock_irqrestore(&chain_lock, state);
	return cache;
}

/* Whether the name was free. */
static bool
chain_link(struct slab_cache *cache)
{
	irq_state_t state = spin_lock_irqsave(&chain_lock);
	bool is_free = chain_find(cache->base.name) == NULL;

	if (is_free)
		list_add_tail(&cache_chain, &cache->chain);
	spin_unlock_irqrestore(&chain_lock, state);
	return is_free;
}

/* No walker comes here any more, and none but those of the caller is here. Waits:
 * for threads if it may sleep, else for other CPUs. */
static void
chain_close(struct slab_cache *cache, unsigned nr_own_pins)
{
	irq_state_t state = spin_lock_irqsave(&chain_lock);

	cache->is_dying = true;
	while (cache->nr_pins > nr_own_pins) {
		spin_unlock_irqrestore(&chain_lock, state);
		if (may_sleep())
			(void)sleep_ticks(1);
		else
			arch_cpu_relax();
		state = spin_lock_irqsave(&chain_lock);
	}
	spin_unlock_irqrestore(&chain_lock, state);
}

static void
chain_reopen(struct slab_cache *cache)
{
	irq_state_t state = spin_lock_irqsave(&chain_lock);

	cache->is_dying = false;
	spin_unlock_irqrestore(&chain_lock, state);
}

static void
chain_unlink(struct slab_cache *cache)
{
	irq_state_t state = spin_lock_irqsave(&chain_lock);

	list_del(&cache->chain);
	spin_unlock_irqrestore(&chain_lock, state);
}

/* Whether nobody was at it; now the caller is. */
static bool
tune_begin(struct slab_cache *cache)
{
	irq_state_t state = spin_lock_irqsave(&chain_lock);
	bool was_tuned = cache->is_tuned;

	cache->is_tuned = true;
	spin_unlock_irqrestore(&chain_lock, state);
	return !was_tuned;
}

/* NULL: they stay as they were. */
static void
tune_end(struct slab_cache *cache, const struct slab_tunables *tunables)
{
	irq_state_t state = spin_lock_irqsave(&chain_lock);

	if (tunables != NULL)
		cache->tunables = *tunables;
	cache->is_tuned = false;
	spin_unlock_irqrestore(&chain_lock, state);
}

int
slab_tune(struct slab_cache *cache, const struct slab_tunables *tunables)
{
	int err;

	if (!tune_begin(cache))
		return -E_BUSY;
	/* Its parts are out of use while it is debugged. */
	err = slab_debug(cache) != 0 ? -E_BUSY
				     : slab_cpu->tune(cache, tunables);
	tune_end(cache, err == 0 ? tunables : NULL);
	return err;
}

int
slab_chain_hold(struct slab_cache *cache)
{
	if (!tune_begin(cache))
		return -E_BUSY;
	chain_close(cache, 1);
	return 0;
}

void
slab_chain_let_go(struct slab_cache *cache)
{
	chain_reopen(cache);
	tune_end(cache, NULL);
}

struct slab_tunables
slab_tunables_get(struct slab_cache *cache)
{
	irq_state_t state = spin_lock_irqsave(&chain_lock);
	struct slab_tunables tunables = cache->tunables;

	spin_unlock_irqrestore(&chain_lock, state);
	return tunables;
}

/* -- a cache's beginning ------------------------------------------------------------ */

static unsigned
order_high(void)
{
	bool is_small = nr_managed_pages() < SLAB_SMALL_MACHINE / PAGE_SIZE;

	return is_small ? SLAB_ORDER_LOW : SLAB_ORDER_HIGH;
}

bool
slab_set_layout(struct slab_cache *cache, unsigned flags, bool may_be_off)
{
	struct slab_layout layout;

	if (!slab_layout_choose(&layout, cache->base.object_size,
				cache->base.align, flags, order_high(),
				may_be_off))
		return false;
	cache->layout = layout;
	/* 2^32 / size, rounded up; what that adds is too little to matter for the
	 * small objects of slabs that have several. */
	cache->reciprocal =
		layout.num == 1 ? 0 : UINT32_MAX / (uint32_t)layout.size + 1;
	if (layout.off_slab) {
		cache->slabp_cache = slab_general(layout.slab_size);
		assert(cache->slabp_cache != NULL &&
		       !cache->slabp_cache->layout.off_slab);
	}
	return true;
}

/* With the debugging that is wanted, as far as a slab can hold the objects then:
 * the largest do without red zones and notes. */
static bool
choose_layout(struct slab_cache *cache, bool may_be_off)
{
	const struct kmem_cache *base = &cache->base;
	unsigned debug = slab_debug_wanted(base);

	cache->debug = debug;
	if (slab_set_layout(cache, slab_debug_layout_flags(base, debug),
			    may_be_off))
		return true;
	cache->debug = debug & SLAB_CONSISTENCY_CHECKS;
	if (base->ctor == NULL)
		cache->debug |= debug & SLAB_POISON;
	return slab_set_layout(cache, slab_debug_layout_flags(base, 0),
			       may_be_off);
}

/* Everything but node[] and what the layer adds. */
static bool
cache_set_up(struct slab_cache *cache, const struct kmem_cache *wanted,
	     bool may_be_off)
{
	memset(cache, 0, sizeof(*cache));
	cache->base = *wanted;
	if (!choose_layout(cache, may_be_off))
		return false;
	cache->base.align = cache->layout.align;
	kmem_stacks_close(&cache->base);
	cache->closed = slab_closed_default();
	if (slab_fail_wants(wanted->name))
		cache->closed |= SLAB_CLOSED_FAILSLAB;
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
		cache->cpu[cpu] = NULL;
	cache->stats = slab_boot_stats;
	list_init(&cache->chain);
	return true;
}

/* -- the allocator's own objects -------------------------------------------------- */

void *
slab_own_get(struct slab_cache *cache, gfp_t gfp, unsigned node)
{
	if ((KERNEL_DEBUG && failpoint()) || slab_fails(cache, true))
		return NULL;
	if (node != NODE_ANY && nr_page_nodes > 1)
		return slab_alloc_node(cache, gfp, node);
	return slab_alloc(cache, gfp);
}

void
slab_own_put(void *object)
{
	struct page *page = slab_page_of(object);
	struct slab_cache *cache = page->owner.cache;

	if (unlikely(slab_debug(cache) != 0))
		slab_debug_free(cache, object);
	else
		slab_put(cache, page->node, &object, 1);
}

static void
nodes_free(struct slab_cache *cache)
{
	for (unsigned i = 0; i < nr_page_nodes; i++)
		if (cache->node[i] != NULL)
			slab_own_put(cache->node[i]);
}

static int
nodes_alloc(struct slab_cache *cache)
{
	for (unsigned i = 0; i < nr_page_nodes; i++) {
		cache->node[i] = slab_own_get(&slab_node_cache, GFP_KERNEL, i);
		if (cache->node[i] == NULL) {
			nodes_free(cache);
			return -E_NO_MEM;
		}
		slab_node_init(cache->node[i]);
	}
	return 0;
}

/* A cache without arrays. NULL: no memory. */
static struct slab_cache *
cache_make(const struct kmem_cache *wanted)
{
	struct slab_cache *cache;

	cache = slab_own_get(&slab_cache_cache, GFP_KERNEL, NODE_ANY);
	if (cache == NULL)
		return NULL;
	if (!cache_set_up(cache, wanted, !(wanted->flags & SLAB_ON_SLAB)))
		goto out_free;
	if (nodes_alloc(cache) != 0)
		goto out_free;
	return cache;
out_free:
	slab_own_put(cache);
	return NULL;
}

static void
cache_unmake(struct slab_cache *cache)
{
	nodes_free(cache);
	slab_own_put(cache);
}

/* Everything that is between CPUs and nodes. 0, or -E_NO_MEM and no change. */
static int
cache_attach(struct slab_cache *cache)
{
	struct slab_tunables tunables = slab_cpu->defaults(cache);
	size_t stats_size = nr_cpus * sizeof(struct slab_stats);
	struct slab_stats *stats;

	stats = slab_general_get(stats_size, GFP_KERNEL, NODE_ANY);
	if (stats == NULL)
		return -E_NO_MEM;
	memset(stats, 0, stats_size);
	cache->stats = stats;
	for (unsigned i = 0; i < nr_page_nodes; i++)
		cache->node[i]->free_limit =
			slab_node_free_limit(cache, i, &tunables);
	if (slab_cpu->attach(cache, &tunables) != 0) {
		cache->stats = slab_boot_stats;
		slab_own_put(stats);
		return -E_NO_MEM;
	}
	cache->tunables = tunables;
	if (cache->debug != 0)
		slab_park(cache);
	return 0;
}

static void
cache_detach(struct slab_cache *cache)
{
	if (cache->debug != 0)
		slab_unpark(cache);
	slab_cpu->detach(cache);
	slab_own_put(cache->stats);
	cache->stats = slab_boot_stats;
}

struct slab_cache *
slab_create(const struct kmem_cache *wanted)
{
	struct slab_cache *cache = cache_make(wanted);

	if (cache == NULL)
		return NULL;
	if (cache_attach(cache) != 0)
		goto out_unmake;
	if (!chain_link(cache)) {
		printk("slab: there is a cache %s already\n", wanted->name);
		goto out_detach;
	}
	slab_fail_apply(cache); /* it may have changed its mind meanwhile */
	return cache;
out_detach:
	cache_detach(cache);
out_unmake:
	cache_unmake(cache);
	return NULL;
}

/* -- and its end -------------------------------------------------------------------- */

int
slab_destroy(struct slab_cache *cache, size_t *nr_live)
{
	chain_close(cache, 0);
	slab_drain(cache);
	*nr_live = slab_nr_out(cache);
	if (*nr_live != 0) {
		slab_debug_print_live(cache);
		/* Other CPUs' arrays, if they could not be asked, count too. */
		chain_reopen(cache);
		return -E_BUSY;
	}
	for (unsigned i = 0; i < nr_page_nodes; i++)
		(void)drain_freelist(cache, i, SIZE_MAX);
	slab_retired_destroy(cache);
	cache_detach(cache);
	chain_unlink(cache);
	cache_unmake(cache);
	return 0;
}

/* -- the first caches ---------------------------------------------------------------- */

static void
start_by_hand(struct slab_cache *cache, const char *name, size_t size,
	      size_t align, struct kmem_cache_node nodes[])
{
	struct kmem_cache wanted = { .object_size = size, .align = align };
	bool ok;

	(void)strlcpy(wanted.name, name, sizeof(wanted.name));
	ok = cache_set_up(cache, &wanted, false) && chain_link(cache);
	assert(ok);
	for (unsigned i = 0; i < nr_page_nodes; i++) {
		cache->node[i] = &nodes[i];
		slab_node_init(&nodes[i]);
	}
}

void
slab_create_early(const struct kmem_cache *wanted, struct slab_cache **cache)
{
	*cache = cache_make(wanted);
	if (*cache == NULL || !chain_link(*cache))
		panic("slab: no memory for cache %s", wanted->name);
}

void
slab_start(void)
{
	struct slab_cache *cache;

	start_by_hand(&slab_cache_cache, "kmem_cache",
		      sizeof(struct slab_cache), CACHE_LINE, cache_cache_nodes);
	start_by_hand(&slab_node_cache, "kmem_cache_node",
		      sizeof(struct kmem_cache_node),
		      __alignof__(struct kmem_cache_node), node_cache_nodes);
	slab_general_create();
	if (slab_cpu->start != NULL)
		slab_cpu->start();
	for (cache = NULL; (cache = slab_chain_next(cache)) != NULL;)
		if (cache_attach(cache) != 0)
			panic("slab: no memory for the arrays of %s",
			      cache->base.name);
}
