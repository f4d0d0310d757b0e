/*
 * A CPU's part of a cache, and the layers that keep it filled (part.c, select.c).
 * ../slab.h has the keys behind the fields.
 */
#ifndef KMEM_SLAB_LAYER_H
#define KMEM_SLAB_LAYER_H

#include "../slab.h"

/*
 * What a CPU has of a cache, (i): the stack of free objects that the front uses;
 * a layer's own structure begins with it. bottom[0] is NULL, the objects lie
 * from bottom[1] to *stack.top, and there is room up to *last. (stack.end is
 * last, or NULL where frees have to be looked at first: part.c.)
 */
struct slab_cpu {
	struct cpu_stack stack;
	void **bottom;
	void **last;
	bool touched; /* since the last reaping */
};

/* Calls fn for each object that a layer holds. */
typedef void slab_visit_fn(struct slab_cache *cache, void *object,
			   unsigned node, void *arg);

/*
 * A layer that keeps free objects near the CPUs. `cpu=` chooses one. Where it
 * says "here", interrupts are off and the cache is attached: cpu is this CPU's
 * part.
 */
struct slab_layer {
	const char *name;
	const char *description;
	/* Once, when caches can be made but none is attached. 0 or -E_NO_MEM. May be
	 * NULL. */
	int (*start)(struct slab_root *root);
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
unsigned percpu_limit_of(const struct slab_limit limits[], size_t size);

/* Whether someone may ask for these. */
bool percpu_tunables_ok(const struct slab_layer *layer,
			const struct slab_tunables *tunables);
/* What a node may keep free in slabs. */
size_t percpu_free_limit(const struct slab_cache *cache, unsigned nodeid,
			 const struct slab_tunables *tunables);

/* Why the front's stacks of a cache are closed: each operation is to come to
 * slab_alloc or slab_free. */
enum slab_closed {
	SLAB_CLOSED_PLAIN = 1 << 0,    /* fast=plain */
	SLAB_CLOSED_FAILSLAB = 1 << 1, /* some allocations fail: fail.c */
	SLAB_CLOSED_DEBUG = 1 << 2,    /* slab_debug= */
};
/* Adds and removes reasons, while the cache is in use. May sleep. */
void percpu_close(struct slab_cache *cache, unsigned reasons);
void percpu_open(struct slab_cache *cache, unsigned reasons);

/* Puts a CPU's part in place. Here, or nobody knows the cache yet. */
void percpu_install(struct slab_cache *cache, unsigned id,
		    struct slab_cpu *cpu);
/* The stack has its objects at bottom[1 .. avail], and room for `limit`. Here,
 * or it is not in place. */
void percpu_set(struct slab_cpu *cpu, void **bottom, unsigned avail,
		unsigned limit);
void percpu_touched(struct slab_cache *cache, struct slab_cpu *cpu);
/* Someone uses the cache on this CPU: the front may go on by itself. Here. */
static inline void
percpu_touch(struct slab_cache *cache, struct slab_cpu *cpu)
{
	if (unlikely(!cpu->touched))
		percpu_touched(cache, cpu);
}
/* Whether someone did since the last call. From now on the next one to use it is
 * noticed. Here. */
bool percpu_was_touched(struct slab_cache *cache, struct slab_cpu *cpu);

/* This CPU's objects go back into the slabs. */
void percpu_drain(struct slab_cache *cache);
/* Calls fn for each object that this CPU holds. Interrupts are off meanwhile. */
void percpu_visit(struct slab_cache *cache, slab_visit_fn *fn, void *arg);

static inline unsigned
percpu_avail(const struct slab_cpu *cpu)
{
	return (unsigned)(cpu->stack.top - cpu->bottom);
}

static inline unsigned
percpu_limit(const struct slab_cpu *cpu)
{
	return (unsigned)(cpu->last - cpu->bottom);
}

/* Calls fn(arg) on each CPU, interrupts off; where the caller cannot wait, only
 * on this one. */
void percpu_on_each(void (*fn)(void *), void *arg);

#endif /* KMEM_SLAB_LAYER_H */
