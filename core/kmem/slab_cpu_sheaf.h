/*
 * What cpu=sheaf keeps. slab_cpu_sheaf.c has the theory, slab.h the keys behind
 * the fields; here also
 *   (d)  the depot's lock
 *   (o)  whoever holds the sheaf: a CPU, (i); a depot, (d); or a caller
 */
#ifndef KMEM_SLAB_CPU_SHEAF_H
#define KMEM_SLAB_CPU_SHEAF_H

#include "slab.h"

/* A CPU's, (i). If nothing is loaded there is no previous one either. */
struct sheaf_cpu {
	struct slab_cpu cpu;	   /* its stack is the loaded sheaf's inside */
	struct kmem_sheaf *loaded; /* NULL: none; its nr is not true */
	struct kmem_sheaf *previous; /* full or empty; NULL: none */
	struct depot *depot;	     /* (c) of this CPU's node */
	unsigned long swaps;	     /* of these two; others read */
	void *none[1];		     /* the stack while nothing is loaded */
	struct kmem_sheaf *remote[MAX_NODES]; /* on their way home; or NULL */
};

static inline struct sheaf_cpu *
sheaf_cpu_of(struct slab_cpu *cpu)
{
	return container_of(cpu, struct sheaf_cpu, cpu);
}

/* Before the stack leaves the loaded sheaf: its nr becomes true. */
static inline struct kmem_sheaf *
sheaf_unload(struct sheaf_cpu *sc)
{
	if (sc->loaded != NULL)
		sc->loaded->nr = slab_cpu_avail(&sc->cpu);
	return sc->loaded;
}

/* A cache's full and empty sheaves on one node. */
struct depot {
	struct spinlock lock;	  /* interrupts off */
	unsigned capacity;	  /* (d) of each sheaf here; others may look */
	unsigned batchcount;	  /* (d) others may look */
	unsigned max;		  /* (d) sheaves that each list may have */
	struct kmem_sheaf *full;  /* (d) nr = capacity; the newest first */
	struct kmem_sheaf *empty; /* (d) nr = 0 */
	unsigned nr_full, nr_empty; /* (d) */
	/* (d) The least there were since the reaper's last visit. */
	unsigned least_full, least_empty;

	/* Statistics, (d): sheaves that came from CPUs or went there. */
	unsigned long full_in, full_out, empty_in, empty_out;
	unsigned long remote_in;  /* of full_in: from another node's CPU */
	unsigned long refused;	  /* full ones for which there was no room */
	unsigned long given_back; /* taken apart by reaper or shrinking */
} __cacheline_aligned;

/* The largest sheaf. */
#define SHEAF_BYTES_MAX 3968
#define SHEAF_LIMIT_MAX                                                        \
	((unsigned)((SHEAF_BYTES_MAX - sizeof(struct kmem_sheaf)) /            \
		    sizeof(void *)) -                                          \
	 1)

/* -- sheaves, slab_sheaf_depot.c ------------------------------------------------------ */

/* Makes the caches of sheaves. */
void sheaf_start(void);
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

void depot_init(struct depot *depot);
/* Takes a full sheaf, and leaves *empty there (if not NULL; what was taken is NULL
 * afterwards). NULL: there is none, and nothing has changed. */
struct kmem_sheaf *depot_take_full(struct depot *depot,
				   struct kmem_sheaf **empty)
	EXCLUDES(depot->lock);
/* Takes an empty sheaf (NULL: there is none), and leaves *full there if there is
 * room: *full is NULL afterwards. */
struct kmem_sheaf *depot_take_empty(struct depot *depot,
				    struct kmem_sheaf **full, bool is_remote)
	EXCLUDES(depot->lock);
/* Leaves a full sheaf there; false: no room. */
bool depot_put_full(struct depot *depot, struct kmem_sheaf *sheaf)
	EXCLUDES(depot->lock);
/* Leaves an empty sheaf there, or frees it. */
void depot_put_empty(struct depot *depot, struct kmem_sheaf *sheaf)
	EXCLUDES(depot->lock);
void depot_tune(struct depot *depot, const struct slab_tunables *tunables)
	EXCLUDES(depot->lock);
/* The node's depot gives all back, its objects into slabs; or as many sheaves as
 * nobody has needed since the last call. A cache without depots: nothing. */
void depot_drain(struct slab_cache *cache, unsigned nodeid);
void depot_reap(struct slab_cache *cache, unsigned nodeid);

/* -- functions of the layer, elsewhere (struct slab_cpu_layer says what they do) ------------ */

/* slab_sheaf_lend.c */
struct kmem_sheaf *sheaf_lend(struct slab_cache *cache, unsigned nr);
bool sheaf_take_back(struct slab_cache *cache, struct kmem_sheaf *sheaf);
/* slab_sheaf_view.c */
void sheaf_visit_cpu(struct slab_cache *cache, struct slab_cpu *cpu,
		     slab_visit_fn *fn, void *arg);
void sheaf_visit_nodes(struct slab_cache *cache, slab_visit_fn *fn, void *arg);
void sheaf_forget(struct slab_cache *cache);
size_t sheaf_nr_shared(struct slab_cache *cache);
void sheaf_describe(struct slab_cache *cache,
		    void (*line)(const char *text, void *arg), void *arg);

#endif /* KMEM_SLAB_CPU_SHEAF_H */
