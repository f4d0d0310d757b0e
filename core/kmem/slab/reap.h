/*
 * Giving back: what lies unused in the layer and in free slabs.
 */
#ifndef KMEM_SLAB_REAP_H
#define KMEM_SLAB_REAP_H

#include "slab.h"

/* This CPU's turn. */
void slab_reap(struct slab_root *root);
/* Whether it is time, and this CPU's task, to look through what this node holds: each
 * time for one of its CPUs; CPU 0 if it has none. */
bool slab_reap_due(struct slab_cache *cache, unsigned nodeid,
		   unsigned long now);
/* If no free slab of the node was taken in use since the last call, gives some
 * back. */
void slab_reap_slabs(struct slab_cache *cache, unsigned nodeid);
/* How many objects a CPU or node gives back that nobody took from: a part of its
 * limit; if it has less, half of that. */
unsigned slab_reap_count(unsigned avail, unsigned limit);
/* All that is wholly free, of one cache, of all; returns pages freed. */
size_t slab_shrink(struct slab_cache *cache);
size_t slab_shrink_all(struct slab_root *root);
/* This cache's objects in arrays back into slabs, as far as the context
 * allows (other CPUs can be asked only where the caller may sleep). */
void slab_drain(struct slab_cache *cache);

#endif /* KMEM_SLAB_REAP_H */
