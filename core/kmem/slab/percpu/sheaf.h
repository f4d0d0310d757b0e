/*
 * What cpu=sheaf keeps. sheaf.c has the theory, slab.h the keys behind
 * the fields; here also
 *   (s)  the shelf's lock
 *   (o)  whoever holds the sheaf: a CPU, (i); a shelf, (s); or a caller
 */
#ifndef KMEM_SLAB_CPU_SHEAF_H
#define KMEM_SLAB_CPU_SHEAF_H

#include "depot.h"

/* A CPU's, (i). If nothing is loaded there is no previous one either. */
struct sheaf_cpu {
	struct slab_cpu cpu;	   /* its stack is the loaded sheaf's inside */
	struct kmem_sheaf *loaded; /* NULL: none; its nr is not true */
	struct kmem_sheaf *previous; /* full or empty; NULL: none */
	struct depot *depot;	     /* (c) of this CPU's node */
	unsigned long swaps;	     /* of these two; others read */
	void *none[1];		     /* the stack while nothing is loaded */
	struct kmem_sheaf *remote[MAX_NODES]; /* on their way home; or NULL */
} __cacheline_aligned;

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
		sc->loaded->nr = percpu_avail(&sc->cpu);
	return sc->loaded;
}

/* -- functions of the layer, elsewhere (struct slab_layer says what they do) ------------ */

/* lend.c */
struct kmem_sheaf *sheaf_lend(struct slab_cache *cache, unsigned nr);
bool sheaf_take_back(struct slab_cache *cache, struct kmem_sheaf *sheaf);
/* sheaf_view.c */
void sheaf_visit_cpu(struct slab_cache *cache, struct slab_cpu *cpu,
		     slab_visit_fn *fn, void *arg);
void sheaf_visit_nodes(struct slab_cache *cache, slab_visit_fn *fn, void *arg);
void sheaf_forget(struct slab_cache *cache);
size_t sheaf_nr_shared(struct slab_cache *cache);
void sheaf_describe(struct slab_cache *cache,
		    void (*line)(const char *text, void *arg), void *arg);

extern const struct slab_layer sheaf_layer;

#endif /* KMEM_SLAB_CPU_SHEAF_H */
