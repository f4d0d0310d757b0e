/*
 * Objects of a cache, where the front's stack did not serve.
 */
#ifndef KMEM_SLAB_OBJECTS_H
#define KMEM_SLAB_OBJECTS_H

#include "slab.h"

/* Any context. NULL: no memory (said, unless gfp forbids it). */
void *slab_alloc(struct slab_cache *cache, gfp_t gfp) __must_check;
void *slab_alloc_node(struct slab_cache *cache, gfp_t gfp, unsigned nodeid)
	__must_check;
/* Past all that CPUs have, without a word, and nothing is drained for it: for
 * the parts of a layer. */
void *slab_alloc_bare(struct slab_cache *cache, gfp_t gfp, unsigned nodeid)
	__must_check;
/* All of nr objects, or none. */
bool slab_alloc_bulk(struct slab_cache *cache, gfp_t gfp, size_t nr,
		     void *objects[]) __must_check;
void slab_free(struct slab_cache *cache, void *object);
void slab_free_bulk(struct slab_cache *cache, size_t nr, void *objects[]);

#endif /* KMEM_SLAB_OBJECTS_H */
