/*
 * Types of the slab allocator: slabs, caches, and what a cache has on a memory node.
 * cache.c has the theory.
 *
 * Keys behind the fields:
 *   (c)  constant from the cache's creation to its end
 *   (f)  changes only while the cache has no slab and makes none (slab_freeze,
 *	  debug/switch.c): so whoever holds one of its slabs or objects may read it
 *   (i)  only the CPU that it belongs to, interrupts off
 *   (n)  the lock of the node's lists
 *   (l)  chain_lock
 */
#ifndef KMEM_SLAB_H
#define KMEM_SLAB_H

#include <kernel/inject.h>

#include "../front.h"
#include "layout.h"

/* -- a slab: some pages, full of objects of one cache ------------------------- */

/* An entry of the list of free objects: the index of the next one. */
typedef uint8_t kmem_bufctl_t;
#define BUFCTL_END ((kmem_bufctl_t)0xff) /* the list ends */
#define BUFCTL_OUT ((kmem_bufctl_t)0xfe) /* this object is out of the slab */
#define SLAB_NUM_MAX 0xfeu		 /* objects of one slab */
/* Objects are at least as large, so that a page has no more of them. */
#define SLAB_SIZE_MIN (PAGE_SIZE / 256)

struct slab {
	struct list link;	/* (n) in one of its node's three lists */
	unsigned char *s_mem;	/* (c) the first object */
	unsigned colouroff;	/* (c) bytes before descriptor or objects */
	uint16_t nodeid;	/* (c) */
	kmem_bufctl_t inuse;	/* (n) objects that are out */
	kmem_bufctl_t free;	/* (n) the first free object, or BUFCTL_END */
	kmem_bufctl_t bufctl[]; /* (n) one for each object */
};

/* -- the parts of a cache ---------------------------------------------------- */

/* A cache's slabs on one memory node. */
struct kmem_cache_node {
	struct spinlock lock;	   /* interrupts off */
	struct list slabs_partial; /* (n) some objects out */
	struct list slabs_full;	   /* (n) all */
	struct list slabs_free;	   /* (n) none */
	size_t nr_slabs;	   /* (n) in the three lists */
	size_t nr_free_slabs;	   /* (n) in slabs_free */
	size_t nr_leaving;    /* (n) in none; their pages are on the way back */
	size_t free_objects;  /* (n) in slabs, not in arrays */
	size_t free_limit;    /* (n) more: free slabs go back */
	unsigned colour_next; /* (n) of the next slab */
	bool free_touched;    /* (n) a free slab was taken in use */
	struct list retired;  /* (n) first pages of damaged slabs */
	size_t retired_out;   /* (n) objects of theirs that are out */
	unsigned long next_reap; /* (n) in ticks */
	/* The layer's part, shared by the node's CPUs. */
	struct shared_array *shared; /* (n) array; NULL: none */
	struct alien_cache *
		alien[MAX_NODES]; /* (c) once attached. array; by home, or NULL */
	struct depot *depot;	  /* (c) once attached. sheaf; NULL: none */

	/* Statistics, (n). */
	size_t high;		 /* most objects ever out of slabs */
	size_t max_free;	 /* most objects ever free in slabs */
	unsigned long grown;	 /* slabs made */
	unsigned long reaped;	 /* slabs given back */
	unsigned long nr_errors; /* objects freed that were not out */
	unsigned long taken;	 /* objects that came out of slabs */
	unsigned long put;	 /* objects that went back into slabs */
	unsigned long batches;	 /* array: copied to and from `shared` */
} __cacheline_aligned;

/* What happened on one CPU. (i); others read. */
struct slab_stats {
	/* Hits that went through the front's fast path are not counted. */
	unsigned long alloc_hit, alloc_miss;
	unsigned long free_hit, free_miss;
	unsigned long node_allocs;    /* from another node than the CPU's */
	unsigned long node_frees;     /* to another node */
	unsigned long alien_overflow; /* alien arrays that were full */
	unsigned long no_memory;      /* allocations that failed */
} __cacheline_aligned;

#define slab_count(counter) atomic_store_relaxed(&(counter), (counter) + 1)

/* What the three mean is the layer's to say; so they are called in slabinfo. */
struct slab_tunables {
	unsigned limit;	     /* objects of a CPU's array, or of a sheaf */
	unsigned batchcount; /* how many come out of slabs at once */
	unsigned shared;     /* array: batches in the shared array; sheaf: full
			      * sheaves on a CPU's shelf */
};

