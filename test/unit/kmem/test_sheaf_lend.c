/*
 * Sheaves for callers that must not fail: what was prefilled is there, whatever happens
 * to memory meanwhile.
 *
 *	promises	that many objects, and without an allocation; refilled in place
 *	failure		every allocation on the way fails in turn
 *	out of depots	whole sheaves, lent as they are
 *
 * The first two under every back end and layer, the third with cpu=sheaf on 1, 2 and
 * 4 nodes.
 */
#include <kernel/error.h>

#include "kmem/slab/debug/validate.h"
#include "kmem/slab/percpu/depot.h"
#include "sheaf_machine.h"

/* -- promises ------------------------------------------------------------------- */

static void
prefill_keeps_its_word(void **state)
{
	static const unsigned sizes[] = { 0, 1, 20, 108, 109, 1000 };
	size_t before = nr_free_at_rest();
	struct kmem_cache *cache =
		kmem_cache_create("prefill", 192, 0, 0, NULL);

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned nr = sizes[i];
		struct kmem_sheaf *sheaf =
			kmem_cache_prefill_sheaf(cache, GFP_KERNEL, nr);

		assert_non_null(sheaf);
		assert_true(kmem_cache_sheaf_size(sheaf) >= nr);
		for (unsigned j = 0; j < nr; j++) {
			/* The next allocation would fail: this is none. */
			if (KERNEL_DEBUG)
				failpoint_arm(1);
			objects[j] = kmem_cache_alloc_from_sheaf(
				cache, GFP_ATOMIC | __GFP_ZERO, sheaf);
			if (KERNEL_DEBUG)
				assert_false(failpoint_disarm());
			assert_non_null(objects[j]);
			for (unsigned k = 0; k < 192; k++)
				assert_int_equal(((char *)objects[j])[k], 0);
			memset(objects[j], (int)j, 192);
		}
		for (unsigned j = 0; j < nr; j++)
			assert_int_equal(((unsigned char *)objects[j])[191],
					 j % 256);
		/* Its end is told. */
		while (kmem_cache_sheaf_size(sheaf) > 0)
			kmem_cache_free(cache,
					kmem_cache_alloc_from_sheaf(
						cache, GFP_ATOMIC, sheaf));
		assert_null(
			kmem_cache_alloc_from_sheaf(cache, GFP_ATOMIC, sheaf));
		for (unsigned j = 0; j < nr; j++)
			kmem_cache_free(cache, objects[j]);
		kmem_cache_return_sheaf(cache, sheaf);
	}
	kmem_cache_return_sheaf(cache, NULL);
	assert_null(kmem_cache_prefill_sheaf(cache, GFP_KERNEL | __GFP_NOWARN,
					     UINT32_MAX));
	assert_true(kmem_validate(&kmem_kernel));
	assert_int_equal(kmem_cache_destroy(cache), 0);
	assert_int_equal(nr_free_at_rest(), before);
}

static void
refill_tops_up(void **state)
{
	size_t before = nr_free_at_rest();
	struct kmem_cache *cache =
		kmem_cache_create("refill", 128, 0, 0, construct);
	struct kmem_sheaf *sheaf, *was;
	unsigned size;

	sheaf = kmem_cache_prefill_sheaf(cache, GFP_KERNEL, 30);
	assert_non_null(sheaf);
	size = kmem_cache_sheaf_size(sheaf);
	for (unsigned i = 0; i < 30; i++) {
		objects[i] =
			kmem_cache_alloc_from_sheaf(cache, GFP_KERNEL, sheaf);
		assert_int_equal(*(unsigned char *)objects[i], CTOR_BYTE);
	}
	assert_int_equal(kmem_cache_sheaf_size(sheaf), size - 30);
	/* In place; what is there already is no work; then in another one. */
	was = sheaf;
	assert_int_equal(kmem_cache_refill_sheaf(cache, GFP_KERNEL, &sheaf, 25),
			 0);
	assert_ptr_equal(sheaf, was);
	assert_true(kmem_cache_sheaf_size(sheaf) >= 25);
	size = kmem_cache_sheaf_size(sheaf);
	assert_int_equal(kmem_cache_refill_sheaf(cache, GFP_KERNEL, &sheaf, 5),
			 0);
	assert_int_equal(kmem_cache_sheaf_size(sheaf), size);
	assert_int_equal(
		kmem_cache_refill_sheaf(cache, GFP_KERNEL, &sheaf, 500), 0);
	assert_true(kmem_cache_sheaf_size(sheaf) >= 500);
	kmem_cache_return_sheaf(cache, sheaf);
	for (unsigned i = 0; i < 30; i++)
		kmem_cache_free(cache, objects[i]);
	assert_true(kmem_validate(&kmem_kernel));
	assert_int_equal(kmem_cache_destroy(cache), 0);
	assert_int_equal(nr_free_at_rest(), before);
}

/* -- failure -------------------------------------------------------------------- */

struct fails {
	struct kmem_cache *cache;
	struct kmem_sheaf *sheaf;
	unsigned nr;   /* objects that are wanted at first */
	unsigned size; /* of the sheaf */
	int err;
};

static void
attempt_prefill(void *arg)
{
	struct fails *fails = arg;

	fails->sheaf = kmem_cache_prefill_sheaf(
		fails->cache, GFP_KERNEL | __GFP_NOWARN, fails->nr);
}

/* There is one at last. */
static void
check_prefill(void *arg, bool has_failed)
{
	struct fails *fails = arg;

	if (!has_failed) {
		assert_non_null(fails->sheaf);
		return;
	}
	if (fails->sheaf != NULL)
		assert_true(kmem_cache_sheaf_size(fails->sheaf) >= fails->nr);
	kmem_cache_return_sheaf(fails->cache, fails->sheaf);
	assert_true(kmem_validate(&kmem_kernel));
}

