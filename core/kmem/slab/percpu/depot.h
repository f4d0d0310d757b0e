/*
 * Sheaves and depots (depot.c). ../slab.h has the keys behind the fields; here also
 *   (s)  the shelf's lock
 */
#ifndef KMEM_SLAB_DEPOT_H
#define KMEM_SLAB_DEPOT_H

#include "layer.h"

/* What one CPU has put into a depot. */
struct shelf {
	struct spinlock lock;	    /* interrupts off */
	unsigned max;		    /* (s) sheaves that each list may have */
	struct kmem_sheaf *full;    /* (s) nr = capacity; the newest first */
	struct kmem_sheaf *empty;   /* (s) nr = 0 */
	unsigned nr_full, nr_empty; /* (s) others may look */
	/* (s) The least there were since the reaper's last visit. */
	unsigned least_full, least_empty;

	/* Statistics, (s): sheaves that came from CPUs or went there. */
	unsigned long full_in, full_out, empty_in, empty_out;
	unsigned long remote_in; /* of full_in: from another node's CPU */
	unsigned long fetched; /* by this CPU from others' shelves; others look */
	unsigned long refused;	  /* full ones for which there was no room */
	unsigned long given_back; /* taken apart by reaper or shrinking */
} __cacheline_aligned;

/* A cache's full and empty sheaves of one node's objects. */
struct depot {
	struct slab_root *root; /* (c) */
	unsigned capacity;   /* of each sheaf here; set by depot_tune alone */
	unsigned batchcount; /* likewise */
	struct shelf shelves[]; /* env_nr_cpus() of them */
};

/* The largest sheaf. */
#define SHEAF_BYTES_MAX 3968
#define SHEAF_LIMIT_MAX                                                        \
	((unsigned)((SHEAF_BYTES_MAX - sizeof(struct kmem_sheaf)) /            \
		    sizeof(void *)) -                                          \
	 1)

/* -- sheaves, depot.c ------------------------------------------------------ */

/* Makes the caches of sheaves. 0, or -E_NO_MEM and some are there. */
int sheaf_start(struct slab_root *root) __must_check;
/* Whether this is one of them. */
bool sheaf_is_sheaf_cache(const struct slab_cache *cache);
/* Whether it is a sheaf of ours, not one of the front's. */
bool sheaf_is_ours(const struct kmem_sheaf *sheaf);
/* An empty one that suits the depot, by preference of that node. Any context; NULL:
 * no memory (nothing is said, and no reserve is touched). */
struct kmem_sheaf *sheaf_alloc(const struct depot *depot, unsigned nodeid)
	__must_check;
/* It is empty. Any context, no lock of ours held. */
void sheaf_free(struct kmem_sheaf *sheaf);
/* Its objects, of this node, go back into slabs. Likewise. */
void sheaf_empty(struct slab_cache *cache, unsigned nodeid,
		 struct kmem_sheaf *sheaf);
/* Both, if there is one. */
void sheaf_dissolve(struct slab_cache *cache, unsigned nodeid,
		    struct kmem_sheaf *sheaf);
/* Bytes of a sheaf for so many objects. */
size_t sheaf_bytes(unsigned capacity);

/* -- depots ------------------------------------------------------------------------------ */

/* Bytes of a depot. */
size_t depot_bytes(void);
void depot_init(struct depot *depot, struct slab_root *root);
/* "Here": interrupts are off. */
/* Takes a full sheaf, from this CPU's shelf or, if it has none, from another one,
 * and leaves *empty there (if not NULL; what was taken is NULL afterwards). NULL:
 * there is none, and nothing has changed. Here. */
struct kmem_sheaf *depot_take_full(struct depot *depot,
				   struct kmem_sheaf **empty);
/* Takes an empty sheaf likewise (NULL: there is none), and leaves *full on this CPU's
 * shelf if there is room: *full is NULL afterwards. Here. */
struct kmem_sheaf *depot_take_empty(struct depot *depot,
				    struct kmem_sheaf **full, bool is_remote);
/* Leaves a full sheaf there; false: no room. Any context. */
bool depot_put_full(struct depot *depot, struct kmem_sheaf *sheaf);
/* Leaves an empty sheaf there, or frees it. Any context. */
void depot_put_empty(struct depot *depot, struct kmem_sheaf *sheaf);
void depot_tune(struct depot *depot, const struct slab_tunables *tunables);
/* The node's depot gives all back, its objects into slabs; or as many sheaves as
 * nobody has needed since the last call. A cache without depots: nothing. */
void depot_drain(struct slab_cache *cache, unsigned nodeid);
void depot_reap(struct slab_cache *cache, unsigned nodeid);

#endif /* KMEM_SLAB_DEPOT_H */
