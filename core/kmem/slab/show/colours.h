/*
 * Where objects fall in a processor's cache (colours.c).
 */
#ifndef KMEM_SLAB_COLOURS_H
#define KMEM_SLAB_COLOURS_H

#include "view.h"

/* Columns of a picture. */
#define COLOURS_COLUMNS 64

/* How many slabs have an object in each set of a cache of this way size. */
struct colours {
	size_t way_size;
	unsigned nr_slabs;
	unsigned count[COLOURS_COLUMNS];
};

void slab_colours_add(struct colours *colours, uintptr_t address);
void slab_colours_draw(struct view *view, const struct colours *colours,
		       const char *what);
/* What the pictures that follow are about, and the cache's layout. */
void slab_colours_heading(struct view *view, size_t way_size);
void slab_colours_layout(struct view *view, const struct slab_layout *layout);

#endif /* KMEM_SLAB_COLOURS_H */