static void
attempt_refill(void *arg)
{
	struct fails *fails = arg;

	fails->err = kmem_cache_refill_sheaf(fails->cache,
					     GFP_KERNEL | __GFP_NOWARN,
					     &fails->sheaf, 2 * fails->size);
}

static void
check_refill(void *arg, bool has_failed)
{
	struct fails *fails = arg;

	if (!has_failed) {
		assert_int_equal(fails->err, 0);
		return;
	}
	if (fails->err != 0) {
		assert_int_equal(fails->err, -E_NO_MEM);
		assert_int_equal(kmem_cache_sheaf_size(fails->sheaf),
				 fails->size);
		return;
	}
	/* Something did without: begin anew. */
	assert_true(kmem_cache_sheaf_size(fails->sheaf) >= 2 * fails->size);
	kmem_cache_return_sheaf(fails->cache, fails->sheaf);
	fails->sheaf =
		kmem_cache_prefill_sheaf(fails->cache, GFP_KERNEL, fails->size);
	assert_non_null(fails->sheaf);
	fails->size = kmem_cache_sheaf_size(fails->sheaf);
}

static void
prefill_fails_cleanly(void **state)
{
	static const struct failing prefill = { .attempt = attempt_prefill,
						.check = check_prefill };
	static const struct failing refill = { .attempt = attempt_refill,
					       .check = check_refill };
	size_t before = nr_free_at_rest();
	struct fails fails = {
		.cache = kmem_cache_create("fails", 192, 0, 0, NULL),
	};

	if (!KERNEL_DEBUG)
		skip();
	for (fails.nr = 10; fails.nr <= 200; fails.nr += 190) {
		assert_true(fail_in_turn(&prefill, &fails) >= 2);
		fails.size = kmem_cache_sheaf_size(fails.sheaf);
		(void)fail_in_turn(&refill, &fails);
		kmem_cache_return_sheaf(fails.cache, fails.sheaf);
	}
	assert_int_equal(kmem_cache_destroy(fails.cache), 0);
	assert_int_equal(nr_free_at_rest(), before);
}

/* -- out of depots -------------------------------------------------------------- */

/* A whole sheaf comes from the depot, and goes back there, as it is. */
static void
sheaves_are_lent(void **state)
{
	struct slab_cache *cache = cache_new("lent", 192);
	struct shelf *shelf = shelf_of(cache, 0);
	unsigned limit = cache->tunables.limit;
	struct kmem_sheaf *head, *sheaf;
	void *object;

	alloc_many(cache, 8 * limit);
	free_many(cache, 8 * limit);
	head = shelf->full;
	sheaf = kmem_cache_prefill_sheaf(&cache->base, GFP_KERNEL, 10);
	assert_ptr_equal(sheaf, head);
	assert_int_equal(kmem_cache_sheaf_size(sheaf), limit);
	assert_int_equal(slab_validate_nr_live(cache), limit);
	kmem_cache_return_sheaf(&cache->base, sheaf);
	assert_ptr_equal(shelf->full, head);
	/* Used in part: its objects go the usual way, it is an empty one. */
	sheaf = kmem_cache_prefill_sheaf(&cache->base, GFP_KERNEL, 10);
	object = kmem_cache_alloc_from_sheaf(&cache->base, GFP_KERNEL, sheaf);
	kmem_cache_return_sheaf(&cache->base, sheaf);
	assert_ptr_equal(shelf->empty, sheaf);
	assert_int_equal(slab_validate_nr_live(cache), 1);
	depots_are_sound(cache);
	kmem_cache_free(&cache->base, object);
	/* Objects of several nodes: not a sheaf for any depot. */
	sheaf = kmem_cache_prefill_sheaf(&cache->base, GFP_KERNEL, limit);
	object = kmem_cache_alloc_from_sheaf(&cache->base, GFP_KERNEL, sheaf);
	kmem_cache_free(&cache->base, object);
	sheaf->entry[++sheaf->nr] = kmem_cache_alloc_node(
		&cache->base, GFP_KERNEL, nr_page_nodes - 1);
	kmem_cache_return_sheaf(&cache->base, sheaf);
	depots_are_sound(cache);
	assert_int_equal(slab_validate_nr_live(cache), 0);
	assert_true(slab_validate_cache(cache));
	cache_end(cache);
}

/* -- which test where ----------------------------------------------------------- */

static int
run_under_any(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefill_keeps_its_word),
		cmocka_unit_test(refill_tops_up),
		cmocka_unit_test(prefill_fails_cleanly),
	};

	return cmocka_run_group_tests_name(machine->name, tests, machine_start,
					   NULL);
}

static int
run_with_depots(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sheaves_are_lent),
	};
	int failed = run_under_any();

	failed |= cmocka_run_group_tests_name(machine->name, tests, NULL, NULL);
	return failed;
}

static const struct machine array = { .name = "array",
				      .kmalloc = "slab",
				      .cpu = "array",
				      .nr_nodes = 2,
				      .ram_bytes = MACHINE_RAM };
static const struct machine slob = { .name = "slob",
				     .kmalloc = "slob",
				     .cpu = "array",
				     .nr_nodes = 1,
				     .ram_bytes = MACHINE_RAM };

int
main(void)
{
	int failed = run_with_sheaves(1, SHEAF_NODES_MAX, run_with_depots);

	failed |= machine_run(&array, run_under_any);
	failed |= machine_run(&slob, run_under_any);
	return failed;
}