struct slab_cache {
	struct kmem_cache base;		/* front.h has its keys */
	struct slab_cpu *cpu[MAX_CPUS]; /* (i); NULL: not attached yet */
	const struct slab_layer *layer; /* (c) between CPUs and slabs */
	struct slab_root *root;		/* (c) of the instance */

	/* Slabs and objects, (f). */
	struct slab_layout layout;
	uint32_t reciprocal;		/* index = offset * reciprocal / 2^32 */
	struct slab_cache *slabp_cache; /* of off-slab descriptors */

	/* Debugging. */
	unsigned debug; /* enum slab_flags in force; atomic */
	struct slab_cpu *parked[MAX_CPUS]; /* cpu[], while debug is not 0 */
	unsigned nr_growing;		   /* threads in cache_grow; atomic */
	bool is_frozen;			   /* it is not to grow; atomic */

	size_t nr_own; /* objects that the allocator has for itself; atomic */
	struct kmem_cache_node
		*node[MAX_NODES]; /* (c) of the nodes that there are */
	struct slab_stats *
		stats; /* one for each CPU; set when it is attached, (c) then */
	struct slab_tunables tunables; /* (l) */
	unsigned closed; /* (l) why the front's stacks are: enum slab_closed */

	struct list chain; /* (l) all caches */
	unsigned nr_pins;  /* (l) walkers that stand here */
	bool is_dying;	   /* (l) walkers pass over it */
	bool is_tuned;	   /* (l) someone is at it */
};

/* -- an instance --------------------------------------------------------------------- */

/* What failslab wants to fail (fail.c). */
struct slab_fail {
	struct inject_attr attr;
	struct spinlock lock;
	char cache[KMEM_NAME_LEN + 1]; /* under lock; "": all */
	long internal;		       /* the allocator's own objects, too */
};

/* General caches have 2^5 to 2^22 bytes. */
#define SLAB_GENERAL_MIN_SHIFT 5
#define SLAB_GENERAL_MAX_SHIFT 22

/* Sizes of sheaves, and characters of slab_debug=. */
#define SLAB_NR_SHEAF_CACHES 7
#define SLAB_DEBUG_SETTING_MAX 256

/* All that an instance's slab allocator has. Constant from its start to its end, but for
 * what has locks of its own. */
struct slab_root {
	struct kmem *kmem;
	const struct slab_layer *layer; /* between CPUs and slabs */
	unsigned closed; /* why new caches' stacks are: enum slab_closed */
	bool is_coloured;
	char debug[SLAB_DEBUG_SETTING_MAX]; /* slab_debug= of new caches */
	struct slab_fail fail;

	struct spinlock chain_lock;
	struct list chain; /* (l) all caches */

	/* General caches by rounded-up log2; kmem->table has the small ones. NULL
	 * until they are made. */
	struct slab_cache *general[SLAB_GENERAL_MAX_SHIFT + 1];
	struct slab_cache *sheaves[SLAB_NR_SHEAF_CACHES]; /* layer sheaf */
	size_t nr_large; /* objects of whole pages; atomic */

	/* The caches that are there before there are caches. */
	struct slab_cache cache_cache, node_cache;
	struct kmem_cache_node cache_cache_nodes[MAX_NODES];
	struct kmem_cache_node node_cache_nodes[MAX_NODES];
	/* Counters of caches without parts of their own. */
	struct slab_stats boot_stats[MAX_CPUS];
};

/* The kernel's (cache.c). */
extern struct slab_root slab_kernel_root;

static inline struct slab_root *
slab_root_of(const struct kmem *kmem)
{
	return kmem->state;
}

static inline struct slab_cache *
slab_cache_of(struct kmem_cache *base)
{
	return container_of(base, struct slab_cache, base);
}

/* Which object of its slab this is, or is inside of. */
static inline unsigned
slab_index(const struct slab_cache *cache, const struct slab *slab,
	   const void *object)
{
	size_t offset = (size_t)((const unsigned char *)object - slab->s_mem);

	return (unsigned)((uint64_t)offset * cache->reciprocal >> 32);
}

/* Where its first page begins. */
static inline unsigned char *
slab_base(const struct slab_cache *cache, const struct slab *slab)
{
	const struct slab_layout *layout = &cache->layout;

	return slab->s_mem - slab->colouroff -
	       (layout->off_slab ? 0 : layout->slab_size);
}

#endif /* KMEM_SLAB_H */
