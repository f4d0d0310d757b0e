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
 * docs/map.md lists the files of slab/ and what each of them holds.
 *
 * BOOTSTRAP.  Descriptors, node structures and arrays are objects too, so the
 * first caches cannot be made like the others. slab_start():
 *	1. root->cache_cache (descriptors) and root->node_cache (node structures) are
 *	   part of the instance's root, with their node structures, and without
 *	   arrays: cpu[] is NULL, so each operation goes to the slabs.
 *	2. The general caches, smallest first: descriptor and node structures from
 *	   these two. Those with off-slab descriptors come after the one that
 *	   their descriptors are from. Still no arrays.
 *	3. What the layer needs for itself: caches of sheaves.
 *	4. Now that there is memory of any size: every cache gets its parts.
 * Whatever fails, slab_stop() takes back what is there, newest first; it is an
 * instance's end, too. Objects that the allocator has for itself are counted
 * (nr_own), which tells them from objects that callers still have.
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
 *	chain_lock	an instance's chain, pins, tunables
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
 * TO CHANGE the sizes of arrays and sheaves: `limits` of each layer; the orders of
 * slabs: layout.h; general caches: general.c. Another layer between CPUs and nodes: a
 * struct slab_layer, and its line in percpu/select.c.
 */
#include "cache.h"

#include <kernel/error.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#include "chain.h"
#include "debug/hooks.h"
#include "fail.h"
#include "general.h"
#include "objects.h"
#include "percpu/layer.h"
#include "reap.h"
#include "slabs.h"

/* Settings are applied before it starts. */
struct slab_root slab_kernel_root = {
	.debug = "-",
	.fail = { .attr = { .name = "failslab" },
		  .lock = ENV_LOCK_INIT("failslab") },
};

/* -- a cache's beginning ------------------------------------------------------------ */

static unsigned
order_high(void)
{
	bool is_small = env_nr_pages() < SLAB_SMALL_MACHINE / PAGE_SIZE;

	return is_small ? SLAB_ORDER_LOW : SLAB_ORDER_HIGH;
}

bool
slab_set_layout(struct slab_cache *cache, unsigned flags, bool may_be_off)
{
	struct slab_layout layout;

	if (!cache->root->is_coloured)
		flags |= SLAB_NO_COLOURS;
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
		cache->slabp_cache =
			slab_general(cache->base.kmem, layout.slab_size);
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
	unsigned debug = slab_debug_hooks->wanted(cache->root, base);

	cache->debug = debug;
	if (slab_set_layout(cache, slab_debug_hooks->layout_flags(base, debug),
			    may_be_off))
		return true;
	cache->debug = debug & SLAB_CONSISTENCY_CHECKS;
	if (base->ctor == NULL)
		cache->debug |= debug & SLAB_POISON;
	return slab_set_layout(cache, slab_debug_hooks->layout_flags(base, 0),
			       may_be_off);
}

/* Everything but node[] and what the layer adds. */
static bool
cache_set_up(struct slab_cache *cache, const struct kmem_cache *wanted,
	     bool may_be_off)
{
	memset(cache, 0, sizeof(*cache));
	cache->base = *wanted;
	cache->root = slab_root_of(wanted->kmem);
	if (!choose_layout(cache, may_be_off))
		return false;
	cache->base.align = cache->layout.align;
	kmem_stacks_close(&cache->base);
	cache->layer = cache->root->layer;
	cache->closed = cache->root->closed;
	if (slab_fail_wants(cache->root, wanted->name))
		cache->closed |= SLAB_CLOSED_FAILSLAB;
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
		cache->cpu[cpu] = NULL;
	cache->stats = cache->root->boot_stats;
	list_init(&cache->chain);
	return true;
}

/* -- the allocator's own objects -------------------------------------------------- */

void *
slab_own_get(struct slab_cache *cache, gfp_t gfp, unsigned node)
{
	void *object;

	if (env_fails() || slab_fails(cache, true))
		return NULL;
	object = node != NODE_ANY && env_nr_nodes() > 1
			 ? slab_alloc_node(cache, gfp, node)
			 : slab_alloc(cache, gfp);
	if (object != NULL)
		(void)atomic_add(&cache->nr_own, (size_t)1);
	return object;
}

void
slab_put_back(void *object)
{
	struct page *page = env_page_of(object);
	struct slab_cache *cache = page->owner.cache;

	if (unlikely(slab_debug(cache) != 0))
		slab_debug_hooks->free(cache, object);
	else
		slab_put(cache, page->node, &object, 1);
}

void
slab_own_put(void *object)
{
	struct slab_cache *cache = env_page_of(object)->owner.cache;

	(void)atomic_sub(&cache->nr_own, (size_t)1);
	slab_put_back(object);
}

static void
nodes_free(struct slab_cache *cache)
{
	for (unsigned i = 0; i < env_nr_nodes(); i++)
		if (cache->node[i] != NULL)
			slab_own_put(cache->node[i]);
}

