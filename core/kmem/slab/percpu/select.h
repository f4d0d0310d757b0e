/*
 * What `cpu=` and `fast=` chose.
 */
#ifndef KMEM_SLAB_SELECT_H
#define KMEM_SLAB_SELECT_H

#include "layer.h"

const struct slab_layer *percpu_layer_chosen(void);
/* Why the stacks of new caches are closed: enum slab_closed. */
unsigned percpu_closed_chosen(void);

#endif /* KMEM_SLAB_SELECT_H */
