/*
 * Objects of other nodes, on 2 and 4 nodes: they gather in a sheaf for each home. A full
 * one goes home for an empty one, and all go at the reaper's visit. If the depot there
 * has no room, the objects go to their slabs. What lies in depots of nodes without a
 * CPU is given back when nobody needs it, as everywhere.
 */
#include "kmem/slab/debug/validate.h"
#include "kmem/slab/percpu/depot.h"
#include "kmem/slab/slabs.h"
#include "sheaf_machine.h"

static void
remote_sheaves_go_home(void **state)
{
	size_t before = nr_free_at_rest();
	struct slab_cache *cache = cache_new("remote", 192);
	unsigned limit = cache->tunables.limit;
	struct sheaf_cpu *sc = cpu_of(cache);

	for (unsigned home = 1; home < nr_page_nodes; home++) {
		struct shelf *shelf = shelf_of(cache, home);
		struct kmem_sheaf *sheaf;
		unsigned long put = cache->node[home]->put;

		for (unsigned i = 0; i < 3 * limit; i++)
			objects[i] = kmem_cache_alloc_node(&cache->base,
							   GFP_KERNEL, home);
		for (unsigned i = 0; i < limit; i++) {
			kmem_cache_free(&cache->base, objects[i]);
			assert_int_equal(sc->remote[home]->nr, i + 1);
		}
		/* Full, but here; the next one sends it off. */
		sheaf = sc->remote[home];
		assert_int_equal(shelf->nr_full, 0);
		kmem_cache_free(&cache->base, objects[limit]);
		assert_ptr_equal(shelf->full, sheaf);
		assert_int_equal(shelf->remote_in, 1);
		assert_ptr_not_equal(sc->remote[home], sheaf);
		for (unsigned i = limit + 1; i < 3 * limit; i++)
			kmem_cache_free(&cache->base, objects[i]);
		assert_int_equal(shelf->nr_full, 2);
		/* Nothing of it was touched, here or there. */
		assert_null(sc->loaded);
		assert_int_equal(cache->node[home]->put, put);
		assert_int_equal(shelf_of(cache, 0)->nr_full, 0);
		depots_are_sound(cache);
		assert_true(slab_validate_cache(cache));
		assert_int_equal(slab_validate_nr_live(cache), 0);
	}
	/* What gathered goes home regularly. */
	kmem_reap();
	for (unsigned home = 1; home < nr_page_nodes; home++) {
		assert_null(sc->remote[home]);
		assert_int_equal(cache->node[home]->put, limit);
	}
	/* Draining empties the other nodes' depots, too. */
	(void)kmem_cache_shrink(&cache->base);
	for (unsigned home = 1; home < nr_page_nodes; home++)
		assert_int_equal(cache->node[home]->nr_slabs, 0);
	cache_end(cache);
	assert_int_equal(nr_free_at_rest(), before);
}

/* The home depot gives an empty sheaf for each full one: none is made. */
static void
remote_sheaves_go_round(void **state)
{
	struct slab_cache *cache = cache_new("round", 192);
	unsigned limit = cache->tunables.limit, last = nr_page_nodes - 1;
	struct depot *home = cache->node[last]->depot;
	struct kmem_sheaf *none = NULL, *full;
	size_t sheaves;

	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < limit; i++)
			objects[i] = kmem_cache_alloc_node(&cache->base,
							   GFP_KERNEL, last);
		free_many(cache, limit);
		if (round == 2)
			sheaves = nr_sheaves();
		if (round > 2)
			assert_int_equal(nr_sheaves(), sheaves);
		/* What a CPU of that node does: uses one up. */
		full = depot_take_full(home, &none);
		if (full == NULL)
			continue;
		sheaf_empty(cache, last, full);
		depot_put_empty(home, full);
	}
	assert_true(shelf_of(cache, last)->remote_in >= 18);
	assert_true(shelf_of(cache, last)->empty_out >= 17);
	depots_are_sound(cache);
	cache_end(cache);
}

/* The home depot has no room: the objects go to their slabs, the sheaf is used on. */
static void
remote_sheaves_are_refused(void **state)
{
	struct slab_cache *cache = cache_new("full", 192);
	unsigned limit = cache->tunables.limit;
	struct sheaf_cpu *sc = cpu_of(cache);
	struct kmem_sheaf *sheaf;

	assert_int_equal(kmem_slabinfo_write("full 108 108 0"), 0);
	for (unsigned i = 0; i < 2 * limit; i++)
		objects[i] = kmem_cache_alloc_node(&cache->base, GFP_KERNEL, 1);
	for (unsigned i = 0; i < limit; i++)
		kmem_cache_free(&cache->base, objects[i]);
	sheaf = sc->remote[1];
	for (unsigned i = limit; i < 2 * limit; i++)
		kmem_cache_free(&cache->base, objects[i]);
	assert_ptr_equal(sc->remote[1], sheaf);
	assert_int_equal(cache->node[1]->put, limit);
	assert_int_equal(shelf_of(cache, 1)->refused, 1);
	assert_int_equal(slab_validate_nr_live(cache), 0);
	cache_end(cache);
}

/* Node 0 has the only CPU; it looks after what gathers in the others' depots, too. */
static void
nodes_without_a_cpu_are_reaped(void **state)
{
	size_t before = nr_free_at_rest();
	struct slab_cache *cache = cache_new("lonely", 192);
	unsigned limit = cache->tunables.limit;

	for (unsigned home = 1; home < nr_page_nodes; home++) {
		for (unsigned i = 0; i < 5 * limit; i++)
			objects[i] = kmem_cache_alloc_node(&cache->base,
							   GFP_KERNEL, home);
		free_many(cache, 5 * limit);
		assert_int_equal(shelf_of(cache, home)->nr_full, 4);
	}
	for (unsigned round = 0; round < REAP_ROUNDS; round++) {
		for (unsigned i = 0; i < nr_page_nodes; i++)
			cache->node[i]->next_reap = ticks_now();
		kmem_reap();
	}
	for (unsigned home = 1; home < nr_page_nodes; home++) {
		assert_int_equal(shelf_of(cache, home)->nr_full, 0);
		assert_int_equal(cache->node[home]->nr_slabs, 0);
	}
	assert_int_equal(slab_nr_out(cache), 0);
	cache_end(cache);
	assert_int_equal(nr_free_at_rest(), before);
}

static int
run_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remote_sheaves_go_home),
		cmocka_unit_test(remote_sheaves_go_round),
		cmocka_unit_test(remote_sheaves_are_refused),
		cmocka_unit_test(nodes_without_a_cpu_are_reaped),
	};

	return cmocka_run_group_tests_name(machine->name, tests, machine_start,
					   NULL);
}

int
main(void)
{
	return run_with_sheaves(2, SHEAF_NODES_MAX, run_group);
}
