/*
 * Inside of the slab allocator. slab.c has the theory.
 *
 * Keys behind the fields:
 *   (c)  constant from the cache's creation to its end
 *   (i)  only the CPU that it belongs to, interrupts off
 *   (n)  the lock of the node's lists
 *   (l)  chain_lock
 */
#ifndef KMEM_SLAB_H
#define KMEM_SLAB_H

#include <kernel/inject.h>

#include "internal.h"

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

/* What an object of a general cache was asked for as, behind the index list: with Z. */
typedef uint32_t slab_asked_t;

/* Who had an object, when: with U. */
#define SLAB_TRACK_DEPTH 12
struct slab_track {
	uintptr_t pcs[SLAB_TRACK_DEPTH]; /* newest first, 0 at the end */
	unsigned long when;		 /* in ticks */
	int pid;			 /* -1: nobody yet */
	unsigned cpu;
	char name[16]; /* of the thread */
};

/* One for each object, behind these, (n). */
struct slab_note {
	struct slab_track alloc, free;
	size_t checksum; /* of a free object that is constructed: with P */
};

/* How objects of a size lie in slabs; slab_layout.c. */
struct slab_layout {
	size_t size;	     /* from one object to the next */
	size_t align;	     /* of each object */
	size_t slab_size;    /* descriptor and index list */
	size_t left_over;    /* bytes of a slab that nothing needs */
	unsigned num;	     /* objects of a slab */
	unsigned order;	     /* a slab has 2^order pages */
	unsigned nr_colours; /* offsets that slabs take in turn */
	unsigned colour_off; /* from one of them to the next */
	size_t red_size;     /* of each red zone, before and behind objects */
	size_t asked_size;   /* of the number that says what an object was
			      * asked for as (slab_debug.h); 0: none */
	size_t note_size;    /* of an object's struct slab_note; 0: none */
	bool off_slab;	     /* the descriptor is an object elsewhere */
};

/* A red zone has at least so many bytes. */
#define SLAB_RED_SIZE 16

/* A slab never has more pages; objects of KMEM_CACHE_SIZE_MAX need as many. */
#define SLAB_ORDER_MAX 10
/* Slabs of several objects have no more than 2^this pages; on machines with
 * less memory than SLAB_SMALL_MACHINE, 2^0. */
#define SLAB_ORDER_HIGH 1
#define SLAB_ORDER_LOW 0
#define SLAB_SMALL_MACHINE ((size_t)32 << 20)
/* A slab may waste one part in so many. */
#define SLAB_WASTE_FRACTION 8
/* A flag of the allocator's own, beside enum slab_flags: all slabs of this cache begin
 * alike. For comparisons. */
#define SLAB_NO_COLOURS (1u << 16)
/* Another one: descriptors lie on their slabs, so that growing takes no other object. */
#define SLAB_ON_SLAB (1u << 17)
/* And another: a cache of kmalloc's, whose callers may ask for less than an object. */
#define SLAB_GENERAL (1u << 18)
/* From this size on, descriptors are kept off the slab. */
#define SLAB_OFF_MIN (PAGE_SIZE / 8)

/*
 * The layout for objects of object_size bytes, aligned to `align` (a power of
 * two up to a page; flags may ask for more). order_high: see SLAB_ORDER_HIGH.
 * may_be_off: whether a descriptor may lie elsewhere. false: no slab up to
 * SLAB_ORDER_MAX can hold such an object.
 */
bool slab_layout_choose(struct slab_layout *layout, size_t object_size,
			size_t align, unsigned flags, unsigned order_high,
			bool may_be_off) __must_check;

/* -- the parts of a cache ---------------------------------------------------- */

/*
 * What a CPU has of a cache, (i): the stack of free objects that the front uses;
 * a layer's own structure begins with it. bottom[0] is NULL, the objects lie
 * from bottom[1] to *stack.top, and there is room up to *last. (stack.end is
 * last, or NULL where frees have to be looked at first: slab_cpu.c.)
 */
