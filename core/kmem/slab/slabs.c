/*
 * The slabs of a node: its three lists, and how slabs come and go.
 *
 *	     slab_take			    free_block
 *	free ---------> partial --------> full
 *	  ^		|   ^		    |
 *	  +-------------+   +---------------+
 *	last object back     first object back
 *
 * A slab changes lists only on these transitions: an allocation that leaves it
 * partial touches no link. It joins the tail of partial, and objects are taken
 * from the head: so the longest partial is filled up first, and the others have
 * time to become free as a whole.
 *
 * Free slabs are kept while the node has no more free objects than free_limit;
 * beyond, a slab that becomes free goes back to the page allocator. That needs
 * other locks (pages; the cache of descriptors), so such slabs are collected on
 * the caller's list and destroyed once the node's lock is dropped; until then they
 * count as leaving, since their layout is still needed (debug/switch.c). Nothing is
 * ever allocated or freed under a node's lock. Objects with a destructor want
 * more: a thread that may sleep. Their slabs stay until reaping or shrinking.
 *
 * THE INDEX LIST.  slab->free is the first free object's index, bufctl[i] the
 * one after i, BUFCTL_END the last. An object that is out (with a caller, or in
 * an array) has BUFCTL_OUT there, which tells a second free from a first one.
 *
 * A slab whose descriptor was found damaged (debug/retire.c) is in no list: what of
 * it is out still belongs to its callers, what was free is not given out.
 */
#include <kernel/error.h>
#include <kernel/string.h>

#include "cache.h"
#include "debug/hooks.h"
#include "general.h"
#include "slabs.h"

const struct slab_debug_hooks *slab_debug_hooks;

void
slab_node_init(struct kmem_cache_node *node)
{
	memset(node, 0, sizeof(*node));
	env_lock_init(&node->lock, "slab node");
	list_init(&node->slabs_partial);
	list_init(&node->slabs_full);
	list_init(&node->slabs_free);
	list_init(&node->retired);
}

bool
slab_is_object(const struct slab_cache *cache, const void *ptr)
{
	const struct page *page = env_page_of(ptr);
	const struct slab *slab;
	size_t offset;
	unsigned index;

	if (page == NULL || page->kind != PAGE_SLAB ||
	    page->owner.cache != cache)
		return false;
	slab = page->owner.slab;
	offset = (size_t)((const unsigned char *)ptr - slab->s_mem);
	if (offset >= cache->layout.num * cache->layout.size)
		return false;
	index = slab_index(cache, slab, ptr);
	return index * cache->layout.size == offset;
}

/* -- objects out of slabs and back ------------------------------------------------- */

struct slab *
slab_next_to_take(struct kmem_cache_node *node)
{
	if (!list_empty(&node->slabs_partial))
		return list_first_entry(&node->slabs_partial, struct slab,
					link);
	if (!list_empty(&node->slabs_free))
		return list_first_entry(&node->slabs_free, struct slab, link);
	return NULL;
}

/* The slab to take from; it is on slabs_partial then. */
static struct slab *
first_usable(struct kmem_cache_node *node) REQUIRES(node->lock)
{
	struct slab *slab;

	if (!list_empty(&node->slabs_partial))
		return list_first_entry(&node->slabs_partial, struct slab,
					link);
	if (list_empty(&node->slabs_free))
		return NULL;
	slab = list_first_entry(&node->slabs_free, struct slab, link);
	node->nr_free_slabs--;
	node->free_touched = true;
	list_del(&slab->link);
	list_add(&node->slabs_partial, &slab->link);
	return slab;
}

/* Up to nr objects of one slab. */
static unsigned
take_from(struct slab_cache *cache, struct slab *slab, void *objects[],
	  unsigned nr)
{
	unsigned nr_free = cache->layout.num - slab->inuse;
	size_t size = cache->layout.size;
	unsigned index = slab->free;

	nr = MIN(nr, nr_free);
	for (unsigned i = 0; i < nr; i++) {
		unsigned next;

		assert(index < cache->layout.num);
		next = slab->bufctl[index];
		slab->bufctl[index] = BUFCTL_OUT;
		objects[i] = slab->s_mem + index * size;
		index = next;
	}
	slab->free = (kmem_bufctl_t)index;
	slab->inuse = (kmem_bufctl_t)(slab->inuse + nr);
	return nr;
}

