/*
 * Sheaves, and the depots where a node keeps them: the lower half of cpu=sheaf.
 * slab_cpu_sheaf.c has the theory.
 *
 * SHEAVES are objects of caches of their own, a few sizes with descriptors on the
 * slab, so that making one needs pages only: no other object, hence no sheaf.
 * These caches are never attached to the layer; their objects come out of slabs
 * one by one, under that cache's node lock. Nothing else is locked then.
 *
 * A DEPOT is two lists of whole sheaves, full and empty, last in first out:
 * the newest full one's objects are the warmest.
 *
 * LIMITS.  Each list has room for `max` sheaves. And a sheaf must have the
 * capacity that the depot wants now: after tuning, old ones are refused
 * wherever they turn up, and so die out.
 *
 * THE REAPER gives back `least_full` full sheaves: the least there were since its
 * last visit. All of them lay there the whole time, so whatever the cache did
 * meanwhile, it would have done the same without them; one fewer, and somebody
 * would have gone without. For the empty ones likewise. So steady use keeps what
 * it uses, however much that is, and an idle depot is empty after two visits.
 */
#include <kernel/failpoint.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#include "slab_cpu_sheaf.h"

/* -- sheaves --------------------------------------------------------------------------- */

/* Sizes that fill a page well, together with the slab's descriptor. */
static const size_t sheaf_sizes[] = {
	64, 128, 256, 448, 960, 1920, SHEAF_BYTES_MAX,
};
static struct slab_cache *sheaf_caches[ARRAY_SIZE(sheaf_sizes)];

void
sheaf_start(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(sheaf_sizes); i++) {
		struct kmem_cache wanted = {
			.object_size = sheaf_sizes[i],
			.align = CACHE_LINE,
			.flags = SLAB_ON_SLAB,
		};

		snprintf(wanted.name, sizeof(wanted.name), "kmem_sheaf-%zu",
			 sheaf_sizes[i]);
		slab_create_early(&wanted, &sheaf_caches[i]);
	}
}

bool
sheaf_is_sheaf_cache(const struct slab_cache *cache)
{
	for (unsigned i = 0; i < ARRAY_SIZE(sheaf_caches); i++)
		if (sheaf_caches[i] == cache)
			return true;
	return false;
}

bool
sheaf_is_ours(const struct kmem_sheaf *sheaf)
{
	const struct page *page = slab_page_of(sheaf);

	return page->kind == PAGE_SLAB &&
	       sheaf_is_sheaf_cache(page->owner.cache);
}

/* Which size holds so many; SHEAF_LIMIT_MAX at most. */
static unsigned
sheaf_class(unsigned capacity)
{
	size_t bytes = sizeof(struct kmem_sheaf) +
		       ((size_t)capacity + 1) * sizeof(void *);
	unsigned i = 0;

	while (sheaf_sizes[i] < bytes)
		i++;
	return i;
}

size_t
sheaf_bytes(unsigned capacity)
{
	return sheaf_sizes[sheaf_class(capacity)];
}

struct kmem_sheaf *
sheaf_alloc(const struct depot *depot, unsigned nodeid)
{
	unsigned capacity = atomic_load_relaxed(&depot->capacity);
	struct slab_cache *cache = sheaf_caches[sheaf_class(capacity)];
	struct kmem_sheaf *sheaf;

	if ((KERNEL_DEBUG && failpoint()) || slab_fails(cache, true))
		return NULL;
	sheaf = slab_alloc_bare(cache, __GFP_NOWARN, nodeid);
	if (sheaf == NULL)
		return NULL;
	sheaf->next = NULL;
	sheaf->nr = 0;
	sheaf->capacity = capacity;
	sheaf->entry[0] = NULL;
	return sheaf;
}

void
sheaf_free(struct kmem_sheaf *sheaf)
{
	debug_assert(sheaf->nr == 0);
	slab_own_put(sheaf);
}

void
sheaf_empty(struct slab_cache *cache, unsigned nodeid, struct kmem_sheaf *sheaf)
{
	if (sheaf->nr > 0)
		slab_put(cache, nodeid, sheaf->entry + 1, sheaf->nr);
	sheaf->nr = 0;
}

void
sheaf_dissolve(struct slab_cache *cache, unsigned nodeid,
	       struct kmem_sheaf *sheaf)
{
	if (sheaf == NULL)
		return;
	sheaf_empty(cache, nodeid, sheaf);
	sheaf_free(sheaf);
}

/* -- a depot's lists ---------------------------------------------------------------------- */

void
depot_init(struct depot *depot)
{
	memset(depot, 0, sizeof(*depot));
	spin_init(&depot->lock, LOCK_RANK_KMEM, "slab depot");
}

static inline struct kmem_sheaf *
pop_full(struct depot *depot) REQUIRES(depot->lock)
{
	struct kmem_sheaf *sheaf = depot->full;

	if (sheaf == NULL)
		return NULL;
	depot->full = sheaf->next;
	if (--depot->nr_full < depot->least_full)
		depot->least_full = depot->nr_full;
	return sheaf;
}

static inline struct kmem_sheaf *
pop_empty(struct depot *depot) REQUIRES(depot->lock)
{
	struct kmem_sheaf *sheaf = depot->empty;

	if (sheaf == NULL)
		return NULL;
	depot->empty = sheaf->next;
	if (--depot->nr_empty < depot->least_empty)
		depot->least_empty = depot->nr_empty;
	return sheaf;
}

