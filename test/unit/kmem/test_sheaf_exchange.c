/*
 * Whole sheaves go from hand to hand. On one node.
 *
 *	exchange	between a CPU and its depot: by their addresses, by their contents,
 *			by the counters; no slab hears of it
 *	edges		no visit to the depot within `limit` operations
 *
 * SEED in the environment repeats an order in which objects come back.
 */
#include "kmem/slab/debug/validate.h"
#include "kmem/slab/percpu/depot.h"
#include "kmem/slab/reap.h"
#include "kmem/slab/slabs.h"
#include "sheaf_machine.h"

/* -- exchange ------------------------------------------------------------------- */

/* The sheaf that a CPU fills goes to the depot, and comes back from there, as it is:
 * the same address, the same objects in the same places. */
static void
sheaves_go_by_pointer(void **state)
{
	struct slab_cache *cache = cache_new("pointer", 192);
	unsigned limit = cache->tunables.limit, nr = 3 * limit;
	struct sheaf_cpu *sc = cpu_of(cache);
	struct shelf *shelf = shelf_of(cache, 0);
	struct kmem_sheaf *first, *second, *third;

	assert_int_equal(limit, 108);
	alloc_many(cache, nr);
	(void)kmem_cache_shrink(&cache->base);
	assert_null(sc->loaded);
	for (unsigned i = 0; i < limit; i++)
		kmem_cache_free(&cache->base, objects[i]);
	first = loaded(cache);
	for (unsigned i = limit; i < 2 * limit; i++)
		kmem_cache_free(&cache->base, objects[i]);
	second = loaded(cache);
	assert_ptr_equal(sc->previous, first);
	assert_int_equal(shelf->nr_full, 0);
	for (unsigned i = 2 * limit; i < nr; i++)
		kmem_cache_free(&cache->base, objects[i]);
	third = loaded(cache);
	assert_ptr_equal(shelf->full, first);
	assert_ptr_equal(sc->previous, second);
	assert_int_equal(shelf->nr_full, 1);
	assert_int_equal(shelf->full_in, 1);
	for (unsigned i = 0; i < limit; i++)
		assert_ptr_equal(first->entry[1 + i], objects[i]);
	/* The other way round; nothing came out of slabs or went there. */
	assert_int_equal(cache->node[0]->put, cache->node[0]->taken - nr);
	for (unsigned i = nr; i-- > 0;)
		assert_ptr_equal(kmem_cache_alloc(&cache->base, GFP_KERNEL),
				 objects[i]);
	assert_ptr_equal(sc->loaded, first);
	assert_ptr_equal(sc->previous, second);
	assert_ptr_equal(shelf->empty, third);
	assert_int_equal(shelf->full_out, 1);
	assert_int_equal(shelf->empty_in, 1);
	assert_int_equal(cache->node[0]->put, cache->node[0]->taken - nr);
	depots_are_sound(cache);
	free_many(cache, nr);
	cache_end(cache);
}

/* Steady state: thousands of objects come and go, none of them to or from a slab,
 * in whatever order. */
static void
bursts_touch_no_slab(void **state)
{
	struct slab_cache *cache = cache_new("burst", 192);
	struct kmem_cache_node *node = cache->node[0];
	unsigned limit = cache->tunables.limit;
	unsigned long taken, put, full_in;
	size_t sheaves;

	random_start("bursts_touch_no_slab");
	alloc_many(cache, MANY);
	free_many(cache, MANY);
	taken = node->taken;
	put = node->put;
	sheaves = nr_sheaves();
	assert_true(put == 0);
	for (unsigned round = 0; round < 5; round++) {
		full_in = shelf_of(cache, 0)->full_in;
		alloc_many(cache, MANY);
		for (unsigned i = MANY - 1; i > 0; i--) {
			unsigned j = (unsigned)random_below(i + 1);
			void *object = objects[i];

			objects[i] = objects[j];
			objects[j] = object;
		}
		free_many(cache, MANY);
		assert_int_equal(node->taken, taken);
		assert_int_equal(node->put, put);
		assert_int_equal(nr_sheaves(), sheaves);
		full_in = shelf_of(cache, 0)->full_in - full_in;
		assert_true(full_in >= MANY / limit - 3 &&
			    full_in <= MANY / limit);
	}
	depots_are_sound(cache);
	cache_end(cache);
}