static int
nodes_alloc(struct slab_cache *cache)
{
	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		cache->node[i] =
			slab_own_get(&cache->root->node_cache, GFP_KERNEL, i);
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
	struct slab_root *root = slab_root_of(wanted->kmem);
	struct slab_cache *cache;

	cache = slab_own_get(&root->cache_cache, GFP_KERNEL, NODE_ANY);
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
	struct slab_tunables tunables = cache->layer->defaults(cache);
	size_t stats_size = env_nr_cpus() * sizeof(struct slab_stats);
	struct slab_stats *stats;

	stats = slab_general_get(cache->base.kmem, stats_size, GFP_KERNEL,
				 NODE_ANY);
	if (stats == NULL)
		return -E_NO_MEM;
	memset(stats, 0, stats_size);
	cache->stats = stats;
	for (unsigned i = 0; i < env_nr_nodes(); i++)
		cache->node[i]->free_limit =
			percpu_free_limit(cache, i, &tunables);
	if (cache->layer->attach(cache, &tunables) != 0) {
		cache->stats = cache->root->boot_stats;
		slab_own_put(stats);
		return -E_NO_MEM;
	}
	cache->tunables = tunables;
	if (cache->debug != 0)
		slab_debug_hooks->park(cache);
	return 0;
}

static void
cache_detach(struct slab_cache *cache)
{
	if (cache->debug != 0)
		slab_debug_hooks->unpark(cache);
	cache->layer->detach(cache);
	slab_own_put(cache->stats);
	cache->stats = cache->root->boot_stats;
}

struct slab_cache *
slab_create(const struct kmem_cache *wanted)
{
	struct slab_cache *cache = cache_make(wanted);

	if (cache == NULL)
		return NULL;
	if (cache_attach(cache) != 0)
		goto out_unmake;
	if (!slab_chain_link(cache)) {
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
	slab_chain_close(cache, 0);
	slab_drain(cache);
	*nr_live = slab_nr_out(cache);
	if (*nr_live != 0) {
		slab_debug_hooks->print_live(cache);
		/* Other CPUs' arrays, if they could not be asked, count too. */
		slab_chain_reopen(cache);
		return -E_BUSY;
	}
	for (unsigned i = 0; i < env_nr_nodes(); i++)
		(void)drain_freelist(cache, i, SIZE_MAX);
	slab_debug_hooks->destroy(cache);
	cache_detach(cache);
	slab_chain_unlink(cache);
	cache_unmake(cache);
	return 0;
}

/* -- an instance's beginning and end ------------------------------------------------- */

static struct kmem_cache
first_wanted(struct slab_root *root, const char *name, size_t size,
	     size_t align)
{
	struct kmem_cache wanted = { .object_size = size,
				     .align = align,
				     .ops = root->kmem->ops,
				     .kmem = root->kmem };

	(void)strlcpy(wanted.name, name, sizeof(wanted.name));
	return wanted;
}

static void
start_by_hand(struct slab_cache *cache, const struct kmem_cache *wanted,
	      struct kmem_cache_node nodes[])
{
	bool ok = cache_set_up(cache, wanted, false) && slab_chain_link(cache);

	assert(ok);
	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		cache->node[i] = &nodes[i];
		slab_node_init(&nodes[i]);
	}
}

int
slab_create_early(struct slab_root *root, const char *name, size_t size,
		  size_t align, unsigned flags, struct slab_cache **cache)
{
	struct kmem_cache wanted = first_wanted(root, name, size, align);

	wanted.flags = flags;
	*cache = cache_make(&wanted);
	if (*cache == NULL)
		return -E_NO_MEM;
	if (!slab_chain_link(*cache))
		panic("slab: two caches %s", name);
	return 0;
}

static int
attach_all(struct slab_root *root)
{
	struct slab_cache *cache;

	for (cache = NULL; (cache = slab_chain_next(root, cache)) != NULL;) {
		if (cache_attach(cache) != 0) {
			slab_chain_unpin(cache);
			return -E_NO_MEM;
		}
	}
	return 0;
}

int
slab_start(struct slab_root *root)
{
	struct kmem_cache caches = first_wanted(
		root, "kmem_cache", sizeof(struct slab_cache), CACHE_LINE);
	struct kmem_cache nodes = first_wanted(
		root, "kmem_cache_node", sizeof(struct kmem_cache_node),
		__alignof__(struct kmem_cache_node));
	int err;

	env_lock_init(&root->chain_lock, "slab chain");
	slab_chain_init(root);
	start_by_hand(&root->cache_cache, &caches, root->cache_cache_nodes);
	start_by_hand(&root->node_cache, &nodes, root->node_cache_nodes);
	err = slab_general_create(root);
	if (err == 0 && root->layer->start != NULL)
		err = root->layer->start(root);
	if (err == 0)
		err = attach_all(root);
	if (err != 0)
		slab_stop(root);
	return err;
}

bool
slab_is_used(struct slab_root *root)
{
	bool is_used = atomic_load(&root->nr_large) != 0;
	struct slab_cache *cache;

	(void)slab_shrink_all(root);
	for (cache = NULL; (cache = slab_chain_next(root, cache)) != NULL;)
		is_used |= slab_nr_out(cache) != atomic_load(&cache->nr_own);
	return is_used;
}

static void
slabs_back(struct slab_cache *cache)
{
	for (unsigned i = 0; i < env_nr_nodes(); i++)
		(void)drain_freelist(cache, i, SIZE_MAX);
	slab_debug_hooks->destroy(cache);
}

/* Parts are objects of general caches, so all caches lose theirs before any ends. And a
 * cache ends before those that its descriptors and nodes are from, which are older. */
void
slab_stop(struct slab_root *root)
{
	struct slab_cache *cache;

	(void)slab_shrink_all(root);
	for (cache = NULL; (cache = slab_chain_prev(root, cache)) != NULL;)
		if (cache->stats != root->boot_stats)
			cache_detach(cache);
	while ((cache = slab_chain_prev(root, NULL)) != &root->node_cache) {
		slabs_back(cache);
		slab_chain_unlink(cache);
		cache_unmake(cache);
	}
	slabs_back(&root->node_cache);
	slabs_back(&root->cache_cache);
}
