/*
 * What goes wrong with slabs: every allocation fails in turn; no memory at all; bad
 * pointers; caches that are still in use. Under each layer between CPUs and slabs.
 */
#include <kernel/error.h>

#include "kmem/slab/cache.h"
#include "kmem/slab/chain.h"
#include "kmem/slab/debug/validate.h"
#include "kmem/slab/percpu/layer.h"
#include "slab_machine.h"

/* Objects of all caches that somebody has: a leak smaller than a page shows. At rest,
 * because sheaves are objects, too. */
static size_t
nr_live_of_all(void)
{
	struct slab_cache *cache;
	size_t nr = 0;

	(void)kmem_shrink();
	for (cache = NULL;
	     (cache = slab_chain_next(&slab_kernel_root, cache)) != NULL;)
		nr += slab_validate_nr_live(cache);
	return nr;
}

/* -- every allocation fails in turn --------------------------------------------- */

struct fails {
	size_t before, live; /* free pages; objects of all, without the cache */
	size_t live_made;    /* and with it */
	struct slab_cache *cache;
	unsigned nr_failed; /* creations */
	void *object;
	struct slab_tunables usual;
	char back[64]; /* to these tunables, as slabinfo takes it */
	int err;
};

static void
attempt_creation(void *arg)
{
	struct fails *fails = arg;
	struct kmem_cache *made = kmem_cache_create("fails", 2000, 0, 0, NULL);

	fails->cache = made != NULL ? slab_cache_of(made) : NULL;
}

/* It is made at last. */
static void
check_creation(void *arg, bool has_failed)
{
	struct fails *fails = arg;

	if (!has_failed)
		return;
	/* On two nodes the other one helps out. */
	if (fails->cache != NULL)
		cache_end(fails->cache);
	else
		fails->nr_failed++;
	assert_int_equal(nr_free_at_rest(), fails->before);
	assert_int_equal(nr_live_of_all(), fails->live);
	assert_true(slab_validate(&slab_kernel_root));
}

static void
attempt_allocation(void *arg)
{
	struct fails *fails = arg;

	fails->object = kmem_cache_alloc(&fails->cache->base,
					 GFP_KERNEL | __GFP_NOWARN);
}

static void
check_allocation(void *arg, bool has_failed)
{
	struct fails *fails = arg;

	kmem_cache_free(&fails->cache->base, fails->object);
	assert_int_equal(slab_validate_nr_live(fails->cache), 0);
	assert_true(slab_validate_cache(fails->cache));
}

static void
attempt_tuning(void *arg)
{
	struct fails *fails = arg;

	fails->err = kmem_slabinfo_write("fails 30 15 2");
}

static void
check_tuning(void *arg, bool has_failed)
{
	struct fails *fails = arg;

	if (!has_failed) {
		assert_int_equal(fails->err, 0);
		return;
	}
	assert_true(fails->err == -E_NO_MEM || fails->err == 0);
	assert_int_equal(fails->cache->tunables.limit,
			 fails->err == 0 ? 30 : fails->usual.limit);
	assert_int_equal(kmem_slabinfo_write(fails->back), 0);
	assert_int_equal(nr_live_of_all(), fails->live_made);
	assert_true(slab_validate_cache(fails->cache));
}

static void
every_failure_is_clean(void **state)
{
	static const struct failing creation = { .attempt = attempt_creation,
						 .check = check_creation };
	static const struct failing allocation = {
		.attempt = attempt_allocation, .check = check_allocation
	};
	static const struct failing tuning = { .attempt = attempt_tuning,
					       .check = check_tuning };
	struct fails fails = { .before = nr_free_at_rest(),
			       .live = nr_live_of_all() };

	if (!KERNEL_DEBUG)
		skip();
	(void)fail_in_turn(&creation, &fails);
	/* Descriptor, 2 nodes, counters; array, 2 aliens; or CPU's part, 2
	 * depots: at least. */
	assert_true(fails.nr_failed >= 7);
	assert_non_null(fails.cache);
	assert_true(fail_in_turn(&allocation, &fails) >= 2);
	fails.usual = slab_tunables_get(fails.cache);
	snprintf(fails.back, sizeof(fails.back), "fails %u %u %u",
		 fails.usual.limit, fails.usual.batchcount, fails.usual.shared);
	fails.live_made = nr_live_of_all();
	(void)fail_in_turn(&tuning, &fails);
	cache_end(fails.cache);
	assert_int_equal(nr_live_of_all(), fails.live);
	assert_int_equal(nr_free_at_rest(), fails.before);
}

