/*
 * General caches, those of kmalloc, and whole pages for what is larger.
 */
#ifndef KMEM_SLAB_GENERAL_H
#define KMEM_SLAB_GENERAL_H

#include "cache.h"

/* Makes them all, smallest first. 0, or -E_NO_MEM and some are there. */
int slab_general_create(struct slab_root *root) __must_check;

/* log2, rounded up. */
static inline unsigned
slab_general_shift(size_t size)
{
	return (unsigned)(sizeof(long) * 8) -
	       (unsigned)__builtin_clzl((unsigned long)size - 1);
}

/* The cache for size <= KMEM_TABLE_MAX; it is there. */
static inline struct slab_cache *
slab_general_small(const struct kmem *kmem, size_t size)
{
	return slab_cache_of(kmem->table[(size - 1) / KMEM_TABLE_STEP]);
}

/* The cache for size <= KMEM_CACHE_SIZE_MAX; NULL: not made yet. */
static inline struct slab_cache *
slab_general(const struct kmem *kmem, size_t size)
{
	if (size > KMEM_TABLE_MAX)
		return slab_root_of(kmem)->general[slab_general_shift(size)];
	if (kmem->table[(size - 1) / KMEM_TABLE_STEP] == NULL)
		return NULL;
	return slab_general_small(kmem, size);
}

/* For the allocator's own use. NULL: no memory. */
static inline void *
slab_general_get(const struct kmem *kmem, size_t size, gfp_t gfp, unsigned node)
{
	return slab_own_get(slab_general(kmem, size), gfp, node);
}

/* -- larger than the largest ---------------------------------------------------- */

/* Whole pages. NULL: no memory. */
void *slab_large_alloc(struct slab_root *root, size_t size, gfp_t gfp)
	__must_check;
/* Of a pointer that is not such an object's, it is reported. */
void slab_large_free(struct slab_root *root, void *ptr);
/* The first page of the large object at ptr; NULL: there is none. */
struct page *slab_large_find(const struct slab_root *root, const void *ptr);
/* Whether this is the first page of one. */
bool slab_is_large(const struct slab_root *root, const struct page *page);

#endif /* KMEM_SLAB_GENERAL_H */