/* false: no room, or not a sheaf of the size that is wanted now. */
static inline bool
push_full(struct depot *depot, struct kmem_sheaf *sheaf) REQUIRES(depot->lock)
{
	debug_assert(sheaf->nr == sheaf->capacity);
	if (depot->nr_full >= depot->max ||
	    sheaf->capacity != depot->capacity) {
		depot->refused++;
		return false;
	}
	sheaf->next = depot->full;
	depot->full = sheaf;
	depot->nr_full++;
	return true;
}

static inline bool
push_empty(struct depot *depot, struct kmem_sheaf *sheaf) REQUIRES(depot->lock)
{
	debug_assert(sheaf->nr == 0);
	if (depot->nr_empty >= depot->max || sheaf->capacity != depot->capacity)
		return false;
	sheaf->next = depot->empty;
	depot->empty = sheaf;
	depot->nr_empty++;
	return true;
}

/* -- exchanges ------------------------------------------------------------------------------- */

struct kmem_sheaf *
depot_take_full(struct depot *depot, struct kmem_sheaf **empty)
{
	irq_state_t state = spin_lock_irqsave(&depot->lock);
	struct kmem_sheaf *full = pop_full(depot);

	depot->full_out += full != NULL;
	if (full != NULL && *empty != NULL && push_empty(depot, *empty)) {
		depot->empty_in++;
		*empty = NULL;
	}
	spin_unlock_irqrestore(&depot->lock, state);
	return full;
}

struct kmem_sheaf *
depot_take_empty(struct depot *depot, struct kmem_sheaf **full, bool is_remote)
{
	irq_state_t state = spin_lock_irqsave(&depot->lock);
	struct kmem_sheaf *empty = pop_empty(depot);

	depot->empty_out += empty != NULL;
	if (*full != NULL && push_full(depot, *full)) {
		depot->full_in++;
		depot->remote_in += is_remote;
		*full = NULL;
	}
	spin_unlock_irqrestore(&depot->lock, state);
	return empty;
}

bool
depot_put_full(struct depot *depot, struct kmem_sheaf *sheaf)
{
	irq_state_t state = spin_lock_irqsave(&depot->lock);
	bool is_kept = push_full(depot, sheaf);

	depot->full_in += is_kept;
	spin_unlock_irqrestore(&depot->lock, state);
	return is_kept;
}

void
depot_put_empty(struct depot *depot, struct kmem_sheaf *sheaf)
{
	irq_state_t state = spin_lock_irqsave(&depot->lock);
	bool is_kept = push_empty(depot, sheaf);

	depot->empty_in += is_kept;
	spin_unlock_irqrestore(&depot->lock, state);
	if (!is_kept)
		sheaf_free(sheaf);
}

/* -- giving back ------------------------------------------------------------------------------ */

/* One sheaf after the other, so that the lock is never held for long. */
static struct kmem_sheaf *
depot_pop(struct depot *depot, bool is_full) EXCLUDES(depot->lock)
{
	irq_state_t state = spin_lock_irqsave(&depot->lock);
	struct kmem_sheaf *sheaf = is_full ? pop_full(depot) : pop_empty(depot);

	depot->given_back += sheaf != NULL;
	spin_unlock_irqrestore(&depot->lock, state);
	return sheaf;
}

static void
depot_give_back(struct slab_cache *cache, unsigned nodeid, unsigned nr_full,
		unsigned nr_empty)
{
	struct depot *depot = cache->node[nodeid]->depot;
	struct kmem_sheaf *sheaf;

	for (; nr_full > 0; nr_full--) {
		sheaf = depot_pop(depot, true);
		if (sheaf == NULL)
			break;
		sheaf_dissolve(cache, nodeid, sheaf);
	}
	for (; nr_empty > 0; nr_empty--) {
		sheaf = depot_pop(depot, false);
		if (sheaf == NULL)
			break;
		sheaf_free(sheaf);
	}
}

void
depot_drain(struct slab_cache *cache, unsigned nodeid)
{
	if (cache->node[nodeid]->depot != NULL)
		depot_give_back(cache, nodeid, UINT32_MAX, UINT32_MAX);
}

void
depot_reap(struct slab_cache *cache, unsigned nodeid)
{
	struct depot *depot = cache->node[nodeid]->depot;
	unsigned nr_full, nr_empty;
	irq_state_t state;

	if (depot == NULL)
		return;
	state = spin_lock_irqsave(&depot->lock);
	nr_full = depot->least_full;
	nr_empty = depot->least_empty;
	depot->least_full = depot->nr_full;
	depot->least_empty = depot->nr_empty;
	spin_unlock_irqrestore(&depot->lock, state);
	depot_give_back(cache, nodeid, nr_full, nr_empty);
}

void
depot_tune(struct depot *depot, const struct slab_tunables *tunables)
{
	irq_state_t state = spin_lock_irqsave(&depot->lock);

	atomic_store_relaxed(&depot->capacity, tunables->limit);
	atomic_store_relaxed(&depot->batchcount, tunables->batchcount);
	depot->max = tunables->shared;
	spin_unlock_irqrestore(&depot->lock, state);
}