/* -- no memory ------------------------------------------------------------------ */

/* All memory in small objects, then none. */
static void
no_memory_at_all(void **state)
{
	size_t before = nr_free_at_rest();
	struct slab_cache *cache = cache_new_with("all", 300, 0, 0, construct);
	void *bulk[100], **chain = NULL, **object;
	size_t nr = 0;

	while ((object = kmem_cache_alloc(&cache->base,
					  GFP_KERNEL | __GFP_NOWARN)) != NULL) {
		object[20] = chain;
		chain = object;
		nr++;
	}
	assert_true(nr > machine->ram_bytes / 400);
	assert_int_equal(slab_validate_nr_live(cache), nr);
	/* All or nothing. */
	object = chain;
	if (object != NULL) {
		chain = object[20];
		kmem_cache_free(&cache->base, object);
	}
	assert_false(kmem_cache_alloc_bulk(
		&cache->base, GFP_KERNEL | __GFP_NOWARN, 100, bulk));
	assert_int_equal(slab_validate_nr_live(cache), nr - 1);
	while (chain != NULL) {
		object = chain;
		chain = chain[20];
		kmem_cache_free(&cache->base, object);
	}
	assert_true(slab_validate_cache(cache));
	cache_end(cache);
	assert_int_equal(nr_free_at_rest(), before);
}

/* -- callers' mistakes ---------------------------------------------------------- */

static void
bad_pointers_are_told(void **state)
{
	struct slab_cache *cache = cache_new("told", 100);
	struct slab_cache *other = cache_new("other", 100);
	char *object = kmem_cache_alloc(&cache->base, GFP_KERNEL);
	char *large = kmalloc(KMEM_CACHE_SIZE_MAX + 1, GFP_KERNEL);
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned long reports = kmem_nr_reports();

	/* In every build. */
	assert_int_equal(ksize(large), KMEM_CACHE_SIZE_MAX + PAGE_SIZE);
	kfree(large + 1);
	kfree(large + PAGE_SIZE);
	kfree(page_to_virt(page));
	assert_int_equal(kmem_nr_reports() - reports, 3);
	kfree(large);
	kfree(large);
	assert_int_equal(kmem_nr_reports() - reports, 4);
	/* A second free, once both have come to the slab. */
	kmem_cache_free(&cache->base, object);
	kmem_cache_free(&cache->base, object);
	(void)kmem_cache_shrink(&cache->base);
	assert_int_equal(kmem_nr_reports() - reports, 5);
	assert_int_equal(cache->node[0]->nr_errors, 1);
	if (KERNEL_DEBUG) {
		object = kmem_cache_alloc(&cache->base, GFP_KERNEL);
		kmem_cache_free(&cache->base, object + 1);
		kmem_cache_free(&other->base, object);
		kfree(object - 2);
		assert_int_equal(kmem_nr_reports() - reports, 8);
		kmem_cache_free(&cache->base, object);
	}
	free_page(page);
	cache_end(other);
	cache_end(cache);
}

static void
busy_cache_stays(void **state)
{
	struct slab_cache *cache = cache_new("busy", 96);
	void *object = kmem_cache_alloc(&cache->base, GFP_KERNEL);
	size_t nr_live;

	assert_int_equal(slab_destroy(cache, &nr_live), -E_BUSY);
	assert_int_equal(nr_live, 1);
	assert_null(kmem_cache_create("kmalloc-96", 96, 0, 0, NULL));
	assert_true(slab_validate(&slab_kernel_root));
	kmem_cache_free(&cache->base, object);
	cache_end(cache);
}

static int
run_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_pointers_are_told),
		cmocka_unit_test(every_failure_is_clean),
		cmocka_unit_test(no_memory_at_all),
		cmocka_unit_test(busy_cache_stays),
	};

	return cmocka_run_group_tests(tests, machine_start, NULL);
}

int
main(void)
{
	return run_under_each_layer(run_group);
}