struct slab_cpu {
	struct cpu_stack stack;
	void **bottom;
	void **last;
	bool touched; /* since the last reaping */
};

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
	struct shared_array *shared;	      /* (n) array; NULL: none */
	struct alien_cache *alien[MAX_NODES]; /* (c) array; by home, or NULL */
	struct depot *depot;		      /* (c) sheaf; NULL: none */

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
	struct kmem_cache base;		/* (c) */
	struct slab_cpu *cpu[MAX_CPUS]; /* (i); NULL: not attached yet */

	/* Slabs and objects, (c). */
	struct slab_layout layout;
	uint32_t reciprocal;		/* index = offset * reciprocal / 2^32 */
	struct slab_cache *slabp_cache; /* of off-slab descriptors */

	/* Debugging. */
	unsigned debug; /* enum slab_flags in force; atomic */
	struct slab_cpu *parked[MAX_CPUS]; /* cpu[], while debug is not 0 */
	unsigned nr_growing;		   /* threads in cache_grow; atomic */
	bool is_frozen;			   /* it is not to grow; atomic */

	struct kmem_cache_node *node[MAX_NODES]; /* (c) nr_page_nodes of them */
	struct slab_stats *stats;		 /* (c) one for each CPU */
	struct slab_tunables tunables;		 /* (l) */
	unsigned closed; /* (l) why the front's stacks are: enum slab_closed */

	struct list chain; /* (l) all caches */
	unsigned nr_pins;  /* (l) walkers that stand here */
	bool is_dying;	   /* (l) walkers pass over it */
	bool is_tuned;	   /* (l) someone is at it */
};

static inline struct slab_cache *
slab_cache_of(struct kmem_cache *base)
{
	return container_of(base, struct slab_cache, base);
}