unsigned
slab_take(struct slab_cache *cache, struct kmem_cache_node *node,
	  void *objects[], unsigned nr)
{
	unsigned taken = 0;
	size_t out;

	while (taken < nr) {
		struct slab *slab = first_usable(node);

		if (slab == NULL)
			break;
		taken += take_from(cache, slab, objects + taken, nr - taken);
		if (slab->inuse == cache->layout.num) {
			list_del(&slab->link);
			list_add(&node->slabs_full, &slab->link);
		}
	}
	if (taken == 0)
		return 0;
	node->free_objects -= taken;
	node->taken += taken;
	out = node->nr_slabs * cache->layout.num - node->free_objects;
	if (out > node->high)
		node->high = out;
	return taken;
}

/*
 * A free slab, in no list any more, goes: for slabs_destroy. Until its pages are
 * back it is still counted (nr_leaving), because its layout is still looked at.
 * If the cache is debugged, its objects are looked at here, where nobody can
 * turn that on or off meanwhile.
 */
static void
slab_leave(struct slab_cache *cache, struct kmem_cache_node *node,
	   struct slab *slab, struct list *surplus) REQUIRES(node->lock)
{
	node->free_objects -= cache->layout.num;
	node->nr_slabs--;
	node->nr_leaving++;
	node->reaped++;
	if (unlikely(slab_debug(cache) != 0))
		slab_debug_hooks->end(cache, slab);
	list_add(surplus, &slab->link);
}

/* Its last object came back. */
static void
slab_became_free(struct slab_cache *cache, struct kmem_cache_node *node,
		 struct slab *slab, struct list *surplus) REQUIRES(node->lock)
{
	list_del(&slab->link);
	if (node->free_objects > node->free_limit && cache->base.dtor == NULL) {
		slab_leave(cache, node, slab, surplus);
	} else {
		node->nr_free_slabs++;
		list_add(&node->slabs_free, &slab->link);
	}
}

static void
put_into(struct slab_cache *cache, struct kmem_cache_node *node, void *object,
	 struct list *surplus) REQUIRES(node->lock)
{
	struct slab *slab = env_page_of(object)->owner.slab;
	unsigned index = slab_index(cache, slab, object);

	if (unlikely(slab->bufctl[index] != BUFCTL_OUT)) {
		node->nr_errors++;
		kmem_report("second free of an object", object);
		return;
	}
	slab->bufctl[index] = slab->free;
	slab->free = (kmem_bufctl_t)index;
	node->free_objects++;
	if (--slab->inuse == 0) {
		slab_became_free(cache, node, slab, surplus);
	} else if (slab->inuse + 1u == cache->layout.num) {
		list_del(&slab->link);
		list_add_tail(&node->slabs_partial, &slab->link);
	}
}

void
free_block(struct slab_cache *cache, struct kmem_cache_node *node,
	   void *const objects[], unsigned nr, struct list *surplus)
{
	for (unsigned i = 0; i < nr; i++)
		put_into(cache, node, objects[i], surplus);
	node->put += nr;
	if (node->free_objects > node->max_free)
		node->max_free = node->free_objects;
}

void
slab_put(struct slab_cache *cache, unsigned nodeid, void *const objects[],
	 unsigned nr)
{
	struct kmem_cache_node *node = cache->node[nodeid];
	struct list surplus = LIST_INIT(surplus);
	irq_state_t state = env_lock(&node->lock);

	free_block(cache, node, objects, nr, &surplus);
	env_unlock(&node->lock, state);
	(void)slabs_destroy(cache, &surplus);
}

/* -- slabs come and go -------------------------------------------------------------- */

