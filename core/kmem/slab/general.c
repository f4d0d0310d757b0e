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

#include <kernel/printk.h>

BUILD_ASSERT((size_t)1 << SLAB_GENERAL_MAX_SHIFT == KMEM_CACHE_SIZE_MAX);
BUILD_ASSERT(1 << SLAB_GENERAL_MIN_SHIFT == KMEM_TABLE_STEP);

/* -- general caches -------------------------------------------------------------- */

/* Makes the cache for sizes from `from` + 1 to `size`. */
static int
general_create(struct slab_root *root, size_t from, size_t size, size_t align)
{
	char name[KMEM_NAME_LEN + 1];
	struct slab_cache *cache;
	int err;

	snprintf(name, sizeof(name), "kmalloc-%zu", size);
	err = slab_create_early(root, name, size, align, SLAB_GENERAL, &cache);
	if (err != 0)
		return err;
	for (size_t i = from / KMEM_TABLE_STEP;
	     i < size / KMEM_TABLE_STEP && i < KMEM_TABLE_NR; i++)
		root->kmem->table[i] = &cache->base;
	if (IS_POWER_OF_2(size))
		root->general[slab_general_shift(size)] = cache;
	return 0;
}

int
slab_general_create(struct slab_root *root)
{
	int err = 0;

	for (size_t size = KMEM_TABLE_STEP;
	     size <= KMEM_CACHE_SIZE_MAX && err == 0; size *= 2) {
		size_t half = size / 2;

		/* Between 64 and 128, and between 128 and 256, one more. */
		if (half == 64 || half == 128) {
			err = general_create(root, half, half + half / 2,
					     half / 2);
			half += half / 2;
		}
		if (err == 0)
			err = general_create(root,
					     size == KMEM_TABLE_STEP ? 0 : half,
					     size, MIN(size, PAGE_SIZE));
	}
	return err;
}

/* -- whole pages -------------------------------------------------------------------- */

__noinline void *
slab_large_alloc(struct slab_root *root, size_t size, gfp_t gfp)
{
	size_t nr_pages = size / PAGE_SIZE + (size % PAGE_SIZE != 0);
	struct page *page = env_pages_get(gfp, nr_pages);

	if (page == NULL)
		return NULL;
	page->kind = PAGE_BIG;
	page->nr = nr_pages;
	page->owner.cache = root->kmem;
	(void)atomic_add(&root->nr_large, (size_t)1);
	return env_page_address(page);
}

bool
slab_is_large(const struct slab_root *root, const struct page *page)
{
	return page->kind == PAGE_BIG && page->owner.cache == root->kmem;
}

struct page *
slab_large_find(const struct slab_root *root, const void *ptr)
{
	struct page *page = env_page_of(ptr);

	if (page == NULL || !slab_is_large(root, page) ||
	    env_page_address(page) != ptr)
		return NULL;
	return page;
}

__noinline void
slab_large_free(struct slab_root *root, void *ptr)
{
	struct page *page = slab_large_find(root, ptr);

	if (page == NULL) {
		kmem_report("free of a pointer that is not from here", ptr);
		return;
	}
	page->kind = PAGE_PLAIN;
	env_pages_put(page, page->nr);
	(void)atomic_sub(&root->nr_large, (size_t)1);
}
