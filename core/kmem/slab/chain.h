/*
 * The chain of all caches: walks over it, and tuning, which goes one at a time.
 */
#ifndef KMEM_SLAB_CHAIN_H
#define KMEM_SLAB_CHAIN_H

#include "slab.h"

/*
 * Walks over all caches of an instance, oldest or newest first:
 *	for (cache = NULL; (cache = slab_chain_next(root, cache)) != NULL;)
 * The cache stays while the walker stands there. Who leaves early calls
 * slab_chain_unpin. Any context.
 */
struct slab_cache *slab_chain_next(struct slab_root *root,
				   struct slab_cache *cache);
struct slab_cache *slab_chain_prev(struct slab_root *root,
				   struct slab_cache *cache);
/* Replaces a cache's tunables, which are ok. 0, -E_NO_MEM, or -E_BUSY: someone
 * else is at it. May sleep. */
int slab_tune(struct slab_cache *cache, const struct slab_tunables *tunables);
struct slab_tunables slab_tunables_get(struct slab_cache *cache);
/* By name, pinned; NULL: none. */
struct slab_cache *slab_chain_find(struct slab_root *root, const char *name);
void slab_chain_unpin(struct slab_cache *cache);
/* Nobody walks to this cache, or tunes it, until it is let go; the caller has
 * pinned it. 0, or -E_BUSY: someone tunes it. May sleep. */
int slab_chain_hold(struct slab_cache *cache) __must_check;
void slab_chain_let_go(struct slab_cache *cache);

/* -- for the beginning and the end of a cache --------------------------------------- */

/* No cache is in it yet. */
void slab_chain_init(struct slab_root *root);
/* Adds the cache, which the caller made; false: there is one of this name. */
bool slab_chain_link(struct slab_cache *cache) __must_check;
void slab_chain_unlink(struct slab_cache *cache);
/* No walker comes to this cache any more, and none but the caller's own pins are left.
 * Waits: for threads if it may sleep, else for other CPUs. */
void slab_chain_close(struct slab_cache *cache, unsigned nr_own_pins);
void slab_chain_reopen(struct slab_cache *cache);

#endif /* KMEM_SLAB_CHAIN_H */
