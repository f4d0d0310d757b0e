/*
 * The slab allocator as a back end of kmalloc: general caches, and the table of
 * functions.
 *
 * kmalloc(size) takes an object of the next larger general cache: 32, 64, 96,
 * 128, 192, 256 bytes and powers of two up to 4 MiB. A power of two is aligned to
 * itself, up to a page. Beyond 4 MiB it is whole pages; the first one's struct
 * page says how many.
 *
 * Up to KMEM_TABLE_MAX the cache is read from a table by size / 32, which the
 * front uses by itself; beyond, the
 * position of the highest bit counts.
 */
#include "slab.h"

#include <kernel/error.h>
#include <kernel/printk.h>
#include <kernel/string.h>

/* By (size - 1) / KMEM_TABLE_STEP, and by rounded-up log2. NULL until it is made. */
static struct kmem_cache *general_small[KMEM_TABLE_NR];
static struct slab_cache *general_by_shift[SLAB_GENERAL_MAX_SHIFT + 1];

BUILD_ASSERT((size_t)1 << SLAB_GENERAL_MAX_SHIFT == KMEM_CACHE_SIZE_MAX);
BUILD_ASSERT(1 << SLAB_GENERAL_MIN_SHIFT == KMEM_TABLE_STEP);

/* -- general caches -------------------------------------------------------------- */

static inline unsigned
shift_of(size_t size)
{
	return (unsigned)(sizeof(long) * 8) -
	       (unsigned)__builtin_clzl((unsigned long)size - 1);
}

struct slab_cache *
slab_general(size_t size)
{
	struct kmem_cache *cache;

	if (size > KMEM_TABLE_MAX)
		return general_by_shift[shift_of(size)];
	cache = general_small[(size - 1) / KMEM_TABLE_STEP];
	return cache != NULL ? slab_cache_of(cache) : NULL;
}

/* Makes the cache for sizes from `from` + 1 to `size`. */
static void
general_create(size_t from, size_t size, size_t align)
{
	struct kmem_cache wanted = { .object_size = size,
				     .align = align,
				     .flags = SLAB_GENERAL };
	struct slab_cache *cache;

	snprintf(wanted.name, sizeof(wanted.name), "kmalloc-%zu", size);
	slab_create_early(&wanted, &cache);
	for (size_t i = from / KMEM_TABLE_STEP;
	     i < size / KMEM_TABLE_STEP && i < ARRAY_SIZE(general_small); i++)
		general_small[i] = &cache->base;
	if (IS_POWER_OF_2(size))
		general_by_shift[shift_of(size)] = cache;
}

void
slab_general_create(void)
{
	size_t half;

	for (size_t size = KMEM_TABLE_STEP; size <= KMEM_CACHE_SIZE_MAX;
	     size *= 2) {
		half = size / 2;
		/* Between 64 and 128, and between 128 and 256, one more. */
		if (half == 64 || half == 128) {
			general_create(half, half + half / 2, half / 2);
			half += half / 2;
		}
		general_create(size == KMEM_TABLE_STEP ? 0 : half, size,
			       MIN(size, PAGE_SIZE));
	}
}

/* -- whole pages -------------------------------------------------------------------- */

/* In owner.cache of the first page: it is ours, not another back end's. */
static const char large_mark;

static __noinline void *
large_alloc(size_t size, gfp_t gfp)
{
	size_t nr_pages = size / PAGE_SIZE + (size % PAGE_SIZE != 0);
	struct page *page = alloc_pages_gfp(gfp, nr_pages);

	if (page == NULL)
		return NULL;
	page->kind = PAGE_BIG;
	page->nr = nr_pages;
	page->owner.cache = (void *)(uintptr_t)&large_mark;
	return page_to_virt(page);
}

bool
slab_is_large(const struct page *page)
{
	return page->kind == PAGE_BIG && page->owner.cache == &large_mark;
}

