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
#include <kernel/printk.h>
#include <kernel/string.h>

/* An instance's state. */
struct slob_root {
	struct slob slob;
	struct kmem *kmem; /* (constant) */
	struct spinlock big_lock;
	size_t nr_big_pages; /* under big_lock */
	size_t nr_caches; /* atomic: their structures are objects in the lists */
};

/* The kernel's. */
static struct slob_root kernel_root;

static inline struct slob_root *
root_of(const struct kmem *kmem)
{
	return kmem->state;
}

/* -- pages ------------------------------------------------------------------ */

static void *
slob_page_get(struct slob *slob, gfp_t gfp)
{
	struct page *page = env_page_get(gfp & ~(gfp_t)__GFP_ZERO);

	if (page == NULL)
		return NULL;
	page->kind = PAGE_SLOB;
	page->owner.cache = container_of(slob, struct slob_root, slob)->kmem;
	return env_page_address(page);
}

static void
slob_page_put(void *va)
{
	struct page *page = env_page_of(va);

	page->kind = PAGE_PLAIN;
	env_page_put(page);
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

static void
big_insert(struct slob_root *root, struct page *page, struct bigblock *big)
	EXCLUDES(root->big_lock)
{
	irq_state_t state = env_lock(&root->big_lock);

	page->owner.cache = root->kmem;
	page->owner.slab = big;
	page->kind = PAGE_BIG;
	root->nr_big_pages += big->nr_pages;
	env_unlock(&root->big_lock, state);
}

/* The first frame of the large object at ptr; NULL: there is none. */
static struct page *
big_find(const struct slob_root *root, const void *ptr) REQUIRES(root->big_lock)
{
	struct page *page = env_page_of(ptr);

	return page != NULL && page->kind == PAGE_BIG &&
			       page->owner.cache == root->kmem
		       ? page
		       : NULL;
}

/* An object for the back end's own use. */
static void *
own_alloc(struct slob_root *root, size_t size, gfp_t gfp)
{
	return env_fails() ? NULL : slob_alloc(&root->slob, size, gfp);
}

static void *
big_alloc(struct slob_root *root, size_t size, gfp_t gfp)
{
	size_t nr_pages = size / PAGE_SIZE + (size % PAGE_SIZE != 0);
	struct bigblock *big;
	struct page *page;

	big = own_alloc(root, sizeof(*big), gfp);
	if (big == NULL)
		return NULL;
	page = env_pages_get(gfp, nr_pages);
	if (page == NULL) {
		slob_free(&root->slob, big);
		return NULL;
	}
	big->pages = env_page_address(page);
	big->nr_pages = nr_pages;
	big_insert(root, page, big);
	return big->pages;
}

/* Returns whether there was a large object at ptr. */
static bool
big_free(struct slob_root *root, void *ptr) EXCLUDES(root->big_lock)
{
	irq_state_t state = env_lock(&root->big_lock);
	struct page *page = big_find(root, ptr);
	struct bigblock *big = NULL;

	if (page != NULL) {
		big = page->owner.slab;
		page->kind = PAGE_PLAIN;
		root->nr_big_pages -= big->nr_pages;
	}
	env_unlock(&root->big_lock, state);

	if (big == NULL) {
		kmem_report("free of a pointer that is not from here", ptr);
		return false;
	}
	env_pages_put(page, big->nr_pages);
	slob_free(&root->slob, big);
	return true;
}

static size_t
big_size(struct slob_root *root, const void *ptr) EXCLUDES(root->big_lock)
{
	irq_state_t state = env_lock(&root->big_lock);
	const struct page *page = big_find(root, ptr);
	const struct bigblock *big = page != NULL ? page->owner.slab : NULL;
	size_t size = big != NULL ? big->nr_pages * PAGE_SIZE : 0;

	env_unlock(&root->big_lock, state);
	return size;
}

/* -- objects ------------------------------------------------------------------ */

static inline bool
ptr_is_big(const void *ptr)
{
	return ((uintptr_t)ptr & (PAGE_SIZE - 1)) == 0;
}

static void *
object_alloc(struct slob_root *root, size_t size, size_t align, gfp_t gfp)
{
	void *object;

	if (unlikely(!slob_fits_page(size, align)))
		return big_alloc(root, size, gfp);
	object = slob_alloc_aligned(&root->slob, size, align, gfp);
	if ((gfp & __GFP_ZERO) && object != NULL)
		memset(object, 0, size);
	return object;
}

static bool
object_free(struct slob_root *root, void *object)
{
	if (unlikely(ptr_is_big(object)))
		return big_free(root, object);
	return slob_free(&root->slob, object);
}

static __always_inline void *
alloc_in(struct slob_root *root, size_t size, gfp_t gfp)
{
	if (likely(size <= SLOB_SIZE_MAX && !(gfp & __GFP_ZERO)))
		return slob_alloc(&root->slob, size, gfp);
	return object_alloc(root, size, KMALLOC_ALIGN, gfp);
}

static void *
slob_kmalloc_in(struct kmem *kmem, size_t size, gfp_t gfp)
{
	return alloc_in(root_of(kmem), size, gfp);
}

static void *
slob_kmalloc(size_t size, gfp_t gfp)
{
	return alloc_in(&kernel_root, size, gfp);
}

static void
slob_kfree(struct kmem *kmem, void *ptr)
{
	struct slob_root *root = root_of(kmem);

	if (unlikely(ptr_is_big(ptr)))
		(void)big_free(root, ptr);
	else
		(void)slob_free(&root->slob, ptr);
}

static size_t
slob_ksize(struct kmem *kmem, const void *ptr)
{
	return ptr_is_big(ptr) ? big_size(root_of(kmem), ptr) : slob_size(ptr);
}

/* -- caches --------------------------------------------------------------------- */

struct slob_cache {
	struct kmem_cache base;
	struct slob_root *root;
	bool is_big;	/* objects are pages of their own */
	size_t nr_live; /* atomic: objects that are out */
};

static struct kmem_cache *
slob_cache_create(const struct kmem_cache *wanted)
{
	struct slob_root *root = root_of(wanted->kmem);
	struct slob_cache *cache;

	cache = own_alloc(root, sizeof(*cache), GFP_KERNEL);
	if (cache == NULL)
		return NULL;
	cache->base = *wanted;
	if (cache->base.flags & SLAB_HWCACHE_ALIGN)
		cache->base.align = MAX(cache->base.align, (size_t)CACHE_LINE);
	cache->root = root;
	cache->is_big =
		!slob_fits_page(cache->base.object_size, cache->base.align);
	cache->nr_live = 0;
	(void)atomic_add(&root->nr_caches, (size_t)1);
	return &cache->base;
}

static void *
slob_cache_alloc(struct kmem_cache *base, gfp_t gfp)
{
	struct slob_cache *cache = container_of(base, struct slob_cache, base);
	void *object;

	if (unlikely(cache->is_big))
		object = big_alloc(cache->root, base->object_size, gfp);
	else
		object = slob_alloc_aligned(&cache->root->slob,
					    base->object_size, base->align,
					    gfp & ~(gfp_t)__GFP_ZERO);
	if (object == NULL)
		return NULL;
	(void)atomic_add(&cache->nr_live, 1);
	if (base->ctor != NULL)
		base->ctor(object);
	else if (gfp & __GFP_ZERO)
		memset(object, 0, base->object_size);
	return object;
}

static void
slob_cache_free(struct kmem_cache *base, void *object)
{
	struct slob_cache *cache = container_of(base, struct slob_cache, base);

	if (base->dtor != NULL)
		base->dtor(object);
	if (likely(object_free(cache->root, object)))
		(void)atomic_sub(&cache->nr_live, 1);
}

static size_t
slob_shrink_all(struct kmem *kmem)
{
	return slob_shrink(&root_of(kmem)->slob);
}

/* All caches share the lists. */
static size_t
slob_cache_shrink(struct kmem_cache *base)
{
	return slob_shrink_all(base->kmem);
}

static int
slob_cache_destroy(struct kmem_cache *base, size_t *nr_live)
{
	struct slob_cache *cache = container_of(base, struct slob_cache, base);
	struct slob_root *root = cache->root;

	*nr_live = atomic_load(&cache->nr_live);
	if (*nr_live != 0)
		return -E_BUSY;
	(void)object_free(root, cache);
	(void)atomic_sub(&root->nr_caches, (size_t)1);
	return 0;
}

/* -- the back end ---------------------------------------------------------------- */

static int
slob_start(struct kmem *kmem, const struct kmem_args *args)
{
	const struct slob_fit *fit = slob_fit_named(args->fit);
	struct slob_root *root = root_of(kmem);

	if (fit == NULL)
		return kmem_no_such_value(kmem, "fit", args->fit);
	root->kmem = kmem;
	env_lock_init(&root->big_lock, "slob large");
	slob_init(&root->slob, fit, &slob_page_source);
	return 0;
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

/* Objects that are out are not counted: an allocation would pay for it. So: all units
 * that are in use, less those of caches' structures. */
static bool
slob_is_used(struct kmem *kmem)
{
	struct slob_root *root = root_of(kmem);
	struct slob_counts counts = { 0, 0, 0 };
	size_t cache_units =
		1 + (sizeof(struct slob_cache) + SLOB_UNIT - 1) / SLOB_UNIT;
	size_t nr_used;

	slob_walk(&root->slob, slob_count, &counts);
	nr_used = atomic_load_relaxed(&root->slob.nr_pages) * SLOB_PAGE_UNITS -
		  counts.units;
	return nr_used != atomic_load(&root->nr_caches) * cache_units;
}

static void
slob_stop(struct kmem *kmem)
{
	(void)slob_shrink_all(kmem);
	assert(root_of(kmem)->slob.nr_pages == 0);
}

static bool
slob_backend_validate(struct kmem *kmem)
{
	return slob_validate(&root_of(kmem)->slob);
}

static void
slob_print(struct kmem *kmem)
{
	struct slob_root *root = root_of(kmem);
	struct slob_counts counts = { 0, 0, 0 };

	slob_walk(&root->slob, slob_count, &counts);
	printk("slob: %s fit\n", root->slob.fit->name);
	printk("slob: %zu pages, %zu of them empty\n",
	       atomic_load_relaxed(&root->slob.nr_pages),
	       atomic_load_relaxed(&root->slob.nr_empty));
	printk("slob: %zu bytes free in %zu blocks, the largest %zu\n",
	       counts.units * SLOB_UNIT, counts.blocks,
	       counts.largest * SLOB_UNIT);
	printk("slob: %zu pages in large objects\n",
	       __atomic_load_n(&root->nr_big_pages, __ATOMIC_RELAXED));
}

const struct kmem_ops kmem_slob_ops = {
	.name = "slob",
	.description = "lists of free blocks, after Kernighan and Ritchie",
	.state_size = sizeof(struct slob_root),
	.kernel_state = &kernel_root,
	.start = slob_start,
	.is_used = slob_is_used,
	.stop = slob_stop,
	.kmalloc_in = slob_kmalloc_in,
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
