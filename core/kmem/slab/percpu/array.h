/*
 * What cpu=array keeps. array.c has the theory, slab.h the keys behind
 * the fields.
 */
#ifndef KMEM_SLAB_CPU_ARRAY_H
#define KMEM_SLAB_CPU_ARRAY_H

#include "layer.h"

/* A CPU's, (i). entry[0] is the NULL below the oldest. */
struct array_cache {
	struct slab_cpu cpu;
	unsigned batchcount; /* (c) how many come and go at once */
	void *entry[];
};

/* A node's, (n). */
struct shared_array {
	unsigned avail;
	unsigned limit; /* (c) */
	bool touched;	/* someone took from here since the last reaping */
	void *entry[];
};

/* Objects of another node on their way home, freed by this node's CPUs. */
#define ALIEN_LIMIT 12
struct alien_cache {
	struct spinlock lock;
	unsigned avail;
	void *entry[ALIEN_LIMIT];
};

static inline struct array_cache *
array_of(struct slab_cpu *cpu)
{
	return container_of(cpu, struct array_cache, cpu);
}

/* -- functions of the layer in array_view.c (struct slab_layer says what they
 * do) ---- */

void array_visit_cpu(struct slab_cache *cache, struct slab_cpu *cpu,
		     slab_visit_fn *fn, void *arg);
void array_visit_nodes(struct slab_cache *cache, slab_visit_fn *fn, void *arg);
void array_forget(struct slab_cache *cache);
size_t array_nr_shared(struct slab_cache *cache);
void array_describe(struct slab_cache *cache,
		    void (*line)(const char *text, void *arg), void *arg);

extern const struct slab_layer array_layer;

#endif /* KMEM_SLAB_CPU_ARRAY_H */
