/*
 * General caches, those of kmalloc, and whole pages for what is larger.
 */
#ifndef KMEM_SLAB_GENERAL_H
#define KMEM_SLAB_GENERAL_H

#include "cache.h"

#define SLAB_GENERAL_MIN_SHIFT 5
#define SLAB_GENERAL_MAX_SHIFT 22

/* By (size - 1) / KMEM_TABLE_STEP, and by rounded-up log2. NULL until it is made. */
extern struct kmem_cache *slab_general_small[KMEM_TABLE_NR];
extern struct slab_cache *slab_general_by_shift[SLAB_GENERAL_MAX_SHIFT + 1];

/* Makes them all, smallest first. */
void slab_general_create(void);
static inline unsigned
slab_general_shift(size_t size)
{
	return (unsigned)(sizeof(long) * 8) -
	       (unsigned)__builtin_clzl((unsigned long)size - 1);
}

/* The cache for size <= KMEM_CACHE_SIZE_MAX; NULL: not made yet. */
static inline struct slab_cache *
slab_general(size_t size)
{
	struct kmem_cache *cache;

	if (size > KMEM_TABLE_MAX)
		return slab_general_by_shift[slab_general_shift(size)];
	cache = slab_general_small[(size - 1) / KMEM_TABLE_STEP];
	return cache != NULL ? slab_cache_of(cache) : NULL;
}

static inline void *
slab_general_get(size_t size, gfp_t gfp, unsigned node)
{
	return slab_own_get(slab_general(size), gfp, node);
}

/* -- larger than the largest ---------------------------------------------------- */

/* Whole pages. NULL: no memory. */
void *slab_large_alloc(size_t size, gfp_t gfp) __must_check;
/* Of a pointer that is not such an object's, it is reported. */
void slab_large_free(void *ptr);
/* The first page of the large object at ptr; NULL: there is none. */
struct page *slab_large_find(const void *ptr);
/* Whether this is the first page of one. */
bool slab_is_large(const struct page *page);

#endif /* KMEM_SLAB_GENERAL_H */
