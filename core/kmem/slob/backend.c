/*
 * The slob lists as a back end of kmalloc: what goes into the lists, what is
 * pages of its own, and caches in their simplest form.
 *
 *	kmalloc(100)   --> slob_alloc: an object in a page of the lists
 *	kmalloc(5000)  --> alloc_pages(2), and a struct bigblock that says how many
 *			   pages; the record is itself an object in the lists
 *
 * An object in a page always has two headers below it, so its address is
 * never a multiple of the page size; large ones always are. That tells kfree
 * which is which, without a look at memory. The record of a large one is found
 * through struct page: its first frame, and no other, is of kind PAGE_BIG and
 * knows its record. So a second free, or one of a page that is somebody else's,
 * finds no record and is reported.
 *
 * A cache is a size, a constructor and a count: slob does not keep objects
 * apart by kind, so an object is constructed each time it is handed out.
 *
 * LOCKING.  big_lock and the lists' lock have the same rank and are never held
 * together, nor over a call to the page allocator.
 */
#include "slob.h"

#include <kernel/error.h>
#include <kernel/string.h>

static struct slob slob;

/* -- pages ------------------------------------------------------------------ */

static void *
slob_page_get(gfp_t gfp)
{
	struct page *page = env_page_get(gfp & ~(gfp_t)__GFP_ZERO);

	return page != NULL ? env_page_address(page) : NULL;
}

static void
slob_page_put(void *va)
{
	env_page_put(env_page_of(va));
}

static const struct slob_source slob_page_source = {
	.get = slob_page_get,
	.put = slob_page_put,
};

/* -- large objects ------------------------------------------------------------ */

/* A large object's record. */
struct bigblock {
	void *pages;
	size_t nr_pages;
};

static struct spinlock big_lock = ENV_LOCK_INIT("slob large");
static size_t nr_big_pages GUARDED_BY(big_lock);

static void
big_insert(struct page *page, struct bigblock *big) EXCLUDES(big_lock)
{
	irq_state_t state = env_lock(&big_lock);

	page->owner.slab = big;
	page->kind = PAGE_BIG;
	nr_big_pages += big->nr_pages;
	env_unlock(&big_lock, state);
}

/* The first frame of the large object at ptr; NULL: there is none. */
static struct page *
big_find(const void *ptr) REQUIRES(big_lock)
{
	struct page *page = env_page_of(ptr);

	return page != NULL && page->kind == PAGE_BIG ? page : NULL;
}

/* An object for the back end's own use. */
static void *
own_alloc(size_t size, gfp_t gfp)
{
	return env_fails() ? NULL : slob_alloc(&slob, size, gfp);
}

static void *
big_alloc(size_t size, gfp_t gfp)
{
	size_t nr_pages = size / PAGE_SIZE + (size % PAGE_SIZE != 0);
	struct bigblock *big;
	struct page *page;

	big = own_alloc(sizeof(*big), gfp);
	if (big == NULL)
		return NULL;
	page = env_pages_get(gfp, nr_pages);
	if (page == NULL) {
		slob_free(&slob, big);
		return NULL;
	}
	big->pages = env_page_address(page);
	big->nr_pages = nr_pages;
	big_insert(page, big);
	return big->pages;
}

/* Returns whether there was a large object at ptr. */
static bool
big_free(void *ptr) EXCLUDES(big_lock)
{
	irq_state_t state = env_lock(&big_lock);
	struct page *page = big_find(ptr);
	struct bigblock *big = NULL;

	if (page != NULL) {
		big = page->owner.slab;
		page->kind = PAGE_PLAIN;
		nr_big_pages -= big->nr_pages;
	}
	env_unlock(&big_lock, state);

	if (big == NULL) {
		kmem_report("free of a pointer that is not from here", ptr);
		return false;
	}
	env_pages_put(page, big->nr_pages);
	slob_free(&slob, big);
	return true;
}

static size_t
big_size(const void *ptr) EXCLUDES(big_lock)
{
	irq_state_t state = env_lock(&big_lock);
	const struct page *page = big_find(ptr);
	const struct bigblock *big = page != NULL ? page->owner.slab : NULL;
	size_t size = big != NULL ? big->nr_pages * PAGE_SIZE : 0;

	env_unlock(&big_lock, state);
	return size;
}

/* -- objects ------------------------------------------------------------------ */

static inline bool
ptr_is_big(const void *ptr)
{
	return ((uintptr_t)ptr & (PAGE_SIZE - 1)) == 0;
}

static void *
object_alloc(size_t size, size_t align, gfp_t gfp)
{
	void *object;

	if (unlikely(!slob_fits_page(size, align)))
		return big_alloc(size, gfp);
	object = slob_alloc_aligned(&slob, size, align, gfp);
	if ((gfp & __GFP_ZERO) && object != NULL)
		memset(object, 0, size);
	return object;
}

