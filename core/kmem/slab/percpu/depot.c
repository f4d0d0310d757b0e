/*
 * Sheaves, and the depots where a node keeps them: the lower half of cpu=sheaf.
 * sheaf.c has the theory.
 *
 * SHEAVES are objects of caches of their own, a few sizes with descriptors on the
 * slab, so that making one needs pages only: no other object, hence no sheaf.
 * These caches are never attached to the layer; their objects come out of slabs
 * one by one, under that cache's node lock. Nothing else is locked then.
 *
 * A DEPOT has a shelf for each CPU, and a shelf two lists of whole sheaves, full and
 * empty, last in first out: the newest full one's objects are the warmest. A CPU
 * puts sheaves on its own shelf and takes them from there, so where each CPU frees
 * what it has allocated, none touches a line that another one writes. Only if its
 * shelf has none does it look at the others'. What it takes there it exchanges: if
 * one CPU allocates and another one frees, the full ones lie on the freeing one's
 * shelf, and the empty ones come back to where it wants them. (Looking is without the
 * lock: a count that was different a moment ago decides nothing.)
 *
 * LIMITS.  Each list has room for `max` sheaves. And a sheaf must have the
 * capacity that the depot wants now: after tuning, old ones are refused
 * wherever they turn up, and so die out.
 *
 * THE REAPER gives back `least_full` full sheaves of a shelf: the least there were
 * since its last visit. All of them lay there the whole time, so whatever the cache
 * did meanwhile, it would have done the same without them; one fewer, and somebody
 * would have gone without. For the empty ones likewise. So steady use keeps what
 * it uses, however much that is, and an idle depot is empty after two visits.
 */
#include <kernel/printk.h>
#include <kernel/string.h>

#include "../cache.h"
#include "../fail.h"
#include "../objects.h"
#include "../slabs.h"
#include "depot.h"

/* -- sheaves --------------------------------------------------------------------------- */

/* Sizes that fill a page well, together with the slab's descriptor. */
static const size_t sheaf_sizes[] = {
	64, 128, 256, 448, 960, 1920, SHEAF_BYTES_MAX,
};
BUILD_ASSERT(ARRAY_SIZE(sheaf_sizes) == SLAB_NR_SHEAF_CACHES);

int
sheaf_start(struct slab_root *root)
{
	char name[KMEM_NAME_LEN + 1];
	int err = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(sheaf_sizes) && err == 0; i++) {
		snprintf(name, sizeof(name), "kmem_sheaf-%zu", sheaf_sizes[i]);
		err = slab_create_early(root, name, sheaf_sizes[i], CACHE_LINE,
					SLAB_ON_SLAB, &root->sheaves[i]);
	}
	return err;
}

bool
sheaf_is_sheaf_cache(const struct slab_cache *cache)
{
	const struct slab_root *root = cache->root;

	for (unsigned i = 0; i < ARRAY_SIZE(sheaf_sizes); i++)
		if (root->sheaves[i] == cache)
			return true;
	return false;
}

