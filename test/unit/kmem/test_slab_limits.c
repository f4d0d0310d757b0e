/*
 * What is kept and what goes back - free_limit, reaping - and where objects of two
 * nodes come from and go. Under each layer between CPUs and slabs; tests of the arrays
 * themselves are skipped under another one.
 */
#include "kmem/slab/debug/validate.h"
#include "kmem/slab/percpu/array.h"
#include "slab_machine.h"

static void
only_with_arrays(void)
{
	if (slab_kernel_root.layer != &array_layer)
		skip();
}

/* The node keeps as many free objects as it may, and one slab's more. */
static void
free_limit_holds(void **state)
{
	struct slab_cache *cache = cache_new("limit", 500);
	struct kmem_cache_node *node = cache->node[0];
	static void *objects[2000];
	size_t before = nr_free_pages();

	only_with_arrays();
	assert_int_equal(node->free_limit,
			 2 * cache->tunables.batchcount + cache->layout.num);
	assert_true(
		kmem_cache_alloc_bulk(&cache->base, GFP_KERNEL, 2000, objects));
	assert_true(before - nr_free_pages() >= 2000 / cache->layout.num);
	kmem_cache_free_bulk(&cache->base, 2000, objects);
	assert_true(node->free_objects <= node->free_limit + cache->layout.num);
	assert_true(node->reaped > 0);
	assert_true(slab_validate_cache(cache));
	cache_end(cache);
}

/* An idle cache gives back all it holds, in time; one in use does not. */
static void
reaping_reaches_the_floor(void **state)
{
	struct slab_cache *cache = cache_new("idle", 100);
	struct kmem_cache_node *node = cache->node[0];
	static void *objects[1000];

	only_with_arrays();
	assert_true(
		kmem_cache_alloc_bulk(&cache->base, GFP_KERNEL, 1000, objects));
	kmem_cache_free_bulk(&cache->base, 1000, objects);
	assert_true(node->nr_slabs > 0 && percpu_avail(cache->cpu[0]) > 60);
	for (unsigned round = 0; round < REAP_ROUNDS; round++)
		reap_in_turn(cache, round);
	assert_int_equal(percpu_avail(cache->cpu[0]), 0);
	assert_int_equal(node->nr_slabs, 0);
	use_keeps_reapers_off(cache);
	cache_end(cache);
}

/* Objects of another node gather, and go home in batches: never into this CPU's
 * array. */
static void
aliens_go_home(void **state)
{
	struct slab_cache *cache = cache_new("alien", 64);
	struct alien_cache *alien = cache->node[0]->alien[1];
	void *objects[3 * ALIEN_LIMIT];

	only_with_arrays();
	assert_non_null(alien);
	for (unsigned i = 0; i < ARRAY_SIZE(objects); i++) {
		objects[i] = kmem_cache_alloc_node(&cache->base, GFP_KERNEL, 1);
		assert_int_equal(env_page_of(objects[i])->node, 1);
	}
	assert_int_equal(cache->node[0]->nr_slabs, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(objects); i++) {
		kmem_cache_free(&cache->base, objects[i]);
		assert_int_equal(percpu_avail(cache->cpu[0]), 0);
		assert_int_equal(alien->avail, i % ALIEN_LIMIT + 1);
		assert_int_equal(slab_validate_nr_live(cache),
				 ARRAY_SIZE(objects) - 1 - i);
	}
	assert_int_equal(cache->stats[0].node_frees, ARRAY_SIZE(objects));
	assert_int_equal(cache->stats[0].alien_overflow, 2);
	kmem_reap();
	assert_int_equal(alien->avail, 0);
	assert_true(slab_validate_cache(cache));
	cache_end(cache);
}

/* Without memory of its own a node is served by the other one - unless the
 * caller wants this node's or none. */
static void
nodes_help_out(void **state)
{
	size_t before = nr_free_at_rest();
	struct slab_cache *cache = cache_new("help", 2048);
	struct page *page, *hoard = NULL;
	void *object;

	/* The other node has an object ready. */
	object = kmem_cache_alloc_node(&cache->base, GFP_KERNEL, 1);
	kmem_cache_free(&cache->base, object);
	kmem_reap();
	assert_true(cache->node[1]->free_objects > 0);
	while ((page = alloc_pages_node(
			0, GFP_ATOMIC | __GFP_THISNODE | __GFP_NOWARN, 1)) !=
	       NULL)
		hoard_add(&hoard, page);
	assert_null(kmem_cache_alloc_node(
		&cache->base, GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, 0));
	object = kmem_cache_alloc(&cache->base, GFP_KERNEL);
	assert_non_null(object);
	assert_int_equal(env_page_of(object)->node, 1);
	kmem_cache_free(&cache->base, object);
	/* The object went home, and is found there. */
	object = kmem_cache_alloc(&cache->base, GFP_KERNEL);
	assert_int_equal(env_page_of(object)->node, 1);
	kmem_cache_free(&cache->base, object);
	assert_true(slab_validate_cache(cache));
	hoard_free(hoard);
	cache_end(cache);
	assert_int_equal(nr_free_at_rest(), before);
}

static int
run_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(free_limit_holds),
		cmocka_unit_test(reaping_reaches_the_floor),
		cmocka_unit_test(aliens_go_home),
		cmocka_unit_test(nodes_help_out),
	};

	return cmocka_run_group_tests(tests, machine_start, NULL);
}

int
main(void)
{
	return run_under_each_layer(run_group);
}