/* The page of an object; NULL: the address is no memory's. */
static inline struct page *
slab_page_of(const void *object)
{
	return phys_to_page(arch_virt_to_phys(object));
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

/* -- slab_list.c: slabs of a node ------------------------------------------------- */

void slab_node_init(struct kmem_cache_node *node);
/* The slab that slab_take would take from; NULL: no object is free. */
struct slab *slab_next_to_take(struct kmem_cache_node *node)
	REQUIRES(node->lock);
/*
 * Takes up to nr objects out of slabs, partial ones first; returns how many.
 */
unsigned slab_take(struct slab_cache *cache, struct kmem_cache_node *node,
		   void *objects[], unsigned nr) REQUIRES(node->lock);
/*
 * Puts objects of this node back into their slabs. Slabs that are free now and
 * more than the node may keep are moved to *surplus, for slabs_destroy.
 */
void free_block(struct slab_cache *cache, struct kmem_cache_node *node,
		void *const objects[], unsigned nr, struct list *surplus)
	REQUIRES(node->lock);
/* The same with all that belongs to it. Any context. */
void slab_put(struct slab_cache *cache, unsigned node, void *const objects[],
	      unsigned nr);
/* Gives the pages of these slabs back, its objects destructed. No lock of ours
 * held; any context, but see drain_freelist. */
size_t slabs_destroy(struct slab_cache *cache, struct list *slabs);
/*
 * Makes a slab, of memory of `node` if there is any, or (gfp) elsewhere.
 * Returns the node that has it now, or -E_NO_MEM. Sleeps if gfp says so.
 */
int cache_grow(struct slab_cache *cache, gfp_t gfp, unsigned node) __must_check;
/* Gives back up to nr free slabs of a node; returns how many pages. None of a
 * cache with a destructor, unless the caller may sleep. */
size_t drain_freelist(struct slab_cache *cache, unsigned node, size_t nr);
/* Objects that are out of slabs, of all nodes. */
size_t slab_nr_out(struct slab_cache *cache);
/* No slab is made from now on, and none is being made; or again. Who wants one
 * meanwhile waits, or gets none. May sleep. */
void slab_freeze(struct slab_cache *cache);
void slab_thaw(struct slab_cache *cache);

/* -- slab_cpu.c: a CPU's part, and the layers to choose from -------------------------- */

/* Calls fn for each object that a layer holds. */
typedef void slab_visit_fn(struct slab_cache *cache, void *object,
			   unsigned node, void *arg);

/*
 * A layer that keeps free objects near the CPUs. `cpu=` chooses one. Where it
 * says "here", interrupts are off and the cache is attached: cpu is this CPU's
 * part.
 */
struct slab_cpu_layer {
	const char *name;
	const char *description;
	/* Once, when caches can be made but none is attached. May be NULL. */
	void (*start)(void);
	/* What the size of a cache's objects suggests. */
	struct slab_tunables (*defaults)(const struct slab_cache *cache);
	/* Whether someone may ask for these; batchcount is from 1 to limit. */
	bool (*accepts)(const struct slab_tunables *tunables);
	/* Gives a cache that nobody else knows yet its parts. 0 or -E_NO_MEM;
	 * then nothing has changed. */
	int (*attach)(struct slab_cache *cache,
		      const struct slab_tunables *tunables);
	/* Frees the parts; they are empty, and nobody uses the cache. */
	void (*detach)(struct slab_cache *cache);
	/* Replaces the parts while the cache is in use. 0, -E_NO_MEM, or
	 * -E_INVAL: not this cache's. May sleep; one at a time for a cache. */
	int (*tune)(struct slab_cache *cache,
		    const struct slab_tunables *tunables);

	/* Here: the stack is empty. An object of this CPU's node; NULL: none is
	 * free there. */
	void *(*refill)(struct slab_cache *cache, struct slab_cpu *cpu);
	/* Here: the stack is empty. Puts onto it what is free outside of slabs;
	 * whether there was any. */
	bool (*fetch)(struct slab_cache *cache, struct slab_cpu *cpu);
	/* Here: the stack is full. Makes room. */
	void (*flush)(struct slab_cache *cache, struct slab_cpu *cpu);
	/* Here: an object of another node was freed. */
	void (*free_remote)(struct slab_cache *cache, struct slab_cpu *cpu,
			    void *object, unsigned home);

	/* Back into the slabs: what this CPU holds (here); what nodes hold. */
	void (*drain_cpu)(struct slab_cache *cache, struct slab_cpu *cpu);
	void (*drain_nodes)(struct slab_cache *cache);
	/* On each CPU every KMEM_REAP_TICKS, in a thread bound to it. */
	void (*reap)(struct slab_cache *cache, unsigned long now);
	/* Objects held by this CPU (here), last the one that goes out next; by
	 * nodes. For counts, checks and pictures. */
	void (*visit_cpu)(struct slab_cache *cache, struct slab_cpu *cpu,
			  slab_visit_fn *fn, void *arg);
	void (*visit_nodes)(struct slab_cache *cache, slab_visit_fn *fn,
			    void *arg);
	/* For leak scans, while everything stands still: clears slots that hold
	 * nothing, but for those of stacks in use. */
	void (*forget)(struct slab_cache *cache);
	/* Objects in what the nodes' CPUs share, for slabinfo. */
	size_t (*nr_shared)(struct slab_cache *cache);
	/* Parts that only this layer has, and what it counts, line by line; may
	 * sleep. */
	void (*describe)(struct slab_cache *cache,
			 void (*line)(const char *text, void *arg), void *arg);

	/* As kmem_ops' functions of these names; may be NULL, both. */
	struct kmem_sheaf *(*sheaf_get)(struct slab_cache *cache, unsigned nr);
	bool (*sheaf_put)(struct slab_cache *cache, struct kmem_sheaf *sheaf);
};

/* What layers do alike: an idle cache takes no more out of slabs at first; a line
 * for `describe`; how many objects of a size a CPU keeps: the first row of a
 * table, largest first, that the size is above (the last is above 0). */
#define SLAB_IDLE_REFILL 16
#define SLAB_DESCRIBE_LINE 80
struct slab_limit {
	size_t above;
	unsigned limit;
};
unsigned slab_limit_of(const struct slab_limit limits[], size_t size);

extern const struct slab_cpu_layer slab_cpu_array, slab_cpu_sheaf;
/* The one that serves. */
extern const struct slab_cpu_layer *slab_cpu;

/* Counters of caches without parts of their own. */
extern struct slab_stats slab_boot_stats[MAX_CPUS];

/* Whether someone may ask for these. */
bool slab_tunables_ok(const struct slab_tunables *tunables);
/* What a node may keep free in slabs. */
size_t slab_node_free_limit(const struct slab_cache *cache, unsigned nodeid,
			    const struct slab_tunables *tunables);

/* Why the front's stacks of a cache are closed: each operation is to come to
 * slab_alloc or slab_free. */
enum slab_closed {
	SLAB_CLOSED_PLAIN = 1 << 0,    /* fast=plain */
	SLAB_CLOSED_FAILSLAB = 1 << 1, /* some allocations fail: slab_fail.c */
	SLAB_CLOSED_DEBUG = 1 << 2,    /* slab_debug= */
};
/* What new caches start with. */
unsigned slab_closed_default(void);
/* Adds and removes reasons, while the cache is in use. May sleep. */
void slab_close(struct slab_cache *cache, unsigned reasons);
void slab_open(struct slab_cache *cache, unsigned reasons);

/* Puts a CPU's part in place. Here, or nobody knows the cache yet. */
void slab_cpu_install(struct slab_cache *cache, unsigned id,
		      struct slab_cpu *cpu);
/* The stack has its objects at bottom[1 .. avail], and room for `limit`. Here,
 * or it is not in place. */
void slab_cpu_set(struct slab_cpu *cpu, void **bottom, unsigned avail,
		  unsigned limit);
void slab_cpu_touched(struct slab_cache *cache, struct slab_cpu *cpu);
/* Someone uses the cache on this CPU: the front may go on by itself. Here. */
static inline void
slab_cpu_touch(struct slab_cache *cache, struct slab_cpu *cpu)
{
	if (unlikely(!cpu->touched))
		slab_cpu_touched(cache, cpu);
}
/* Whether someone did since the last call. From now on the next one to use it is
 * noticed. Here. */
bool slab_cpu_was_touched(struct slab_cache *cache, struct slab_cpu *cpu);

/* This CPU's objects go back into the slabs. */
void slab_cpu_drain(struct slab_cache *cache);
/* Calls fn for each object that this CPU holds. Interrupts are off meanwhile. */
void slab_cpu_visit(struct slab_cache *cache, slab_visit_fn *fn, void *arg);

static inline unsigned
slab_cpu_avail(const struct slab_cpu *cpu)
{
	return (unsigned)(cpu->stack.top - cpu->bottom);
}

static inline unsigned
slab_cpu_limit(const struct slab_cpu *cpu)
{
	return (unsigned)(cpu->last - cpu->bottom);
}

/* The node of the CPU that runs here. Interrupts off. */
static inline unsigned
slab_node_here(void)
{
	return node_of_cpu[arch_cpu_id()];
}

/* -- slab_alloc.c: objects, where the front's stack did not serve --------------------- */

/* Any context. NULL: no memory (said, unless gfp forbids it). */
void *slab_alloc(struct slab_cache *cache, gfp_t gfp) __must_check;
void *slab_alloc_node(struct slab_cache *cache, gfp_t gfp, unsigned nodeid)
	__must_check;
/* Past all that CPUs have, without a word, and nothing is drained for it: for
 * the parts of a layer. */
void *slab_alloc_bare(struct slab_cache *cache, gfp_t gfp, unsigned nodeid)
	__must_check;
/* All of nr objects, or none. */
bool slab_alloc_bulk(struct slab_cache *cache, gfp_t gfp, size_t nr,
		     void *objects[]) __must_check;
void slab_free(struct slab_cache *cache, void *object);
void slab_free_bulk(struct slab_cache *cache, size_t nr, void *objects[]);

/* -- slab.c: caches ----------------------------------------------------------------- */

/* The caches that are there before there are caches. */
extern struct slab_cache slab_cache_cache, slab_node_cache;

void slab_start(void);
/* An object for the allocator's own use, of that node if possible: a failpoint. It
 * goes back past all arrays, so that no trace of it is left near a CPU. */
void *slab_own_get(struct slab_cache *cache, gfp_t gfp, unsigned node)
	__must_check;
void slab_own_put(void *object);
/* NULL: no memory, or there is one of this name. */
struct slab_cache *slab_create(const struct kmem_cache *wanted);
/* During slab_start: without arrays, and failure is a panic. *cache is set
 * before the cache is used. */
void slab_create_early(const struct kmem_cache *wanted,
		       struct slab_cache **cache);
/* 0, or -E_BUSY with *nr_live objects out. May sleep. */
int slab_destroy(struct slab_cache *cache, size_t *nr_live);

/*
 * Walks over all caches, oldest or newest first:
 *	for (cache = NULL; (cache = slab_chain_next(cache)) != NULL;)
 * The cache stays while the walker stands there. Who leaves early calls
 * slab_chain_unpin. Any context.
 */
struct slab_cache *slab_chain_next(struct slab_cache *cache);
struct slab_cache *slab_chain_prev(struct slab_cache *cache);
/* Replaces a cache's tunables, which are ok. 0, -E_NO_MEM, or -E_BUSY: someone
 * else is at it. May sleep. */
int slab_tune(struct slab_cache *cache, const struct slab_tunables *tunables);
struct slab_tunables slab_tunables_get(struct slab_cache *cache);
/* By name, pinned; NULL: none. */
struct slab_cache *slab_chain_find(const char *name);
void slab_chain_unpin(struct slab_cache *cache);
/* Nobody walks to this cache, or tunes it, until it is let go; the caller has
 * pinned it. 0, or -E_BUSY: someone tunes it. May sleep. */
int slab_chain_hold(struct slab_cache *cache) __must_check;
void slab_chain_let_go(struct slab_cache *cache);
/* The layout that these flags ask for. false: no slab can hold such objects. */
bool slab_set_layout(struct slab_cache *cache, unsigned flags, bool may_be_off)
	__must_check;

/* -- general caches, slab_backend.c --------------------------------------------------- */

#define SLAB_GENERAL_MIN_SHIFT 5
#define SLAB_GENERAL_MAX_SHIFT 22

/* Makes them all, smallest first. */
void slab_general_create(void);
/* The cache for size <= KMEM_CACHE_SIZE_MAX; NULL: not made yet. */
struct slab_cache *slab_general(size_t size);
static inline void *
slab_general_get(size_t size, gfp_t gfp, unsigned node)
{
	return slab_own_get(slab_general(size), gfp, node);
}

/* Whether this is the first page of a large object of kmalloc. */
bool slab_is_large(const struct page *page);

/* -- slab_reap.c ------------------------------------------------------------------------- */

/* This CPU's turn. */
void slab_reap(void);
/* Whether it is time, and this CPU's task, to look through what this node holds: each
 * time for one of its CPUs; CPU 0 if it has none. */
bool slab_reap_due(struct slab_cache *cache, unsigned nodeid,
		   unsigned long now);
/* If no free slab of the node was taken in use since the last call, gives some
 * back. */
void slab_reap_slabs(struct slab_cache *cache, unsigned nodeid);
/* How many objects a CPU or node gives back that nobody took from: a part of its
 * limit; if it has less, half of that. */
unsigned slab_reap_count(unsigned avail, unsigned limit);
/* All that is wholly free, of one cache, of all; returns pages freed. */
size_t slab_shrink(struct slab_cache *cache);
size_t slab_shrink_all(void);
/* This cache's objects in arrays back into slabs, as far as the context
 * allows (other CPUs can be asked only where the caller may sleep). */
void slab_drain(struct slab_cache *cache);
/* Calls fn(arg) on each CPU, interrupts off; where the caller cannot wait, only
 * on this one. */
void slab_on_each_cpu(void (*fn)(void *), void *arg);

/* -- slab_fail.c: allocations that fail on purpose ------------------------------------------ */

extern struct inject_attr slab_fail_attr;
/* Whether failslab wants to see the operations of a cache of this name. */
bool slab_fail_wants(const char *name);
/* Opens or closes the cache as failslab wants it by now. May sleep. */
void slab_fail_apply(struct slab_cache *cache);
/* The cache is closed for it: whether to fail. is_own: the allocator's own. */
bool should_failslab(const struct slab_cache *cache, bool is_own);
/* For everybody: one test where the front's stack did not serve. */
static inline bool
slab_fails(const struct slab_cache *cache, bool is_own)
{
	unsigned closed = atomic_load_relaxed(&cache->closed);

	return unlikely(closed & SLAB_CLOSED_FAILSLAB) &&
	       should_failslab(cache, is_own);
}
int slab_fail_write(const char *text);
void slab_fail_print(void);

/* -- slabinfo.c --------------------------------------------------------------------------- */

int slabinfo_read(void (*fn)(const char *line, void *arg), void *arg,
		  bool statistics);
int slabinfo_write(const char *text);
void slab_print(void);

/* -- slab_validate.c ------------------------------------------------------------------------ */

/* Whether ptr is the beginning of an object of this cache. */
bool slab_is_object(const struct slab_cache *cache, const void *ptr);
/* Walks over everything, at a quiet moment; says what is wrong. */
bool slab_validate(void);
bool slab_validate_cache(struct slab_cache *cache);
/* Objects that callers have: out of slabs and not in an array. */
size_t slab_nr_live(struct slab_cache *cache);

/* -- slab_debug.c: each operation looked at ------------------------------------------------ */

#define SLAB_DEBUG_FLAGS                                                       \
	(SLAB_POISON | SLAB_RED_ZONE | SLAB_STORE_USER |                       \
	 SLAB_CONSISTENCY_CHECKS)
/* In cache->debug only: what is freed is poisoned, but what is free need not be
 * yet. */
#define SLAB_POISON_FILL (1u << 31)

/* Whether operations on this cache are looked at, and how. */
static inline unsigned
slab_debug(struct slab_cache *cache)
{
	return atomic_load_relaxed(&cache->debug);
}

/* As slab_take of one object, looked at. */
void *slab_debug_take(struct slab_cache *cache, struct kmem_cache_node *node)
	REQUIRES(node->lock);
/* An object, or whatever a caller takes for one. Any context. */
void slab_debug_free(struct slab_cache *cache, void *object);
/* This object just came out, but its caller asked for `size` bytes only. */
void slab_debug_asked(struct slab_cache *cache, void *object, size_t size);
/* Whoever has this object, or what he takes for one, goes on with `size` bytes. It
 * lies in a page of this cache. Any context. */
void slab_debug_resize(struct slab_cache *cache, void *object, size_t size);
/* The caller may not sleep, but gfp says that it may: reported. */
void slab_debug_context(struct slab_cache *cache, gfp_t gfp);
/* Makes the free objects of a slab what free ones have to be. Node's lock, or nobody
 * else knows the slab. */
void slab_debug_init(struct slab_cache *cache, struct slab *slab);
/* A last look at the objects of a slab whose pages go. */
void slab_debug_end(struct slab_cache *cache, struct slab *slab);
/* Looks at every slab and object of the cache that can be looked at, and reports;
 * whether all is well. */
bool slab_debug_scan(struct slab_cache *cache);
/* Says which objects are out, and who had them last, if that is known. */
void slab_debug_print_live(struct slab_cache *cache);

/* -- slab_retire.c: is a slab whole? -------------------------------------------------- */

/* Whether its descriptor makes sense. If not: reported, and it is in no list any
 * more. */
bool slab_check(struct slab_cache *cache, struct kmem_cache_node *node,
		struct slab *slab) REQUIRES(node->lock);
/* An object of such a slab comes back. Its first page. */
void slab_retired_free(struct kmem_cache_node *node, struct page *page)
	REQUIRES(node->lock);
/* Gives the pages of such slabs back. The cache ends, none of them is out. */
void slab_retired_destroy(struct slab_cache *cache);

/* -- slab_debug_switch.c: on and off ---------------------------------------------------- */

/* What a new cache is to have in debug. */
unsigned slab_debug_wanted(const struct kmem_cache *wanted);
/* What slab_set_layout is to be told for these. */
unsigned slab_debug_layout_flags(const struct kmem_cache *base, unsigned debug);
/* No CPU has a part of the cache any more, or each has its own again. Nobody
 * else uses it. */
void slab_park(struct slab_cache *cache);
void slab_unpark(struct slab_cache *cache);

#endif /* KMEM_SLAB_H */
