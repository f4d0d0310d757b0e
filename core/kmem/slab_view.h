/*
 * A cache as it was a moment ago: what slab_draw.c and slab_colours.c show.
 */
#ifndef KMEM_SLAB_VIEW_H
#define KMEM_SLAB_VIEW_H

#include "slab.h"

#include <kernel/kmem_view.h>

/* What an object does, as the character that draws it. An object in CPU n's array
 * is the hexadecimal digit n. */
#define SEEN_FREE '.' /* free in its slab */
#define SEEN_NODE 's' /* in what a node's CPUs share, or on its way home */
#define SEEN_OUT '#'  /* with a caller */

/* A node's lists, in the order in which they are shown. */
enum seen_list {
	SEEN_PARTIAL,
	SEEN_FULL,
	SEEN_EMPTY,
	NR_SEEN_LISTS
};

/* Index lists are kept up to here. */
#define SEEN_CHAIN_MAX 64

struct seen_slab {
	uintptr_t s_mem; /* addresses only: the slab may be gone */
	uintptr_t base;
	unsigned colouroff;
	unsigned inuse;
	unsigned nr_chain; /* entries of chain */
	kmem_bufctl_t chain[SEEN_CHAIN_MAX];
	char *objects; /* SEEN_..., one for each */
};

struct seen_node {
	size_t nr_slabs, nr_free_slabs, free_objects, free_limit;
	unsigned nr_seen[NR_SEEN_LISTS];
	bool is_whole[NR_SEEN_LISTS]; /* all of this list was seen */
	struct seen_slab *slabs[NR_SEEN_LISTS];
	size_t nr_held; /* objects of this node in shared and alien arrays */
};

struct seen_cpu {
	unsigned avail, limit; /* of the stack that the front uses */
	unsigned nr_held;      /* there, and in what else the layer gave it */
	uintptr_t top;	       /* goes out next, if avail > 0 */
};

struct slab_snapshot {
	struct slab_cache *cache;
	size_t nr_pages;    /* of this structure and all that it leads to */
	unsigned max_slabs; /* of each list */
	struct slab_tunables tunables;
	struct seen_node node[MAX_NODES];
	struct seen_cpu cpu[MAX_CPUS];
	unsigned nr_slabs;
	struct seen_slab *slabs[]; /* by address */
};

/*
 * Copies what there is to see of a cache that the caller has pinned; the first
 * max_slabs slabs of each list. Node by node and CPU by CPU, while the kernel runs. NULL: no
 * memory. May sleep; the caller frees it.
 */
struct slab_snapshot *slab_snapshot_take(struct slab_cache *cache,
					 unsigned max_slabs) __must_check;
void slab_snapshot_free(struct slab_snapshot *snapshot);
/* The slab that contains the address; NULL: none of those seen. */
struct seen_slab *slab_snapshot_find(const struct slab_snapshot *snapshot,
				     uintptr_t address);

/* Whether the slab allocator is the back end that serves. */
static inline bool
slab_serves(void)
{
	return kmem_backend_chosen() == &kmem_slab_ops;
}

/* What happened on all CPUs to all caches (slabinfo.c). */
struct slab_stats slab_stats_total(void);

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
