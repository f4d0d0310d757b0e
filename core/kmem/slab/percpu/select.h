/*
 * What `cpu=` and `fast=` choose.
 */
#ifndef KMEM_SLAB_SELECT_H
#define KMEM_SLAB_SELECT_H

#include "layer.h"

/* The layer of this name, or (NULL) the chosen one; NULL: there is none. */
const struct slab_layer *percpu_layer_named(const char *name);
/* Why the stacks of new caches are closed (enum slab_closed), if `fast=` has this value, or
 * (NULL) as it is set. 0, or -E_INVAL: there is no such value. */
int percpu_closed_named(const char *name, unsigned *closed) __must_check;

#endif /* KMEM_SLAB_SELECT_H */