/* Says whose the pages of a slab are, so that an object's address leads there. */
static void
slab_map_pages(struct slab_cache *cache, struct slab *slab, struct page *base)
{
	size_t nr = (size_t)1 << cache->layout.order;

	for (size_t i = 0; i < nr; i++) {
		base[i].kind = PAGE_SLAB;
		base[i].nr = i;
		base[i].owner.cache = cache;
		base[i].owner.slab = slab;
	}
}

static struct page *
kmem_getpages(struct slab_cache *cache, gfp_t gfp, unsigned node)
{
	size_t nr = (size_t)1 << cache->layout.order;

	/* Nearer than the nodes are this CPU's own pages. */
	if (env_nr_nodes() == 1 || node == env_node_of(env_cpu()))
		return env_pages_get(gfp, nr);
	return env_pages_get_at(node, gfp, nr);
}

static void
kmem_freepages(struct slab_cache *cache, struct page *base)
{
	size_t nr = (size_t)1 << cache->layout.order;

	for (size_t i = 0; i < nr; i++)
		base[i].kind = PAGE_PLAIN;
	env_pages_put(base, nr);
}

/* Bytes that the next slab of this node begins later. */
static unsigned
next_colour(struct slab_cache *cache, struct kmem_cache_node *node)
{
	irq_state_t state = env_lock(&node->lock);
	unsigned colour = node->colour_next;

	node->colour_next = colour + 1 < cache->layout.nr_colours ? colour + 1
								  : 0;
	env_unlock(&node->lock, state);
	return colour * cache->layout.colour_off;
}

/* The descriptor of a slab that begins at `base`. NULL: no memory. */
static struct slab *
alloc_slabmgmt(struct slab_cache *cache, unsigned char *base, gfp_t gfp,
	       unsigned nodeid)
{
	unsigned colouroff = next_colour(cache, cache->node[nodeid]);
	struct slab *slab;

	if (cache->layout.off_slab) {
		slab = slab_general_get(cache->base.kmem,
					cache->layout.slab_size, gfp, nodeid);
		if (slab == NULL)
			return NULL;
		slab->s_mem = base + colouroff;
	} else {
		slab = (struct slab *)(base + colouroff);
		slab->s_mem = base + colouroff + cache->layout.slab_size;
	}
	list_init(&slab->link);
	slab->colouroff = colouroff;
	slab->nodeid = (uint16_t)nodeid;
	slab->inuse = 0;
	slab->free = 0;
	return slab;
}

/* Chains the objects, lowest first, and constructs them. */
static void
cache_init_objs(struct slab_cache *cache, struct slab *slab)
{
	unsigned num = cache->layout.num;

	for (unsigned i = 0; i < num; i++) {
		slab->bufctl[i] = (kmem_bufctl_t)(i + 1);
		if (cache->base.ctor != NULL)
			cache->base.ctor(slab->s_mem + i * cache->layout.size);
	}
	slab->bufctl[num - 1] = BUFCTL_END;
	if (unlikely(slab_debug(cache) != 0))
		slab_debug_hooks->init(cache, slab);
}

/* -- a cache that does not grow for a while ----------------------------------------- */

void
slab_freeze(struct slab_cache *cache)
{
	atomic_store_full(&cache->is_frozen, true);
	while (atomic_load(&cache->nr_growing) != 0)
		env_nap();
}

void
slab_thaw(struct slab_cache *cache)
{
	atomic_store_full(&cache->is_frozen, false);
}

/* Whether this thread may make a slab; then grow_end. */
static bool
grow_begin(struct slab_cache *cache, gfp_t gfp)
{
	for (;;) {
		(void)atomic_add(&cache->nr_growing, 1);
		if (likely(!atomic_load(&cache->is_frozen)))
			return true;
		(void)atomic_sub(&cache->nr_growing, 1);
		if (!(gfp & __GFP_WAIT) || !env_may_sleep())
			return false;
		env_nap();
	}
}

