/*
 * failslab: objects of the slab allocator that fail on purpose, in every build.
 *
 * Which of them is said in the words of <kernel/inject.h>, and two more:
 *	cache=NAME	only this cache's
 *	internal=1	also what the allocator needs for itself: descriptors,
 *			arrays, counters. Without it a cache that is created
 *			while others fail is made all the same.
 *
 * A cache that failslab wants is closed (percpu/part.c): the front's stacks of free
 * objects are out of its reach, so each operation comes to backend.c, which
 * asks slab_fails(). While it is off nothing is closed, and the usual path knows
 * nothing of it; where the front did not serve, one test is added.
 *
 * A cache is closed or opened when failslab is set, and when it is created. A
 * creation that overlaps a setting may miss it; so it looks again when others
 * can see the cache (slab_fail_apply).
 *
 * LOCKING.  An instance's fail.lock (rank KMEM) guards the cache's name. Settings are changed
 * by one thread at a time: the monitor's, or a check's.
 */
#include <kernel/option.h>
#include <kernel/error.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#include "chain.h"
#include "fail.h"

/* What the words say beside inject_parse's. */
struct filter {
	char cache[KMEM_NAME_LEN + 1]; /* "": all */
	long internal;
};

/* -- which caches ------------------------------------------------------------------ */

static struct filter
filter_get(struct slab_fail *fail)
{
	irq_state_t state = env_lock(&fail->lock);
	struct filter copy = { .internal = fail->internal };

	(void)strlcpy(copy.cache, fail->cache, sizeof(copy.cache));
	env_unlock(&fail->lock, state);
	return copy;
}

static void
filter_set(struct slab_fail *fail, const struct filter *wanted)
{
	irq_state_t state = env_lock(&fail->lock);

	(void)strlcpy(fail->cache, wanted->cache, sizeof(fail->cache));
	fail->internal = wanted->internal;
	env_unlock(&fail->lock, state);
}

void
slab_fail_init(struct slab_fail *fail)
{
	fail->attr.name = "failslab";
	env_lock_init(&fail->lock, "failslab");
}

bool
slab_fail_wants(struct slab_root *root, const char *name)
{
	struct filter now;

	if (atomic_load(&root->fail.attr.is_armed) == 0)
		return false;
	now = filter_get(&root->fail);
	return now.cache[0] == '\0' || strcmp(now.cache, name) == 0;
}

void
slab_fail_apply(struct slab_cache *cache)
{
	bool is_closed = atomic_load_relaxed(&cache->closed) &
			 SLAB_CLOSED_FAILSLAB;
	bool is_wanted = slab_fail_wants(cache->root, cache->base.name);

	if (is_wanted && !is_closed)
		percpu_close(cache, SLAB_CLOSED_FAILSLAB);
	else if (!is_wanted && is_closed)
		percpu_open(cache, SLAB_CLOSED_FAILSLAB);
}

static void
apply_to_all(struct slab_root *root)
{
	struct slab_cache *cache;

	for (cache = NULL; (cache = slab_chain_next(root, cache)) != NULL;)
		slab_fail_apply(cache);
}

/* -- failing ------------------------------------------------------------------------ */

bool
should_failslab(const struct slab_cache *cache, bool is_own)
{
	struct slab_fail *fail = &cache->root->fail;

	if (is_own && filter_get(fail).internal == 0)
		return false;
	return inject_should_fail(&fail->attr, cache->base.object_size,
				  (uintptr_t)__builtin_return_address(0));
}

/* -- by text ------------------------------------------------------------------------- */

/* cache=, internal=. */
static int
filter_word(const char *name, const char *value, void *arg)
{
	struct filter *wanted = arg;

	if (strcmp(name, "cache") == 0)
		return value[0] != '\0' && strlcpy(wanted->cache, value,
						   sizeof(wanted->cache)) <
						   sizeof(wanted->cache)
			       ? 0
			       : -E_INVAL;
	if (strcmp(name, "internal") != 0)
		return -E_NOT_FOUND;
	return parse_int(value, &wanted->internal) == 0 &&
			       (wanted->internal == 0 || wanted->internal == 1)
		       ? 0
		       : -E_INVAL;
}

/* Without a look at caches: there may be none yet. */
static int
settings_set(struct slab_fail *fail, const char *text)
{
	struct filter wanted = { .cache = "" };
	struct inject_settings settings;

	if (inject_text_is_off(text)) {
		inject_disarm(&fail->attr);
		return 0;
	}
	if (inject_parse("failslab", text, &settings, filter_word, &wanted) !=
	    0)
		return -E_INVAL;
	inject_disarm(&fail->attr);
	filter_set(fail, &wanted);
	inject_sites_clear(&fail->attr);
	inject_arm(&fail->attr, &settings);
	return 0;
}

int
slab_fail_write(struct kmem *kmem, const char *text)
{
	struct slab_root *root = slab_root_of(kmem);
	int err = settings_set(&root->fail, text);

	if (err == 0)
		apply_to_all(root);
	return err;
}

void
slab_fail_print(struct kmem *kmem)
{
	struct slab_fail *fail = &slab_root_of(kmem)->fail;
	struct filter now = filter_get(fail);

	inject_print(&fail->attr);
	if (atomic_load(&fail->attr.is_armed) == 0)
		return;
	printk("failslab: %s%s, %s\n",
	       now.cache[0] != '\0' ? "only cache " : "",
	       now.cache[0] != '\0' ? now.cache : "all caches",
	       now.internal != 0 ? "the allocator's own objects too"
				 : "not the allocator's own objects");
}

/* -- failslab= ------------------------------------------------------------------------ */

static int
failslab_set(const char *text)
{
	return settings_set(&slab_kernel_root.fail, text);
}

static const char *
failslab_get(void)
{
	static char text[160];

	return inject_text(&slab_kernel_root.fail.attr, text, sizeof(text));
}

const struct boot_option failslab_option = {
	.name = "failslab",
	.help = "objects of kmalloc=slab fail on purpose",
	.values = "off, nth=N,interval=N,probability=N,times=N,space=N,"
		  "verbose=N,seed=N,pid=N,cache=NAME,internal=1, or "
		  "INTERVAL,PROBABILITY,SPACE,TIMES",
	.set = failslab_set,
	.get = failslab_get,
};

bool
slab_fail_at_boot(void)
{
	if (atomic_load(&slab_kernel_root.fail.attr.is_armed) == 0)
		return false;
	printk("failslab: %s\n", failslab_get());
	return true;
}
