/*
 * Tuning with sheaves: their size changes while old ones are everywhere. And what a
 * cache's description says.
 *
 *	tuning		old sheaves die out: in depots, with callers, in the hands of a CPU
 *			that could not be asked
 *	description	the counters, as text
 *
 * On 1, 2 and 4 nodes; the CPU that keeps up by itself, on one.
 */
#include <kernel/error.h>

#include "kmem/slab/debug/validate.h"
#include "kmem/slab/percpu/depot.h"
#include "sheaf_machine.h"

/* -- tuning --------------------------------------------------------------------- */

static void
old_sheaves_die_out(void **state)
{
	struct slab_cache *cache = cache_new("tuned", 192);
	struct depot *depot = cache->node[0]->depot;
	struct shelf *shelf = shelf_of(cache, 0);
	struct sheaf_cpu *sc = cpu_of(cache);
	struct kmem_sheaf *lent, *held, *none = NULL;
	unsigned old = cache->tunables.limit;
	char text[40];

	static const unsigned limits[] = { 1, 5, 53, 120, 200, SHEAF_LIMIT_MAX };

	assert_int_equal(kmem_slabinfo_write("tuned 100000 1 1"), -E_INVAL);
	snprintf(text, sizeof(text), "tuned %u 1 1", SHEAF_LIMIT_MAX + 1);
	assert_int_equal(kmem_slabinfo_write(text), -E_INVAL);
	assert_int_equal(kmem_slabinfo_write("kmem_sheaf-64 1 1 1"), -E_INVAL);
	for (unsigned i = 0; i < ARRAY_SIZE(limits); i++) {
		alloc_many(cache, 10 * old < MANY ? 10 * old : MANY);
		free_many(cache, 10 * old < MANY ? 10 * old : MANY);
		lent = kmem_cache_prefill_sheaf(&cache->base, GFP_KERNEL, 1);
		assert_int_equal(lent->capacity, old);
		/* What a CPU that cannot be asked would do. */
		held = depot_take_full(depot, &none);
		snprintf(text, sizeof(text), "tuned %u %u 7", limits[i],
			 limits[i] / 2 + 1);
		assert_int_equal(kmem_slabinfo_write(text), 0);
		assert_null(sc->loaded);
		assert_int_equal(shelf->nr_full + shelf->nr_empty, 0);
		kmem_cache_return_sheaf(&cache->base, lent);
		assert_int_equal(shelf->nr_full + shelf->nr_empty, 0);
		if (held != NULL) {
			assert_false(depot_put_full(depot, held));
			sheaf_dissolve(cache, 0, held);
		}
		assert_int_equal(slab_validate_nr_live(cache), 0);
		alloc_many(cache, 1);
		assert_int_equal(loaded(cache)->capacity, limits[i]);
		/* A batch, and no more than fits. */
		assert_true(percpu_avail(&sc->cpu) < limits[i] / 2 + 1);
		free_many(cache, 1);
		depots_are_sound(cache);
		assert_true(slab_validate_cache(cache));
		old = limits[i];
	}
	cache_end(cache);
}

/* A CPU that could not be asked goes on with old sheaves; what it gets is new, and
 * what it gives away is taken apart. */
static void
a_cpu_keeps_up(void **state)
{
	struct slab_cache *cache = cache_new("late", 192);
	const struct slab_tunables larger = { 100, 100, 50 };
	struct depot *depot = cache->node[0]->depot;
	struct shelf *shelf = shelf_of(cache, 0);
	struct sheaf_cpu *sc = cpu_of(cache);
	unsigned old = cache->tunables.limit;

	alloc_many(cache, 10 * old);
	(void)kmem_cache_shrink(&cache->base);
	for (unsigned i = 0; i < 2 * old; i++)
		kmem_cache_free(&cache->base, objects[i]);
	assert_int_equal(loaded(cache)->capacity, old);
	depot_tune(depot, &larger);
	kmem_cache_free(&cache->base, objects[2 * old]);
	assert_int_equal(loaded(cache)->capacity, larger.limit);
	assert_int_equal(sc->previous->capacity, old);
	for (unsigned i = 2 * old + 1; i < 10 * old; i++)
		kmem_cache_free(&cache->base, objects[i]);
	assert_int_equal(loaded(cache)->capacity, larger.limit);
	assert_int_equal(sc->previous->capacity, larger.limit);
	assert_int_equal(shelf->refused, 2);
	depots_are_sound(cache);
	cache_end(cache);
}

/* -- description ---------------------------------------------------------------- */

static char described[1024];

static void
line_keep(const char *text, void *arg)
{
	size_t used = strlen(described);

	assert_true(strlen(text) <= 76);
	snprintf(described + used, sizeof(described) - used, "%s\n", text);
}

static void
counters_are_shown(void **state)
{
	struct slab_cache *cache = cache_new("shown", 200);
	unsigned limit = cache->tunables.limit;
	char expected[200];

	alloc_many(cache, 10 * limit);
	free_many(cache, 10 * limit);
	cache->layer->describe(cache, line_keep, NULL);
	assert_non_null(strstr(described, "CPU 0: "));
	snprintf(
		expected, sizeof(expected),
		"depot 0: 8 full sheaves of %u, 0 empty; a shelf has room for %u\n"
		"  by pointer: full 8 in (0 remote), 0 out\n",
		limit, cache->tunables.shared);
	assert_non_null(strstr(described, expected));
	cache_end(cache);
}

static int
run_group(void)
{
	const struct CMUnitTest any_nodes[] = {
		cmocka_unit_test(old_sheaves_die_out),
		cmocka_unit_test(counters_are_shown),
	};
	const struct CMUnitTest one_node[] = {
		cmocka_unit_test(a_cpu_keeps_up),
	};
	int failed = cmocka_run_group_tests_name(machine->name, any_nodes,
						 machine_start, NULL);

	if (machine->nr_nodes == 1)
		failed |= cmocka_run_group_tests_name(machine->name, one_node,
						      NULL, NULL);
	return failed;
}

int
main(void)
{
	return run_with_sheaves(1, SHEAF_NODES_MAX, run_group);
}
