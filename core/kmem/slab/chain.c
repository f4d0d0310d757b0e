/*
 * The chain of all caches: walks over it by pins, and one at a time who tunes.
 *
 * LOCKING.  chain_lock (rank KMEM). A walker pins the cache it looks at; the end of a
 * cache waits for pins.
 */
#include "chain.h"

#include <kernel/error.h>
#include <kernel/string.h>

#include "debug/hooks.h"
#include "percpu/layer.h"

static inline struct list *
link_beyond(const struct list *link, bool forward)
{
	return forward ? link->next : link->prev;
}

/* Pins the next one in this direction, unpins `cache` (NULL: begins). */
static struct slab_cache *
chain_step(struct slab_root *root, struct slab_cache *cache, bool forward)
{
	irq_state_t state = env_lock(&root->chain_lock);
	struct slab_cache *next = NULL;
	struct list *pos;

	pos = link_beyond(cache != NULL ? &cache->chain : &root->chain,
			  forward);
	for (; pos != &root->chain; pos = link_beyond(pos, forward)) {
		next = list_entry(pos, struct slab_cache, chain);
		if (!next->is_dying)
			break;
		next = NULL;
	}
	if (next != NULL)
		next->nr_pins++;
	if (cache != NULL)
		cache->nr_pins--;
	env_unlock(&root->chain_lock, state);
	return next;
}

struct slab_cache *
slab_chain_next(struct slab_root *root, struct slab_cache *cache)
{
	return chain_step(root, cache, true);
}

struct slab_cache *
slab_chain_prev(struct slab_root *root, struct slab_cache *cache)
{
	return chain_step(root, cache, false);
}

void
slab_chain_unpin(struct slab_cache *cache)
{
	irq_state_t state = env_lock(&cache->root->chain_lock);

	assert(cache->nr_pins > 0);
	cache->nr_pins--;
	env_unlock(&cache->root->chain_lock, state);
}

static struct slab_cache *
chain_find(struct slab_root *root, const char *name) REQUIRES(root->chain_lock)
{
	struct list *pos;

	list_for_each(pos, &root->chain) {
		struct slab_cache *cache =
			list_entry(pos, struct slab_cache, chain);

		if (!cache->is_dying && strcmp(cache->base.name, name) == 0)
			return cache;
	}
	return NULL;
}

struct slab_cache *
slab_chain_find(struct slab_root *root, const char *name)
{
	irq_state_t state = env_lock(&root->chain_lock);
	struct slab_cache *cache = chain_find(root, name);

	if (cache != NULL)
		cache->nr_pins++;
	env_unlock(&root->chain_lock, state);
	return cache;
}

void
slab_chain_init(struct slab_root *root)
{
	list_init(&root->chain);
}

/* Whether the name was free. */
bool
slab_chain_link(struct slab_cache *cache)
{
	struct slab_root *root = cache->root;
	irq_state_t state = env_lock(&root->chain_lock);
	bool is_free = chain_find(root, cache->base.name) == NULL;

	if (is_free)
		list_add_tail(&root->chain, &cache->chain);
	env_unlock(&root->chain_lock, state);
	return is_free;
}

/* No walker comes here any more, and none but those of the caller is here. Waits:
 * for threads if it may sleep, else for other CPUs. */
void
slab_chain_close(struct slab_cache *cache, unsigned nr_own_pins)
{
	irq_state_t state = env_lock(&cache->root->chain_lock);

	cache->is_dying = true;
	while (cache->nr_pins > nr_own_pins) {
		env_unlock(&cache->root->chain_lock, state);
		env_nap();
		state = env_lock(&cache->root->chain_lock);
	}
	env_unlock(&cache->root->chain_lock, state);
}

void
slab_chain_reopen(struct slab_cache *cache)
{
	irq_state_t state = env_lock(&cache->root->chain_lock);

	cache->is_dying = false;
	env_unlock(&cache->root->chain_lock, state);
}

void
slab_chain_unlink(struct slab_cache *cache)
{
	irq_state_t state = env_lock(&cache->root->chain_lock);

	list_del(&cache->chain);
	env_unlock(&cache->root->chain_lock, state);
}

/* Whether nobody was at it; now the caller is. */
static bool
tune_begin(struct slab_cache *cache)
{
	irq_state_t state = env_lock(&cache->root->chain_lock);
	bool was_tuned = cache->is_tuned;

	cache->is_tuned = true;
	env_unlock(&cache->root->chain_lock, state);
	return !was_tuned;
}

/* NULL: they stay as they were. */
static void
tune_end(struct slab_cache *cache, const struct slab_tunables *tunables)
{
	irq_state_t state = env_lock(&cache->root->chain_lock);

	if (tunables != NULL)
		cache->tunables = *tunables;
	cache->is_tuned = false;
	env_unlock(&cache->root->chain_lock, state);
}

int
slab_tune(struct slab_cache *cache, const struct slab_tunables *tunables)
{
	int err;

	if (!tune_begin(cache))
		return -E_BUSY;
	/* Its parts are out of use while it is debugged. */
	err = slab_debug(cache) != 0 ? -E_BUSY
				     : cache->layer->tune(cache, tunables);
	tune_end(cache, err == 0 ? tunables : NULL);
	return err;
}

int
slab_chain_hold(struct slab_cache *cache)
{
	if (!tune_begin(cache))
		return -E_BUSY;
	slab_chain_close(cache, 1);
	return 0;
}

void
slab_chain_let_go(struct slab_cache *cache)
{
	slab_chain_reopen(cache);
	tune_end(cache, NULL);
}

struct slab_tunables
slab_tunables_get(struct slab_cache *cache)
{
	irq_state_t state = env_lock(&cache->root->chain_lock);
	struct slab_tunables tunables = cache->tunables;

	env_unlock(&cache->root->chain_lock, state);
	return tunables;
}
