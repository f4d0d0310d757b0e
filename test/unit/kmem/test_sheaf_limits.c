/*
 * What depots keep, and what goes back. On one node.
 *
 *	limits		how much at most
 *	reaping		the least that lay there since the last visit goes, and no more;
 *			an idle cache ends with nothing; what is left of a burst
 *	pressure	memory is short, and a depot has it all
 *
 * SEED in the environment repeats a choice of objects that stay.
 */
#include "kmem/slab/debug/validate.h"
#include "kmem/slab/percpu/depot.h"
#include "kmem/slab/slabs.h"
#include "sheaf_machine.h"

/* -- limits --------------------------------------------------------------------- */

static void
depots_have_limits(void **state)
{
	struct slab_cache *cache = cache_new("limits", 192);
	struct shelf *shelf = shelf_of(cache, 0);
	unsigned limit = cache->tunables.limit;

	/* One part in 32 of the node, objects and sheaves. */
	assert_true((size_t)shelf->max *
			    (limit * cache->layout.size + sheaf_bytes(limit)) <=
		    machine->ram_bytes / machine->nr_nodes / 32);
	assert_true((size_t)shelf->max * limit > 10000);
	assert_int_equal(kmem_slabinfo_write("limits 108 108 3"), 0);
	alloc_many(cache, 20 * limit);
	(void)kmem_cache_shrink(&cache->base);
	free_many(cache, 20 * limit);
	depots_are_sound(cache);
	assert_int_equal(shelf->nr_full, 3);
	assert_int_equal(shelf->refused, 20 - 2 - 3);
	assert_int_equal(cache->node[0]->put,
			 cache->node[0]->taken - 5ul * limit);
	assert_int_equal(slab_validate_nr_live(cache), 0);
	/* No sheaf was made to be thrown away: five in use. */
	assert_int_equal(
		slab_nr_out(env_page_of(shelf->full)->owner.cache) >= 5, true);
	alloc_many(cache, 20 * limit);
	assert_true(shelf->nr_empty <= 3);
	free_many(cache, 20 * limit);
	/* A depot that keeps nothing. */
	assert_int_equal(kmem_slabinfo_write("limits 108 20 0"), 0);
	alloc_many(cache, 20 * limit);
	free_many(cache, 20 * limit);
	depots_are_sound(cache);
	assert_int_equal(shelf->nr_full + shelf->nr_empty, 0);
	cache_end(cache);
}

/* -- reaping -------------------------------------------------------------------- */

/* What a cache swings by stays; what lay below its lowest point goes, and no more. */
static void
reaper_takes_the_least(void **state)
{
	struct slab_cache *cache = cache_new("least", 200);
	struct shelf *shelf = shelf_of(cache, 0);
	unsigned limit = cache->tunables.limit;

	alloc_many(cache, 40 * limit);
	free_many(cache, 40 * limit);
	assert_int_equal(shelf->nr_full, 38);
	reap_now(cache); /* takes none: the depot began empty */
	assert_int_equal(shelf->nr_full, 38);
	for (unsigned round = 0; round < 4; round++) {
		/* Two are the CPU's: down to 29 full ones, and back. */
		alloc_many(cache, 11 * limit);
		assert_int_equal(shelf->nr_full, round == 0 ? 29 : 0);
		free_many(cache, 11 * limit);
		assert_int_equal(shelf->nr_full, round == 0 ? 38 : 9);
		reap_now(cache);
		assert_int_equal(shelf->nr_full, 9);
		depots_are_sound(cache);
	}
	assert_int_equal(shelf->given_back, 29);
	/* Likewise the empty ones. */
	alloc_many(cache, 12 * limit);
	assert_int_equal(shelf->nr_full, 0);
	assert_int_equal(shelf->nr_empty, 9);
	reap_now(cache);
	reap_now(cache);
	assert_int_equal(shelf->nr_empty, 0);
	free_many(cache, 12 * limit);
	cache_end(cache);
}

