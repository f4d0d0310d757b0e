/*
 * No memory for sheaves, on 1, 2 and 4 nodes. A sheaf is only a better way: without one
 * objects come and go all the same, one by one.
 *
 *	no sheaf	every allocation on the way fails in turn
 *	no memory	not a page is left while thousands of objects come back
 */
#include "kmem/slab/debug/validate.h"
#include "kmem/slab/objects.h"
#include "sheaf_machine.h"

/* -- no sheaf ------------------------------------------------------------------- */

/* Objects first: what fails is a sheaf, or a sheaf's page. */
static void
prepare_frees(void *arg)
{
	struct slab_cache *cache = arg;
	unsigned nr = 4 * cache->tunables.limit, last = nr_page_nodes - 1;

	(void)kmem_shrink();
	for (unsigned i = 0; i < nr; i++)
		objects[i] = kmem_cache_alloc_node(&cache->base, GFP_KERNEL,
						   i % 2 ? last : 0);
}

static void
attempt_frees(void *arg)
{
	struct slab_cache *cache = arg;

	free_many(cache, 4 * cache->tunables.limit);
}

static void
check_frees(void *arg, bool has_failed)
{
	struct slab_cache *cache = arg;

	assert_int_equal(slab_validate_nr_live(cache), 0);
	assert_true(slab_validate_cache(cache));
	depots_are_sound(cache);
}

/* A slab has free objects. */
static void
prepare_alloc(void *arg)
{
	struct slab_cache *cache = arg;

	(void)kmem_cache_shrink(&cache->base);
	objects[0] = kmem_cache_alloc_node(&cache->base, GFP_KERNEL, 0);
}

static void
attempt_alloc(void *arg)
{
	objects[1] = slab_alloc(arg, GFP_KERNEL | __GFP_NOWARN);
}

static void
check_alloc(void *arg, bool has_failed)
{
	struct slab_cache *cache = arg;

	assert_non_null(objects[1]);
	free_many(cache, 2);
	assert_int_equal(slab_validate_nr_live(cache), 0);
}

/* At every place in turn: the operation itself succeeds. */
static void
no_sheaf_no_harm(void **state)
{
	static const struct failing frees = { prepare_frees, attempt_frees,
					      check_frees };
	static const struct failing alloc = { prepare_alloc, attempt_alloc,
					      check_alloc };
	struct slab_cache *cache = cache_new("none", 192);

	if (!KERNEL_DEBUG)
		skip();
	/* Two sheaves and more, each of a page that may fail. */
	assert_true(fail_in_turn(&frees, cache) >= 4);
	assert_true(fail_in_turn(&alloc, cache) < 10);
	cache_end(cache);
}

/* -- no memory ------------------------------------------------------------------ */

/* No page at all is left while objects come back, with no sheaf to put them into. */
static void
freeing_needs_no_memory(void **state)
{
	size_t before = nr_free_at_rest();
	struct slab_cache *cache = cache_new("tight", 2000);
	struct page *hoard = NULL, *page;

	alloc_many(cache, MANY);
	(void)kmem_shrink();
	while ((page = alloc_page(GFP_ATOMIC | __GFP_NOWARN)) != NULL)
		hoard_add(&hoard, page);
	free_many(cache, MANY);
	assert_int_equal(slab_validate_nr_live(cache), 0);
	depots_are_sound(cache);
	hoard_free(hoard);
	cache_end(cache);
	assert_int_equal(nr_free_at_rest(), before);
}

static int
run_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_sheaf_no_harm),
		cmocka_unit_test(freeing_needs_no_memory),
	};

	return cmocka_run_group_tests_name(machine->name, tests, machine_start,
					   NULL);
}

int
main(void)
{
	return run_with_sheaves(1, SHEAF_NODES_MAX, run_group);
}