static void
grow_end(struct slab_cache *cache)
{
	(void)atomic_sub(&cache->nr_growing, 1);
}

/* Joins the node's free ones. */
static void
slab_join(struct slab_cache *cache, struct kmem_cache_node *node,
	  struct slab *slab, unsigned debug_then)
{
	irq_state_t state = env_lock(&node->lock);

	/* Debugging may have begun since its objects were made. */
	if (unlikely(slab_debug(cache) & ~debug_then))
		slab_debug_hooks->init(cache, slab);
	list_add_tail(&node->slabs_free, &slab->link);
	node->nr_slabs++;
	node->nr_free_slabs++;
	node->free_objects += cache->layout.num;
	node->grown++;
	env_unlock(&node->lock, state);
}

/* As cache_grow. */
static int
grow(struct slab_cache *cache, gfp_t gfp, unsigned nodeid)
{
	unsigned debug = slab_debug(cache);
	struct page *base;
	struct slab *slab;

	gfp &= ~(gfp_t)__GFP_ZERO;
	base = kmem_getpages(cache, gfp, nodeid);
	if (base == NULL)
		return -E_NO_MEM;
	nodeid = base->node;
	slab = alloc_slabmgmt(cache, env_page_address(base), gfp, nodeid);
	if (slab == NULL) {
		kmem_freepages(cache, base);
		return -E_NO_MEM;
	}
	cache_init_objs(cache, slab);
	slab_map_pages(cache, slab, base);
	slab_join(cache, cache->node[nodeid], slab, debug);
	return (int)nodeid;
}

int
cache_grow(struct slab_cache *cache, gfp_t gfp, unsigned nodeid)
{
	int landed;

	if (!grow_begin(cache, gfp))
		return -E_NO_MEM;
	landed = grow(cache, gfp, nodeid);
	grow_end(cache);
	return landed;
}

static void
cache_destroy_objs(struct slab_cache *cache, struct slab *slab)
{
	if (cache->base.dtor == NULL)
		return;
	for (unsigned i = 0; i < cache->layout.num; i++)
		cache->base.dtor(slab->s_mem + i * cache->layout.size);
}

size_t
slabs_destroy(struct slab_cache *cache, struct list *slabs)
{
	size_t nr_pages = 0;

	while (!list_empty(slabs)) {
		struct slab *slab = list_first_entry(slabs, struct slab, link);
		struct page *base = env_page_of(slab_base(cache, slab));

		struct kmem_cache_node *node = cache->node[slab->nodeid];
		irq_state_t state;

		list_del(&slab->link);
		cache_destroy_objs(cache, slab);
		if (cache->layout.off_slab)
			slab_own_put(slab);
		kmem_freepages(cache, base);
		nr_pages += (size_t)1 << cache->layout.order;
		state = env_lock(&node->lock);
		node->nr_leaving--;
		env_unlock(&node->lock, state);
	}
	return nr_pages;
}

size_t
drain_freelist(struct slab_cache *cache, unsigned nodeid, size_t nr)
{
	struct kmem_cache_node *node = cache->node[nodeid];
	struct list surplus = LIST_INIT(surplus);
	irq_state_t state;

	if (cache->base.dtor != NULL && !env_may_sleep())
		return 0;
	state = env_lock(&node->lock);
	for (; nr > 0 && node->nr_free_slabs > 0; nr--) {
		struct slab *slab =
			list_last_entry(&node->slabs_free, struct slab, link);

		list_del(&slab->link);
		node->nr_free_slabs--;
		slab_leave(cache, node, slab, &surplus);
	}
	env_unlock(&node->lock, state);
	return slabs_destroy(cache, &surplus);
}

size_t
slab_nr_out(struct slab_cache *cache)
{
	size_t nr = 0;

	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		struct kmem_cache_node *node = cache->node[i];
		irq_state_t state = env_lock(&node->lock);

		nr += node->nr_slabs * cache->layout.num - node->free_objects +
		      node->retired_out;
		env_unlock(&node->lock, state);
	}
	return nr;
}
