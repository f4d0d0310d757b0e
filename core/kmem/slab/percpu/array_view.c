/*
 * cpu=array: looking at what arrays hold, and at what was counted. For checks,
 * pictures and slabinfo.
 */
#include <kernel/printk.h>
#include <kernel/string.h>

#include "array.h"

void
array_visit_cpu(struct slab_cache *cache, struct slab_cpu *cpu,
		slab_visit_fn *fn, void *arg)
{
	for (void **slot = cpu->bottom + 1; slot <= cpu->stack.top; slot++)
		fn(cache, *slot, env_node(), arg);
}

static void
visit_alien(struct slab_cache *cache, struct alien_cache *alien, unsigned home,
	    slab_visit_fn *fn, void *arg)
{
	irq_state_t state = env_lock(&alien->lock);

	for (unsigned i = 0; i < alien->avail; i++)
		fn(cache, alien->entry[i], home, arg);
	env_unlock(&alien->lock, state);
}

static void
visit_node(struct slab_cache *cache, unsigned nodeid, slab_visit_fn *fn,
	   void *arg)
{
	struct kmem_cache_node *node = cache->node[nodeid];
	irq_state_t state = env_lock(&node->lock);

	for (unsigned i = 0; node->shared != NULL && i < node->shared->avail;
	     i++)
		fn(cache, node->shared->entry[i], nodeid, arg);
	env_unlock(&node->lock, state);
	for (unsigned home = 0; home < env_nr_nodes(); home++)
		if (node->alien[home] != NULL)
			visit_alien(cache, node->alien[home], home, fn, arg);
}

void
array_visit_nodes(struct slab_cache *cache, slab_visit_fn *fn, void *arg)
{
	for (unsigned i = 0; i < env_nr_nodes(); i++)
		visit_node(cache, i, fn, arg);
}

size_t
array_nr_shared(struct slab_cache *cache)
{
	size_t nr = 0;

	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		struct kmem_cache_node *node = cache->node[i];
		irq_state_t state = env_lock(&node->lock);

		if (node->shared != NULL)
			nr += node->shared->avail;
		env_unlock(&node->lock, state);
	}
	return nr;
}

void
array_forget(struct slab_cache *cache)
{
	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		struct kmem_cache_node *node = cache->node[i];
		struct shared_array *shared = node->shared;

		if (shared != NULL)
			memset(shared->entry + shared->avail, 0,
			       (shared->limit - shared->avail) *
				       sizeof(shared->entry[0]));
		for (unsigned home = 0; home < env_nr_nodes(); home++) {
			struct alien_cache *alien = node->alien[home];

			if (alien != NULL)
				memset(alien->entry + alien->avail, 0,
				       (ALIEN_LIMIT - alien->avail) *
					       sizeof(alien->entry[0]));
		}
	}
}

void
array_describe(struct slab_cache *cache,
	       void (*line)(const char *text, void *arg), void *arg)
{
	char text[SLAB_DESCRIBE_LINE];

	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		struct kmem_cache_node *node = cache->node[i];
		unsigned long taken, put, batches;
		irq_state_t state = env_lock(&node->lock);

		taken = node->taken;
		put = node->put;
		batches = node->batches;
		env_unlock(&node->lock, state);
		snprintf(text, sizeof(text), "node %u: %lu batches copied", i,
			 batches);
		line(text, arg);
		snprintf(text, sizeof(text),
			 "        %lu objects out of slabs, %lu back", taken,
			 put);
		line(text, arg);
	}
}
