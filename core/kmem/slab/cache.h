/*
 * Caches: their beginning and end, and the allocator's own objects.
 */
#ifndef KMEM_SLAB_CACHE_H
#define KMEM_SLAB_CACHE_H

#include "slab.h"

/* Makes a root, whose kmem, layer and settings are set, an allocator. 0, or -E_NO_MEM and
 * every page is back. May sleep. */
int slab_start(struct slab_root *root) __must_check;
/* Whether objects are out that are not the allocator's own. May sleep. */
bool slab_is_used(struct slab_root *root);
/* Every page goes back; no object is out but the allocator's own. Named caches have
 * ended. May sleep. */
void slab_stop(struct slab_root *root);

/* An object for the allocator's own use, of that node if possible: a failpoint. It
 * goes back past all arrays, so that no trace of it is left near a CPU. */
void *slab_own_get(struct slab_cache *cache, gfp_t gfp, unsigned node)
	__must_check;
void slab_own_put(void *object);
/* Any object goes back that way. */
void slab_put_back(void *object);
/* NULL: no memory, or there is one of this name. */
struct slab_cache *slab_create(const struct kmem_cache *wanted);
/* During slab_start: without arrays. 0, or -E_NO_MEM. */
int slab_create_early(struct slab_root *root, const char *name, size_t size,
		      size_t align, unsigned flags, struct slab_cache **cache)
	__must_check;
/* 0, or -E_BUSY with *nr_live objects out. May sleep. */
int slab_destroy(struct slab_cache *cache, size_t *nr_live);

/* The layout that these flags ask for. false: no slab can hold such objects. */
bool slab_set_layout(struct slab_cache *cache, unsigned flags, bool may_be_off)
	__must_check;

#endif /* KMEM_SLAB_CACHE_H */