/* The first page of the large object at ptr; NULL: there is none. */
static struct page *
large_find(const void *ptr)
{
	struct page *page = slab_page_of(ptr);

	if (page == NULL || page->kind != PAGE_BIG ||
	    page->owner.cache != &large_mark || page_to_virt(page) != ptr)
		return NULL;
	return page;
}

static __noinline void
large_free(void *ptr)
{
	struct page *page = large_find(ptr);

	if (page == NULL) {
		kmem_report("free of a pointer that is not from here", ptr);
		return;
	}
	page->kind = PAGE_PLAIN;
	free_pages(page, page->nr);
}

/* -- objects ---------------------------------------------------------------------------- */

static size_t
slab_ksize(const void *ptr)
{
	const struct page *page = slab_page_of(ptr);
	const struct slab_cache *cache;

	if (page == NULL ||
	    (page->kind != PAGE_SLAB && page->kind != PAGE_SLAB_RETIRED)) {
		page = large_find(ptr);
		return page != NULL ? page->nr * PAGE_SIZE : 0;
	}
	cache = page->owner.cache;
	return cache->base.object_size;
}

static void
slab_kresize(void *ptr, size_t size)
{
	const struct page *page = slab_page_of(ptr);

	if (page != NULL && page->kind == PAGE_SLAB &&
	    slab_debug(page->owner.cache) != 0)
		slab_debug_resize(page->owner.cache, ptr, size);
}

static inline void *
take_object(struct slab_cache *cache, gfp_t gfp, size_t size)
{
	void *object;

	if (slab_fails(cache, false))
		return NULL;
	object = slab_alloc(cache, gfp);
	if (object != NULL && (gfp & __GFP_ZERO))
		memset(object, 0, size);
	return object;
}

static __noinline void *
debugged_alloc(struct slab_cache *cache, gfp_t gfp, size_t size)
{
	void *object;

	slab_debug_context(cache, gfp);
	object = take_object(cache, gfp, size);
	if (object != NULL && size != cache->base.object_size)
		slab_debug_asked(cache, object, size);
	return object;
}

/* What the front's stack could not do; size bytes are cleared if gfp says so. */
static void *
object_alloc(struct slab_cache *cache, gfp_t gfp, size_t size)
{
	if (unlikely(slab_debug(cache) != 0))
		return debugged_alloc(cache, gfp, size);
	return take_object(cache, gfp, size);
}

static void *
slab_kmalloc(size_t size, gfp_t gfp)
{
	if (unlikely(size > KMEM_CACHE_SIZE_MAX))
		return large_alloc(size, gfp);
	return object_alloc(slab_general(size), gfp, size);
}

static __noinline void
other_free(const struct page *page, void *ptr)
{
	if (page != NULL && page->kind == PAGE_SLAB_RETIRED)
		slab_debug_free(page->owner.cache, ptr);
	else
		large_free(ptr);
}

static void
slab_kfree(void *ptr)
{
	struct page *page = slab_page_of(ptr);

	if (unlikely(page == NULL || page->kind != PAGE_SLAB))
		other_free(page, ptr);
	else
		slab_free(page->owner.cache, ptr);
}

/* -- named caches ------------------------------------------------------------------------- */

static struct kmem_cache *
slab_cache_create(const struct kmem_cache *wanted)
{
	struct slab_cache *cache = slab_create(wanted);

	return cache != NULL ? &cache->base : NULL;
}

static void *
slab_cache_alloc(struct kmem_cache *base, gfp_t gfp)
{
	return object_alloc(slab_cache_of(base), gfp, base->object_size);
}

static void *
slab_cache_alloc_node(struct kmem_cache *base, gfp_t gfp, unsigned node)
{
	void *object;

	if (node == NODE_ANY)
		return slab_cache_alloc(base, gfp);
	slab_debug_context(slab_cache_of(base), gfp);
	if (slab_fails(slab_cache_of(base), false))
		return NULL;
	object = slab_alloc_node(slab_cache_of(base), gfp, node);
	if (object != NULL && (gfp & __GFP_ZERO))
		memset(object, 0, base->object_size);
	return object;
}

