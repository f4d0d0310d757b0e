/*
 * cpu=sheaf: sheaves for callers that must not fail (../sheaf.c).
 *
 * A caller gets a full one out of the depot, if there is one; then nothing is
 * allocated. While it is out it belongs to the caller, and its objects count as
 * the caller's. It comes back as it went if it is full and all its objects are of
 * one node; otherwise the objects go the usual way, and the sheaf is an empty one.
 */

#include "../objects.h"
#include "sheaf.h"

struct kmem_sheaf *
sheaf_lend(struct slab_cache *cache, unsigned nr)
{
	struct kmem_sheaf *sheaf = NULL, *none = NULL;
	irq_state_t state = env_irqs_off();
	unsigned here = env_node();
	struct depot *depot = cache->node[here]->depot;

	if (depot != NULL && nr <= atomic_load_relaxed(&depot->capacity)) {
		sheaf = depot_take_full(depot, &none);
		if (sheaf == NULL)
			sheaf = depot_take_empty(depot, &none, false);
		if (sheaf == NULL)
			sheaf = sheaf_alloc(depot, here);
	}
	env_irqs_restore(state);
	if (sheaf != NULL && sheaf->capacity < nr) {
		/* Tuned in between. */
		slab_free_bulk(cache, sheaf->nr, sheaf->entry + 1);
		sheaf->nr = 0;
		sheaf_free(sheaf);
		sheaf = NULL;
	}
	return sheaf;
}

/* Whether all its objects are of one node. */
static bool
is_of_one_node(const struct kmem_sheaf *sheaf)
{
	for (unsigned i = 2; i <= sheaf->nr && env_nr_nodes() > 1; i++)
		if (env_page_of(sheaf->entry[i])->node !=
		    env_page_of(sheaf->entry[1])->node)
			return false;
	return true;
}

bool
sheaf_take_back(struct slab_cache *cache, struct kmem_sheaf *sheaf)
{
	unsigned home;

	if (!sheaf_is_ours(sheaf))
		return false;
	if (sheaf->nr == sheaf->capacity && is_of_one_node(sheaf)) {
		home = env_page_of(sheaf->entry[1])->node;
		if (!depot_put_full(cache->node[home]->depot, sheaf))
			sheaf_dissolve(cache, home, sheaf);
		return true;
	}
	slab_free_bulk(cache, sheaf->nr, sheaf->entry + 1);
	sheaf->nr = 0;
	home = env_page_of(sheaf)->node;
	depot_put_empty(cache->node[home]->depot, sheaf);
	return true;
}
