/*
 * Lines of text, and the search for the cache that a person means (view.c).
 */
#ifndef KMEM_SLAB_VIEW_H
#define KMEM_SLAB_VIEW_H

#include <kernel/kmem_view.h>

#include "../slab.h"

/* Whether the slab allocator is the back end that serves. */
static inline bool
slab_serves(void)
{
	return kmem_backend_chosen() == &kmem_slab_ops;
}

/* -- text, line by line ------------------------------------------------------------- */

/* Where lines go. */
struct view {
	kmem_line_fn *fn;
	void *arg;
	size_t used; /* of line */
	char line[KMEM_VIEW_WIDTH + 1];
};

/* Adds to the line; what is beyond its width is cut off. */
void view_add(struct view *view, const char *format, ...) __printf(2, 3);
/* Fills with blanks up to the column. */
void view_column(struct view *view, size_t column);
/* The line is complete. */
void view_end(struct view *view);
/* A whole line. */
void view_line(struct view *view, const char *format, ...) __printf(2, 3);

/* Whether the slab allocator serves; else says so. */
bool view_slab_serves(struct view *view);
/* The cache of this name, pinned; else says which there are and returns NULL. */
struct slab_cache *view_find_cache(struct view *view, const char *name);

#endif /* KMEM_SLAB_VIEW_H */
