/*
 * General caches, from which kmalloc takes objects, and whole pages beyond.
 *
 * kmalloc(size) takes an object of the next larger general cache: 32, 64, 96,
 * 128, 192, 256 bytes and powers of two up to 4 MiB. A power of two is aligned to
 * itself, up to a page. Beyond 4 MiB it is whole pages; the first one's struct
 * page says how many.
 *
 * Up to KMEM_TABLE_MAX the cache is read from a table by size / 32, which the
 * front uses by itself; beyond, the position of the highest bit counts.
 */
#include "general.h"

/* By (size - 1) / KMEM_TABLE_STEP, and by rounded-up log2. NULL until it is made. */
struct kmem_cache *slab_general_small[KMEM_TABLE_NR];
struct slab_cache *slab_general_by_shift[SLAB_GENERAL_MAX_SHIFT + 1];

BUILD_ASSERT((size_t)1 << SLAB_GENERAL_MAX_SHIFT == KMEM_CACHE_SIZE_MAX);
BUILD_ASSERT(1 << SLAB_GENERAL_MIN_SHIFT == KMEM_TABLE_STEP);

/* -- general caches -------------------------------------------------------------- */

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
	     i < size / KMEM_TABLE_STEP && i < ARRAY_SIZE(slab_general_small);
	     i++)
		slab_general_small[i] = &cache->base;
	if (IS_POWER_OF_2(size))
		slab_general_by_shift[slab_general_shift(size)] = cache;
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

__noinline void *
slab_large_alloc(size_t size, gfp_t gfp)
{
	size_t nr_pages = size / PAGE_SIZE + (size % PAGE_SIZE != 0);
	struct page *page = env_pages_get(gfp, nr_pages);

	if (page == NULL)
		return NULL;
	page->kind = PAGE_BIG;
	page->nr = nr_pages;
	page->owner.cache = (void *)(uintptr_t)&large_mark;
	return env_page_address(page);
}

bool
slab_is_large(const struct page *page)
{
	return page->kind == PAGE_BIG && page->owner.cache == &large_mark;
}

/* The first page of the large object at ptr; NULL: there is none. */
struct page *
slab_large_find(const void *ptr)
{
	struct page *page = env_page_of(ptr);

	if (page == NULL || page->kind != PAGE_BIG ||
	    page->owner.cache != &large_mark || env_page_address(page) != ptr)
		return NULL;
	return page;
}

__noinline void
slab_large_free(void *ptr)
{
	struct page *page = slab_large_find(ptr);

	if (page == NULL) {
		kmem_report("free of a pointer that is not from here", ptr);
		return;
	}
	page->kind = PAGE_PLAIN;
	env_pages_put(page, page->nr);
}
