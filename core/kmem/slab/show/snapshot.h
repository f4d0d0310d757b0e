/*
 * A cache as it was a moment ago (snapshot.c): what draw.c and colours.c show.
 */
#ifndef KMEM_SLAB_SNAPSHOT_H
#define KMEM_SLAB_SNAPSHOT_H

#include "../slab.h"

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

#endif /* KMEM_SLAB_SNAPSHOT_H */