/* A bulk is served by whole sheaves, too, although slabs have free objects. */
static void
bulk_uses_sheaves(void **state)
{
	struct slab_cache *cache = cache_new("bulk", 192);
	struct kmem_cache_node *node = cache->node[0];
	unsigned long taken, put;

	alloc_many(cache, MANY);
	free_many(cache, MANY / 2);
	slab_put(cache, 0, objects + MANY / 2, MANY / 2);
	assert_true(node->free_objects > 0);
	taken = node->taken;
	put = node->put;
	for (unsigned round = 0; round < 3; round++) {
		assert_true(kmem_cache_alloc_bulk(&cache->base, GFP_KERNEL,
						  MANY / 2, objects));
		assert_int_equal(slab_validate_nr_live(cache), MANY / 2);
		kmem_cache_free_bulk(&cache->base, MANY / 2, objects);
		assert_int_equal(slab_validate_nr_live(cache), 0);
	}
	assert_int_equal(node->taken, taken);
	assert_int_equal(node->put, put);
	cache_end(cache);
}

/* Who was idle takes little at first, then a whole batch. */
static void
first_refill_is_small(void **state)
{
	struct slab_cache *cache = cache_new("first", 192);
	unsigned limit = cache->tunables.limit;
	unsigned batch = cache->tunables.batchcount;

	assert_int_equal(batch, limit / 2);
	alloc_many(cache, 3 * limit);
	free_many(cache, 3 * limit);
	slab_drain(cache);
	(void)percpu_was_touched(cache, cache->cpu[0]);
	assert_true(cache->node[0]->free_objects >= 16 + batch);
	cache->node[0]->taken = 0;
	alloc_many(cache, 1 + 16);
	assert_int_equal(cache->node[0]->taken, 16 + batch);
	free_many(cache, 1 + 16);
	cache_end(cache);
}

/* -- edges ---------------------------------------------------------------------- */

/* What a visit to the depot changes. */
static unsigned long
nr_visits(const struct slab_cache *cache)
{
	const struct shelf *shelf = shelf_of(cache, 0);

	return shelf->full_in + shelf->full_out + shelf->empty_in +
	       shelf->empty_out + shelf->refused;
}

/* Wherever between sheaves a caller hovers, with whatever swing up to `limit`: the
 * depot hears nothing of it. */
static void
edges_do_not_thrash(void **state)
{
	struct slab_cache *cache = cache_new("edge", 192);
	unsigned limit = cache->tunables.limit;
	unsigned long visits, taken;

	alloc_many(cache, 6 * limit);
	free_many(cache, 6 * limit);
	for (unsigned at = 0; at < 3 * limit; at++) {
		objects[at] = kmem_cache_alloc(&cache->base, GFP_KERNEL);
		for (unsigned swing = 1; swing <= limit; swing += 17) {
			void *swung[108];

			/* Once for the visit that may be due, then many. */
			for (unsigned i = 0; i < swing; i++)
				swung[i] = kmem_cache_alloc(&cache->base,
							    GFP_KERNEL);
			visits = nr_visits(cache);
			taken = cache->node[0]->taken;
			for (unsigned round = 0; round < 5; round++) {
				for (unsigned i = 0; i < swing; i++)
					kmem_cache_free(&cache->base, swung[i]);
				for (unsigned i = 0; i < swing; i++)
					swung[i] = kmem_cache_alloc(
						&cache->base, GFP_KERNEL);
			}
			assert_int_equal(nr_visits(cache), visits);
			assert_int_equal(cache->node[0]->taken, taken);
			for (unsigned i = 0; i < swing; i++)
				kmem_cache_free(&cache->base, swung[i]);
		}
	}
	free_many(cache, 3 * limit);
	cache_end(cache);
}

static int
run_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sheaves_go_by_pointer),
		cmocka_unit_test(bursts_touch_no_slab),
		cmocka_unit_test(bulk_uses_sheaves),
		cmocka_unit_test(first_refill_is_small),
		cmocka_unit_test(edges_do_not_thrash),
	};

	return cmocka_run_group_tests_name(machine->name, tests, machine_start,
					   NULL);
}

int
main(void)
{
	return run_with_sheaves(1, 1, run_group);
}
