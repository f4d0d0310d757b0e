/*
 * failslab: allocations that fail on purpose.
 */
#ifndef KMEM_SLAB_FAIL_H
#define KMEM_SLAB_FAIL_H

#include <kernel/inject.h>
#include "percpu/layer.h"

/* Nothing fails. */
void slab_fail_init(struct slab_fail *fail);
/* Whether failslab wants to see the operations of a cache of this name. */
bool slab_fail_wants(struct slab_root *root, const char *name);
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
/* As kmem_failslab_write and _print. */
int slab_fail_write(struct kmem *kmem, const char *text);
void slab_fail_print(struct kmem *kmem);

#endif /* KMEM_SLAB_FAIL_H */