/* An idle cache gives back all it holds within a minute, and its sheaves; one in use
 * keeps what it uses. */
static void
reaping_reaches_the_floor(void **state)
{
	size_t before = nr_free_at_rest(), sheaves = nr_sheaves();
	struct slab_cache *cache = cache_new("idle", 100);
	struct kmem_cache_node *node = cache->node[0];
	struct sheaf_cpu *sc = cpu_of(cache);

	alloc_many(cache, 1000);
	free_many(cache, 1000);
	assert_true(node->nr_slabs > 0 && sc->previous != NULL);
	assert_true(nr_sheaves() > sheaves + 10);
	for (unsigned round = 0; round < REAP_ROUNDS; round++) {
		reap_in_turn(cache, round);
		assert_true(slab_validate_cache(cache));
		if (round == 4)
			assert_int_equal(shelf_of(cache, 0)->nr_full, 0);
	}
	assert_null(sc->loaded);
	assert_null(sc->previous);
	assert_int_equal(node->nr_slabs, 0);
	assert_true(nr_sheaves() <= sheaves);
	use_keeps_reapers_off(cache);
	cache_end(cache);
	assert_int_equal(nr_free_at_rest(), before);
	assert_int_equal(nr_sheaves(), 0);
}

/* Nine tenths of a burst are freed, at random, and nobody asks for anything: most
 * of the memory is back by itself. */
static void
kept_after_a_burst(void **state)
{
	struct slab_cache *cache = cache_new("burst", 1100);
	size_t peak, kept;

	random_start("kept_after_a_burst");
	alloc_many(cache, MANY);
	peak = cache->node[0]->nr_slabs;
	for (unsigned i = 0; i < MANY; i++) {
		if (random_below(10) == 0)
			continue;
		kmem_cache_free(&cache->base, objects[i]);
		objects[i] = NULL;
	}
	for (unsigned rounds = 0; rounds < 15; rounds++)
		reap_now(cache);
	kept = cache->node[0]->nr_slabs;
	/* Of three (64-bit) objects of a page, or seven of two, one is alive. */
	assert_true(kept * 100 <= peak * 60);
	for (unsigned i = 0; i < MANY; i++)
		kmem_cache_free(&cache->base, objects[i]);
	cache_end(cache);
}

/* -- pressure ------------------------------------------------------------------- */

/* Everything lies in one cache's depot; an interrupt wants another kind. */
static void
pressure_empties_depots(void **state)
{
	struct slab_cache *one = cache_new("one", 4096);
	struct slab_cache *other = cache_new("other", 2048);
	void *chain = NULL, *object;
	size_t nr = 0;

	assert_int_equal(kmem_slabinfo_write("one 12 12 60000"), 0);
	while ((object = kmem_cache_alloc(&one->base,
					  GFP_KERNEL | __GFP_NOWARN)) != NULL) {
		*(void **)object = chain;
		chain = object;
		nr++;
	}
	while (chain != NULL) {
		object = chain;
		chain = *(void **)chain;
		kmem_cache_free(&one->base, object);
	}
	assert_true(shelf_of(one, 0)->nr_full > nr / 12 / nr_page_nodes / 2);
	assert_true(nr_free_pages() < nr_managed_pages() / 8);
	for (unsigned i = 0; i < MANY; i++) {
		objects[i] = kmem_cache_alloc(&other->base, GFP_ATOMIC);
		assert_non_null(objects[i]);
	}
	free_many(other, MANY);
	cache_end(other);
	cache_end(one);
}

static int
run_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(depots_have_limits),
		cmocka_unit_test(reaper_takes_the_least),
		cmocka_unit_test(reaping_reaches_the_floor),
		cmocka_unit_test(kept_after_a_burst),
		cmocka_unit_test(pressure_empties_depots),
	};

	return cmocka_run_group_tests_name(machine->name, tests, machine_start,
					   NULL);
}

int
main(void)
{
	return run_with_sheaves(1, 1, run_group);
}