static bool
slab_cache_alloc_bulk(struct kmem_cache *base, gfp_t gfp, size_t nr,
		      void *objects[])
{
	slab_debug_context(slab_cache_of(base), gfp);
	if (slab_fails(slab_cache_of(base), false) ||
	    !slab_alloc_bulk(slab_cache_of(base), gfp, nr, objects))
		return false;
	for (size_t i = 0; (gfp & __GFP_ZERO) && i < nr; i++)
		memset(objects[i], 0, base->object_size);
	return true;
}

static void
slab_cache_free(struct kmem_cache *base, void *object)
{
	slab_free(slab_cache_of(base), object);
}

static void
slab_cache_free_bulk(struct kmem_cache *base, size_t nr, void *objects[])
{
	slab_free_bulk(slab_cache_of(base), nr, objects);
}

static struct kmem_sheaf *
slab_sheaf_get(struct kmem_cache *base, unsigned nr)
{
	struct slab_cache *cache = slab_cache_of(base);
	struct kmem_sheaf *sheaf = NULL;
	irq_state_t state = arch_irq_save();

	/* Objects of one that is debugged come and go one by one. */
	if (slab_cpu->sheaf_get != NULL && slab_debug(cache) == 0)
		sheaf = slab_cpu->sheaf_get(cache, nr);
	arch_irq_restore(state);
	return sheaf;
}

static bool
slab_sheaf_put(struct kmem_cache *base, struct kmem_sheaf *sheaf)
{
	struct slab_cache *cache = slab_cache_of(base);
	bool is_back = false;
	irq_state_t state;

	if (slab_cpu->sheaf_put == NULL)
		return false;
	state = arch_irq_save();
	if (slab_debug(cache) != 0) {
		slab_free_bulk(cache, sheaf->nr, sheaf->entry + 1);
		sheaf->nr = 0;
	}
	is_back = slab_cpu->sheaf_put(cache, sheaf);
	arch_irq_restore(state);
	return is_back;
}

static bool
slab_cache_owns(const struct kmem_cache *base, const void *object)
{
	struct slab_cache *cache = slab_cache_of((struct kmem_cache *)base);

	/* A cache that is debugged says more when it comes there. */
	return slab_debug(cache) != 0 || slab_is_object(cache, object);
}

static size_t
slab_cache_shrink(struct kmem_cache *base)
{
	return slab_shrink(slab_cache_of(base));
}

static int
slab_cache_destroy(struct kmem_cache *base, size_t *nr_live)
{
	return slab_destroy(slab_cache_of(base), nr_live);
}

const struct kmem_ops kmem_slab_ops = {
	.name = "slab",
	.description = "caches of objects, after Bonwick and Linux 3.10",
	.init = slab_start,
	.table = general_small,
	.kmalloc = slab_kmalloc,
	.kfree = slab_kfree,
	.ksize = slab_ksize,
	.kresize = slab_kresize,
	.cache_create = slab_cache_create,
	.cache_alloc = slab_cache_alloc,
	.cache_alloc_node = slab_cache_alloc_node,
	.cache_alloc_bulk = slab_cache_alloc_bulk,
	.cache_free = slab_cache_free,
	.cache_owns = slab_cache_owns,
	.cache_free_bulk = slab_cache_free_bulk,
	.sheaf_get = slab_sheaf_get,
	.sheaf_put = slab_sheaf_put,
	.cache_shrink = slab_cache_shrink,
	.cache_destroy = slab_cache_destroy,
	.shrink = slab_shrink_all,
	.reap = slab_reap,
	.slabinfo_read = slabinfo_read,
	.slabinfo_write = slabinfo_write,
	.failslab_write = slab_fail_write,
	.failslab_print = slab_fail_print,
	.validate = slab_validate,
	.print = slab_print,
};
