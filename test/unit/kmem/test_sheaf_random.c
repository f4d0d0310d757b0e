/*
 * All that is done with sheaves, mixed at random, against a count of what is out. On
 * 1, 2 and 4 nodes. SEED and OPS in the environment repeat or lengthen it.
 */
#include "kmem/slab/debug/validate.h"
#include "sheaf_machine.h"

#define NR_LENT 6

static void
random_sheaf(struct slab_cache *cache, struct kmem_sheaf **sheaf, size_t *nr)
{
	unsigned want = (unsigned)random_below(120);

	if (*sheaf == NULL) {
		*sheaf = kmem_cache_prefill_sheaf(&cache->base, GFP_KERNEL,
						  want);
		assert_non_null(*sheaf);
	} else if (random_below(3) == 0) {
		kmem_cache_return_sheaf(&cache->base, *sheaf);
		*sheaf = NULL;
	} else if (random_below(3) == 0) {
		assert_int_equal(kmem_cache_refill_sheaf(
					 &cache->base, GFP_KERNEL, sheaf, want),
				 0);
		assert_true((*sheaf)->nr >= want);
	} else if (*nr < MANY && (*sheaf)->nr > 0) {
		objects[(*nr)++] = kmem_cache_alloc_from_sheaf(
			&cache->base, GFP_ATOMIC, *sheaf);
	}
}

static void
random_seldom(struct slab_cache *cache)
{
	switch (random_below(8)) {
	case 0:
		(void)kmem_cache_shrink(&cache->base);
		return;
	case 1:
		tune_at_random(cache, 100, 20);
		return;
	case 2:
		reap_now(cache);
		return;
	default:
		/* Or nothing would ever become large. */
		return;
	}
}

static void
random_object(struct slab_cache *cache, size_t *nr, bool growing)
{
	unsigned node = (unsigned)random_below(nr_page_nodes);
	size_t i;

	if (random_below(100) < (growing ? 60u : 40u) && *nr < MANY) {
		objects[(*nr)++] =
			random_below(3) == 0
				? kmem_cache_alloc_node(&cache->base,
							GFP_KERNEL, node)
				: kmem_cache_alloc(&cache->base, GFP_KERNEL);
		assert_non_null(objects[*nr - 1]);
	} else if (*nr > 0) {
		i = random_below(*nr);
		kmem_cache_free(&cache->base, objects[i]);
		objects[i] = objects[--*nr];
	}
}

static void
random_operations(void **state)
{
	unsigned long ops = test_parameter("OPS", 200000);
	size_t before = nr_free_at_rest(), nr = 0, lent;
	struct slab_cache *cache = cache_new("random", 104);
	struct kmem_sheaf *sheaves[NR_LENT] = { NULL };
	bool growing = true;

	random_start("random_operations");
	for (unsigned long op = 0; op < ops; op++) {
		size_t dice = random_below(1000);

		if (op % 8192 == 0)
			growing = random_below(2);
		if (dice < 900)
			random_object(cache, &nr, growing);
		else if (dice < 998)
			random_sheaf(cache, &sheaves[random_below(NR_LENT)],
				     &nr);
		else
			random_seldom(cache);
		if (op % 1000 != 0)
			continue;
		lent = 0;
		for (unsigned i = 0; i < NR_LENT; i++)
			lent += sheaves[i] != NULL ? sheaves[i]->nr : 0;
		depots_are_sound(cache);
		assert_true(slab_validate_cache(cache));
		assert_int_equal(slab_validate_nr_live(cache), nr + lent);
	}
	for (unsigned i = 0; i < NR_LENT; i++)
		kmem_cache_return_sheaf(&cache->base, sheaves[i]);
	free_many(cache, (unsigned)nr);
	cache_end(cache);
	assert_int_equal(nr_free_at_rest(), before);
	assert_int_equal(nr_sheaves(), 0);
}

static int
run_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations),
	};

	return cmocka_run_group_tests_name(machine->name, tests, machine_start,
					   NULL);
}

int
main(void)
{
	return run_with_sheaves(1, SHEAF_NODES_MAX, run_group);
}
