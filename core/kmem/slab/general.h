/*
 * General caches, those of kmalloc, and whole pages for what is larger.
 */
#ifndef KMEM_SLAB_GENERAL_H
#define KMEM_SLAB_GENERAL_H

#include "cache.h"

#define SLAB_GENERAL_MIN_SHIFT 5
#define SLAB_GENERAL_MAX_SHIFT 22

/* By (size - 1) / KMEM_TABLE_STEP. NULL until it is made. */
extern struct kmem_cache *slab_general_small[KMEM_TABLE_NR];

/* Makes them all, smallest first. */
void slab_general_create(void);
/* The cache for size <= KMEM_CACHE_SIZE_MAX; NULL: not made yet. */
struct slab_cache *slab_general(size_t size);
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
