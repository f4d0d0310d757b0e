/*
 * slabinfo: its text, and tuning by it. Under each layer between CPUs and slabs.
 */
#include <kernel/error.h>

#include "kmem/slab/debug/validate.h"
#include "kmem/slab/percpu/array.h"
#include "slab_machine.h"

struct lines {
	unsigned nr;
	char first[64], wanted[400];
	const char *name;
};

static void
line_take(const char *line, void *arg)
{
	struct lines *lines = arg;
	size_t length = strlen(lines->name);

	if (lines->nr++ == 0)
		snprintf(lines->first, sizeof(lines->first), "%s", line);
	if (strncmp(line, lines->name, length) == 0 && line[length] == ' ')
		snprintf(lines->wanted, sizeof(lines->wanted), "%s", line);
}

/* As the field's readers scan it. */
static void
slabinfo_text(void **state)
{
	struct slab_cache *cache = cache_new("text", 1000);
	struct lines lines = { .name = "text" };
	unsigned active, num, size, per_slab, pages, limit, batch, shared;
	unsigned active_slabs, num_slabs, avail;
	void *objects[10];
	char name[32];

	assert_true(
		kmem_cache_alloc_bulk(&cache->base, GFP_KERNEL, 10, objects));
	assert_int_equal(kmem_slabinfo_read(line_take, &lines, false), 0);
	assert_string_equal(lines.first, "slabinfo - version: 2.1");
	assert_int_equal(sscanf(lines.wanted,
				"%31s %u %u %u %u %u : tunables %u %u %u : "
				"slabdata %u %u %u",
				name, &active, &num, &size, &per_slab, &pages,
				&limit, &batch, &shared, &active_slabs,
				&num_slabs, &avail),
			 12);
	assert_int_equal(active, 10 + percpu_avail(cache->cpu[0]));
	assert_int_equal(num, num_slabs * per_slab);
	assert_int_equal(size, 1000);
	assert_int_equal(per_slab, 4);
	assert_int_equal(pages, 1);
	assert_int_equal(limit, cache->tunables.limit);
	assert_int_equal(batch, cache->tunables.batchcount);
	assert_int_equal(shared, cache->tunables.shared);
	if (slab_kernel_root.layer == &array_layer) {
		assert_int_equal(limit, 54);
		assert_int_equal(batch, 27);
		assert_int_equal(shared, 0);
	}
	assert_true(active_slabs <= num_slabs && num_slabs >= 3);

	lines = (struct lines){ .name = "text" };
	assert_int_equal(kmem_slabinfo_read(line_take, &lines, true), 0);
	assert_string_equal(lines.first,
			    "slabinfo - version: 2.1 (statistics)");
	assert_non_null(strstr(lines.wanted, " : globalstat "));
	assert_non_null(strstr(lines.wanted, " : cpustat "));
	kmem_cache_free_bulk(&cache->base, 10, objects);
	cache_end(cache);
}

static void
slabinfo_tunes(void **state)
{
	static const char *const bad[] = {
		"",
		"text",
		"text 1",
		"text 1 1",
		"text 0 0 0",
		"text 10 11 0",
		"text 10 0 0",
		"text 10 -1 0",
		"text 99999 1 0",
		"text 10 1 999999",
		"text 1 1 1 1",
		"text a 1 1",
	};
	struct slab_cache *cache = cache_new("text", 64);
	size_t before = nr_free_at_rest();
	void *objects[100];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(kmem_slabinfo_write(bad[i]), -E_INVAL);
	assert_int_equal(kmem_slabinfo_write("nobody 10 1 1"), -E_NOT_FOUND);
	assert_int_equal(kmem_slabinfo_write("text 200 50 3"), 0);
	assert_int_equal(cache->tunables.limit, 200);
	if (slab_kernel_root.layer == &array_layer) {
		assert_int_equal(percpu_limit(cache->cpu[0]), 200);
		assert_int_equal(array_of(cache->cpu[0])->batchcount, 50);
		assert_int_equal(cache->node[0]->shared->limit, 150);
	}
	assert_true(
		kmem_cache_alloc_bulk(&cache->base, GFP_KERNEL, 100, objects));
	for (unsigned i = 0; i < 100; i++)
		kmem_cache_free(&cache->base, objects[i]);
	assert_true(percpu_avail(cache->cpu[0]) >= 100);
	assert_int_equal(kmem_slabinfo_write("text 2 1 0"), 0);
	assert_int_equal(percpu_avail(cache->cpu[0]), 0);
	if (slab_kernel_root.layer == &array_layer)
		assert_null(cache->node[0]->shared);
	assert_int_equal(slab_validate_nr_live(cache), 0);
	assert_true(slab_validate_cache(cache));
	assert_int_equal(kmem_slabinfo_write("text 120 60 0"), 0);
	assert_int_equal(nr_free_at_rest(), before);
	cache_end(cache);
}

static int
run_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slabinfo_text),
		cmocka_unit_test(slabinfo_tunes),
	};

	return cmocka_run_group_tests(tests, machine_start, NULL);
}

int
main(void)
{
	return run_under_each_layer(run_group);
}