bool
sheaf_is_ours(const struct kmem_sheaf *sheaf)
{
	const struct page *page = env_page_of(sheaf);

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
	struct slab_cache *cache = depot->root->sheaves[sheaf_class(capacity)];
	struct kmem_sheaf *sheaf;

	if (env_fails() || slab_fails(cache, true))
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
	slab_put_back(sheaf);
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

/* -- a shelf's lists ---------------------------------------------------------------------- */

size_t
depot_bytes(void)
{
	return offsetof(struct depot, shelves) +
	       env_nr_cpus() * sizeof(struct shelf);
}

void
depot_init(struct depot *depot, struct slab_root *root)
{
	memset(depot, 0, depot_bytes());
	depot->root = root;
	for (unsigned id = 0; id < env_nr_cpus(); id++)
		env_lock_init(&depot->shelves[id].lock, "slab shelf");
}

/* Others look at the counts without the lock. */
static inline void
set_nr(unsigned *nr, unsigned value)
{
	atomic_store_relaxed(nr, value);
}

static inline struct kmem_sheaf *
pop_full(struct shelf *shelf) REQUIRES(shelf->lock)
{
	struct kmem_sheaf *sheaf = shelf->full;

	if (sheaf == NULL)
		return NULL;
	shelf->full = sheaf->next;
	set_nr(&shelf->nr_full, shelf->nr_full - 1);
	shelf->least_full = MIN(shelf->least_full, shelf->nr_full);
	return sheaf;
}

static inline struct kmem_sheaf *
pop_empty(struct shelf *shelf) REQUIRES(shelf->lock)
{
	struct kmem_sheaf *sheaf = shelf->empty;

	if (sheaf == NULL)
		return NULL;
	shelf->empty = sheaf->next;
	set_nr(&shelf->nr_empty, shelf->nr_empty - 1);
	shelf->least_empty = MIN(shelf->least_empty, shelf->nr_empty);
	return sheaf;
}

/* false: no room, or not a sheaf of the size that is wanted now. */
static inline bool
push_full(const struct depot *depot, struct shelf *shelf,
	  struct kmem_sheaf *sheaf) REQUIRES(shelf->lock)
{
	debug_assert(sheaf->nr == sheaf->capacity);
	if (shelf->nr_full >= shelf->max ||
	    sheaf->capacity != atomic_load_relaxed(&depot->capacity)) {
		shelf->refused++;
		return false;
	}
	sheaf->next = shelf->full;
	shelf->full = sheaf;
	set_nr(&shelf->nr_full, shelf->nr_full + 1);
	return true;
}

static inline bool
push_empty(const struct depot *depot, struct shelf *shelf,
	   struct kmem_sheaf *sheaf) REQUIRES(shelf->lock)
{
	debug_assert(sheaf->nr == 0);
	if (shelf->nr_empty >= shelf->max ||
	    sheaf->capacity != atomic_load_relaxed(&depot->capacity))
		return false;
	sheaf->next = shelf->empty;
	shelf->empty = sheaf;
	set_nr(&shelf->nr_empty, shelf->nr_empty + 1);
	return true;
}

/* -- exchanges ------------------------------------------------------------------------------- */

/* The i-th shelf that this CPU looks at; its own is the first. Here. */
static inline struct shelf *
shelf_near(struct depot *depot, unsigned i)
{
	unsigned id = env_cpu() + i;

	return &depot->shelves[id < env_nr_cpus() ? id : id - env_nr_cpus()];
}

/* A full sheaf of this shelf, for *empty. Here. */
static inline struct kmem_sheaf *
shelf_take_full(const struct depot *depot, struct shelf *shelf,
		struct kmem_sheaf **empty) EXCLUDES(shelf->lock)
{
	struct kmem_sheaf *full;

	if (atomic_load_relaxed(&shelf->nr_full) == 0)
		return NULL;
	env_lock_here(&shelf->lock);
	full = pop_full(shelf);
	shelf->full_out += full != NULL;
	if (full != NULL && *empty != NULL &&
	    push_empty(depot, shelf, *empty)) {
		shelf->empty_in++;
		*empty = NULL;
	}
	env_unlock_here(&shelf->lock);
	return full;
}

/* From the other CPUs' shelves. */
static __noinline struct kmem_sheaf *
fetch_full(struct depot *depot, struct kmem_sheaf **empty)
{
	for (unsigned i = 1; i < env_nr_cpus(); i++) {
		struct shelf *shelf = shelf_near(depot, i);
		struct kmem_sheaf *full = shelf_take_full(depot, shelf, empty);

		if (full != NULL) {
			slab_count(shelf_near(depot, 0)->fetched);
			return full;
		}
	}
	return NULL;
}

struct kmem_sheaf *
depot_take_full(struct depot *depot, struct kmem_sheaf **empty)
{
	struct kmem_sheaf *full =
		shelf_take_full(depot, shelf_near(depot, 0), empty);

	return likely(full != NULL) ? full : fetch_full(depot, empty);
}

/* An empty sheaf of this shelf; *full is left there. Here. */
static inline struct kmem_sheaf *
shelf_take_empty(const struct depot *depot, struct shelf *shelf,
		 struct kmem_sheaf **full, bool is_remote) EXCLUDES(shelf->lock)
{
	struct kmem_sheaf *empty;

	env_lock_here(&shelf->lock);
	empty = pop_empty(shelf);
	shelf->empty_out += empty != NULL;
	if (*full != NULL && push_full(depot, shelf, *full)) {
		shelf->full_in++;
		shelf->remote_in += is_remote;
		*full = NULL;
	}
	env_unlock_here(&shelf->lock);
	return empty;
}

/* From the other CPUs' shelves. */
static __noinline struct kmem_sheaf *
fetch_empty(struct depot *depot)
{
	for (unsigned i = 1; i < env_nr_cpus(); i++) {
		struct shelf *shelf = shelf_near(depot, i);
		struct kmem_sheaf *empty, *none = NULL;

		if (atomic_load_relaxed(&shelf->nr_empty) == 0)
			continue;
		empty = shelf_take_empty(depot, shelf, &none, false);
		if (empty != NULL) {
			slab_count(shelf_near(depot, 0)->fetched);
			return empty;
		}
	}
	return NULL;
}

struct kmem_sheaf *
depot_take_empty(struct depot *depot, struct kmem_sheaf **full, bool is_remote)
{
	struct kmem_sheaf *empty =
		shelf_take_empty(depot, shelf_near(depot, 0), full, is_remote);

	return likely(empty != NULL) ? empty : fetch_empty(depot);
}

bool
depot_put_full(struct depot *depot, struct kmem_sheaf *sheaf)
{
	irq_state_t state = env_irqs_off();
	struct shelf *shelf = shelf_near(depot, 0);
	bool is_kept;

	env_lock_here(&shelf->lock);
	is_kept = push_full(depot, shelf, sheaf);
	shelf->full_in += is_kept;
	env_unlock_here(&shelf->lock);
	env_irqs_restore(state);
	return is_kept;
}

void
depot_put_empty(struct depot *depot, struct kmem_sheaf *sheaf)
{
	irq_state_t state = env_irqs_off();
	struct shelf *shelf = shelf_near(depot, 0);
	bool is_kept;

	env_lock_here(&shelf->lock);
	is_kept = push_empty(depot, shelf, sheaf);
	shelf->empty_in += is_kept;
	env_unlock_here(&shelf->lock);
	env_irqs_restore(state);
	if (!is_kept)
		sheaf_free(sheaf);
}

/* -- giving back ------------------------------------------------------------------------------ */

/* One sheaf after the other, so that the lock is never held for long. */
static struct kmem_sheaf *
shelf_pop(struct shelf *shelf, bool is_full) EXCLUDES(shelf->lock)
{
	irq_state_t state = env_lock(&shelf->lock);
	struct kmem_sheaf *sheaf = is_full ? pop_full(shelf) : pop_empty(shelf);

	shelf->given_back += sheaf != NULL;
	env_unlock(&shelf->lock, state);
	return sheaf;
}

static void
shelf_give_back(struct slab_cache *cache, unsigned nodeid, struct shelf *shelf,
		unsigned nr_full, unsigned nr_empty)
{
	struct kmem_sheaf *sheaf;

	for (; nr_full > 0; nr_full--) {
		sheaf = shelf_pop(shelf, true);
		if (sheaf == NULL)
			break;
		sheaf_dissolve(cache, nodeid, sheaf);
	}
	for (; nr_empty > 0; nr_empty--) {
		sheaf = shelf_pop(shelf, false);
		if (sheaf == NULL)
			break;
		sheaf_free(sheaf);
	}
}

void
depot_drain(struct slab_cache *cache, unsigned nodeid)
{
	struct depot *depot = cache->node[nodeid]->depot;

	for (unsigned id = 0; depot != NULL && id < env_nr_cpus(); id++)
		shelf_give_back(cache, nodeid, &depot->shelves[id], UINT32_MAX,
				UINT32_MAX);
}

static void
shelf_reap(struct slab_cache *cache, unsigned nodeid, struct shelf *shelf)
{
	irq_state_t state = env_lock(&shelf->lock);
	unsigned nr_full = shelf->least_full, nr_empty = shelf->least_empty;

	shelf->least_full = shelf->nr_full;
	shelf->least_empty = shelf->nr_empty;
	env_unlock(&shelf->lock, state);
	shelf_give_back(cache, nodeid, shelf, nr_full, nr_empty);
}

void
depot_reap(struct slab_cache *cache, unsigned nodeid)
{
	struct depot *depot = cache->node[nodeid]->depot;

	for (unsigned id = 0; depot != NULL && id < env_nr_cpus(); id++)
		shelf_reap(cache, nodeid, &depot->shelves[id]);
}

void
depot_tune(struct depot *depot, const struct slab_tunables *tunables)
{
	atomic_store_relaxed(&depot->capacity, tunables->limit);
	atomic_store_relaxed(&depot->batchcount, tunables->batchcount);
	for (unsigned id = 0; id < env_nr_cpus(); id++) {
		struct shelf *shelf = &depot->shelves[id];
		irq_state_t state = env_lock(&shelf->lock);

		shelf->max = tunables->shared;
		env_unlock(&shelf->lock, state);
	}
}
