/*
 * Caches: their beginning and end, and the allocator's own objects.
 */
#ifndef KMEM_SLAB_CACHE_H
#define KMEM_SLAB_CACHE_H

#include "slab.h"

/* The layer that serves. */
extern const struct slab_layer *slab_layer;

/* The caches that are there before there are caches. */
extern struct slab_cache slab_cache_cache, slab_node_cache;
/* Counters of caches without parts of their own. */
extern struct slab_stats slab_boot_stats[MAX_CPUS];

/* Makes the first caches, for a layer. closed: why the front's stacks of all caches are
 * to be closed, enum slab_closed. */
void slab_start(const struct slab_layer *layer, unsigned closed);
/* An object for the allocator's own use, of that node if possible: a failpoint. It
 * goes back past all arrays, so that no trace of it is left near a CPU. */
void *slab_own_get(struct slab_cache *cache, gfp_t gfp, unsigned node)
	__must_check;
void slab_own_put(void *object);
/* NULL: no memory, or there is one of this name. */
struct slab_cache *slab_create(const struct kmem_cache *wanted);
/* During slab_start: without arrays, and failure is a panic. *cache is set
 * before the cache is used. */
void slab_create_early(const struct kmem_cache *wanted,
		       struct slab_cache **cache);
/* 0, or -E_BUSY with *nr_live objects out. May sleep. */
int slab_destroy(struct slab_cache *cache, size_t *nr_live);

/* The layout that these flags ask for. false: no slab can hold such objects. */
bool slab_set_layout(struct slab_cache *cache, unsigned flags, bool may_be_off)
	__must_check;

#endif /* KMEM_SLAB_CACHE_H */
