/*
 * Walks over caches that believe nothing.
 */
#ifndef KMEM_SLAB_VALIDATE_H
#define KMEM_SLAB_VALIDATE_H

#include "../slab.h"

/* Walks over everything, at a quiet moment; says what is wrong. */
bool slab_validate(struct slab_root *root);
bool slab_validate_cache(struct slab_cache *cache);
/* Objects that callers have: out of slabs and not in an array. */
size_t slab_validate_nr_live(struct slab_cache *cache);

#endif /* KMEM_SLAB_VALIDATE_H */
