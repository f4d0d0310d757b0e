/*
 * Slabs of a node: objects out of them and back, growing, giving pages back.
 */
#ifndef KMEM_SLAB_SLABS_H
#define KMEM_SLAB_SLABS_H

#include "slab.h"

void slab_node_init(struct kmem_cache_node *node);
/* Whether ptr is the beginning of an object of this cache. */
bool slab_is_object(const struct slab_cache *cache, const void *ptr);
/* The slab that slab_take would take from; NULL: no object is free. */
struct slab *slab_next_to_take(struct kmem_cache_node *node)
	REQUIRES(node->lock);
/*
 * Takes up to nr objects out of slabs, partial ones first; returns how many.
 */
unsigned slab_take(struct slab_cache *cache, struct kmem_cache_node *node,
		   void *objects[], unsigned nr) REQUIRES(node->lock);
/*
 * Puts objects of this node back into their slabs. Slabs that are free now and
 * more than the node may keep are moved to *surplus, for slabs_destroy.
 */
void free_block(struct slab_cache *cache, struct kmem_cache_node *node,
		void *const objects[], unsigned nr, struct list *surplus)
	REQUIRES(node->lock);
/* The same with all that belongs to it. Any context. */
void slab_put(struct slab_cache *cache, unsigned node, void *const objects[],
	      unsigned nr);
/* Gives the pages of these slabs back, its objects destructed. No lock of ours
 * held; any context, but see drain_freelist. */
size_t slabs_destroy(struct slab_cache *cache, struct list *slabs);
/*
 * Makes a slab, of memory of `node` if there is any, or (gfp) elsewhere.
 * Returns the node that has it now, or -E_NO_MEM. Sleeps if gfp says so.
 */
int cache_grow(struct slab_cache *cache, gfp_t gfp, unsigned node) __must_check;
/* Gives back up to nr free slabs of a node; returns how many pages. None of a
 * cache with a destructor, unless the caller may sleep. */
size_t drain_freelist(struct slab_cache *cache, unsigned node, size_t nr);
/* Objects that are out of slabs, of all nodes. */
size_t slab_nr_out(struct slab_cache *cache);
/* No slab is made from now on, and none is being made; or again. Who wants one
 * meanwhile waits, or gets none. May sleep. */
void slab_freeze(struct slab_cache *cache);
void slab_thaw(struct slab_cache *cache);

#endif /* KMEM_SLAB_SLABS_H */