static bool
object_free(void *object)
{
	if (unlikely(ptr_is_big(object)))
		return big_free(object);
	return slob_free(&slob, object);
}

static void *
slob_kmalloc(size_t size, gfp_t gfp)
{
	if (likely(size <= SLOB_SIZE_MAX && !(gfp & __GFP_ZERO)))
		return slob_alloc(&slob, size, gfp);
	return object_alloc(size, KMALLOC_ALIGN, gfp);
}

static void
slob_kfree(void *ptr)
{
	if (unlikely(ptr_is_big(ptr)))
		(void)big_free(ptr);
	else
		(void)slob_free(&slob, ptr);
}

static size_t
slob_ksize(const void *ptr)
{
	return ptr_is_big(ptr) ? big_size(ptr) : slob_size(ptr);
}

/* -- caches --------------------------------------------------------------------- */

struct slob_cache {
	struct kmem_cache base;
	size_t nr_live; /* atomic: objects that are out */
};

static struct kmem_cache *
slob_cache_create(const struct kmem_cache *wanted)
{
	struct slob_cache *cache;

	cache = own_alloc(sizeof(*cache), GFP_KERNEL);
	if (cache == NULL)
		return NULL;
	cache->base = *wanted;
	if (cache->base.flags & SLAB_HWCACHE_ALIGN)
		cache->base.align = MAX(cache->base.align, (size_t)CACHE_LINE);
	cache->nr_live = 0;
	return &cache->base;
}

static void *
slob_cache_alloc(struct kmem_cache *base, gfp_t gfp)
{
	struct slob_cache *cache = container_of(base, struct slob_cache, base);
	void *object = object_alloc(base->object_size, base->align, gfp);

	if (object == NULL)
		return NULL;
	(void)atomic_add(&cache->nr_live, 1);
	if (base->ctor != NULL)
		base->ctor(object);
	return object;
}

static void
slob_cache_free(struct kmem_cache *base, void *object)
{
	struct slob_cache *cache = container_of(base, struct slob_cache, base);

	if (base->dtor != NULL)
		base->dtor(object);
	if (likely(object_free(object)))
		(void)atomic_sub(&cache->nr_live, 1);
}

static size_t
slob_shrink_all(void)
{
	return slob_shrink(&slob);
}

/* All caches share the lists. */
static size_t
slob_cache_shrink(struct kmem_cache *base)
{
	return slob_shrink_all();
}

static int
slob_cache_destroy(struct kmem_cache *base, size_t *nr_live)
{
	struct slob_cache *cache = container_of(base, struct slob_cache, base);

	*nr_live = atomic_load(&cache->nr_live);
	if (*nr_live != 0)
		return -E_BUSY;
	object_free(cache);
	return 0;
}

/* -- the back end ---------------------------------------------------------------- */

static void
slob_backend_init(void)
{
	slob_init(&slob, slob_fit_chosen(), &slob_page_source);
}

static bool
slob_backend_validate(void)
{
	return slob_validate(&slob);
}

struct slob_counts {
	size_t blocks, units, largest;
};

static void
slob_count(const struct slob_block *block, void *arg)
{
	struct slob_counts *counts = arg;

	counts->blocks++;
	counts->units += block->units;
	counts->largest = MAX(counts->largest, (size_t)block->units);
}

static void
slob_print(void)
{
	struct slob_counts counts = { 0, 0, 0 };

	slob_walk(&slob, slob_count, &counts);
	printk("slob: %s fit\n", slob.fit->name);
	printk("slob: %zu pages, %zu of them empty\n",
	       atomic_load_relaxed(&slob.nr_pages),
	       atomic_load_relaxed(&slob.nr_empty));
	printk("slob: %zu bytes free in %zu blocks, the largest %zu\n",
	       counts.units * SLOB_UNIT, counts.blocks,
	       counts.largest * SLOB_UNIT);
	printk("slob: %zu pages in large objects\n",
	       __atomic_load_n(&nr_big_pages, __ATOMIC_RELAXED));
}

const struct kmem_ops kmem_slob_ops = {
	.name = "slob",
	.description = "lists of free blocks, after Kernighan and Ritchie",
	.init = slob_backend_init,
	.kmalloc = slob_kmalloc,
	.kfree = slob_kfree,
	.ksize = slob_ksize,
	.cache_create = slob_cache_create,
	.cache_alloc = slob_cache_alloc,
	.cache_free = slob_cache_free,
	.cache_shrink = slob_cache_shrink,
	.cache_destroy = slob_cache_destroy,
	.shrink = slob_shrink_all,
	.validate = slob_backend_validate,
	.print = slob_print,
};
