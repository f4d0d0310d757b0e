/*
 * Pictures of the slab allocator against what the test itself did: each object is
 * drawn where it is.
 */
#include <kernel/kmem_view.h>
#include <kernel/error.h>

#include "kmem/slab/chain.h"
#include "kmem/slab/debug/validate.h"
#include "kmem/slab/percpu/layer.h"
#include "kmem/slab/show/snapshot.h"
#include "slab_machine.h"

/* -- snapshots ------------------------------------------------------------------ */

static char
seen_as(const struct slab_snapshot *snapshot, const void *object)
{
	const struct seen_slab *slab =
		slab_snapshot_find(snapshot, (uintptr_t)object);

	assert_non_null(slab);
	return slab->objects[((uintptr_t)object - slab->s_mem) /
			     snapshot->cache->layout.size];
}

#define NR_OBJECTS 200

static void
objects_are_where_they_are(void **state)
{
	struct slab_cache *cache = cache_new("where", 200);
	const struct slab_tunables tunables = { .limit = 8,
						.batchcount = 4,
						.shared = 2 };
	struct slab_snapshot *snapshot;
	void *objects[NR_OBJECTS];
	size_t free_pages;

	assert_int_equal(slab_tune(cache, &tunables), 0);
	for (unsigned i = 0; i < NR_OBJECTS; i++)
		objects[i] = kmem_cache_alloc(&cache->base, GFP_KERNEL);
	for (unsigned i = 0; i < 5; i++)
		kmem_cache_free(&cache->base, objects[i]);
	free_pages = nr_free_pages();
	snapshot = slab_snapshot_take(cache, KMEM_DRAW_SLABS_MAX);
	assert_non_null(snapshot);
	for (unsigned i = 5; i < NR_OBJECTS; i++)
		assert_int_equal(seen_as(snapshot, objects[i]), SEEN_OUT);
	/* The last one freed is on top of CPU 0's array. */
	assert_int_equal(seen_as(snapshot, objects[4]), '0');
	assert_int_equal(snapshot->cpu[0].top, (uintptr_t)objects[4]);
	assert_true(snapshot->cpu[0].nr_held <= tunables.limit);
	for (unsigned k = 0; k < snapshot->nr_slabs; k++) {
		const struct seen_slab *slab = snapshot->slabs[k];
		unsigned nr_free = 0;

		for (unsigned i = 0; i < cache->layout.num; i++)
			nr_free += slab->objects[i] == SEEN_FREE;
		assert_int_equal(nr_free, cache->layout.num - slab->inuse);
		for (unsigned i = 0; i < slab->nr_chain; i++)
			assert_int_equal(slab->objects[slab->chain[i]],
					 SEEN_FREE);
		assert_true(k == 0 ||
			    slab[0].s_mem > snapshot->slabs[k - 1]->s_mem);
	}
	/* Nothing that is no object's. */
	assert_null(slab_snapshot_find(snapshot, (uintptr_t)snapshot));
	assert_null(slab_snapshot_find(snapshot, 0));
	slab_snapshot_free(snapshot);
	assert_int_equal(nr_free_pages(), free_pages);

	for (unsigned i = 5; i < NR_OBJECTS; i++)
		kmem_cache_free(&cache->base, objects[i]);
	cache_end(cache);
}

/* Lists that are longer than what is asked for are cut, and it is known. */
static void
long_lists_are_cut(void **state)
{
	struct slab_cache *cache = cache_new("long", 2000);
	struct slab_snapshot *snapshot;
	void *objects[NR_OBJECTS];

	for (unsigned i = 0; i < NR_OBJECTS; i++)
		objects[i] = kmem_cache_alloc_node(&cache->base, GFP_KERNEL, 1);
	snapshot = slab_snapshot_take(cache, 3);
	assert_non_null(snapshot);
	assert_int_equal(snapshot->node[1].nr_seen[SEEN_FULL], 3);
	assert_false(snapshot->node[1].is_whole[SEEN_FULL]);
	assert_true(snapshot->node[1].nr_slabs >=
		    NR_OBJECTS / cache->layout.num);
	assert_true(snapshot->node[0].is_whole[SEEN_FULL]);
	slab_snapshot_free(snapshot);
	for (unsigned i = 0; i < NR_OBJECTS; i++)
		kmem_cache_free(&cache->base, objects[i]);
	cache_end(cache);
}

/* -- text ----------------------------------------------------------------------------- */

struct text {
	unsigned nr_lines;
	size_t longest;
	const char *wanted;
	bool is_found;
};

static void
text_take(const char *line, void *arg)
{
	struct text *text = arg;

	text->nr_lines++;
	text->longest = MAX(text->longest, strlen(line));
	if (text->wanted != NULL && strstr(line, text->wanted) != NULL)
		text->is_found = true;
}

/* Every size of object, on and off the slab, stays within a terminal's width. */
static void
pictures_fit(void **state)
{
	for (size_t size = 8; size <= (size_t)4 << 20; size += size / 3 + 1) {
		struct slab_cache *cache = cache_new("fits", size);
		struct text text = { .wanted = "node 1:" };
		void *object = kmem_cache_alloc(&cache->base, GFP_KERNEL);

		assert_int_equal(kmem_draw_cache("fits", 2, text_take, &text),
				 0);
		assert_true(text.is_found);
		/* A line of the whole width may have been cut. */
		assert_true(text.longest < KMEM_VIEW_WIDTH);
		kmem_cache_free(&cache->base, object);
		cache_end(cache);
	}
}

static bool
names(const char *wrong, const char *wanted)
{
	struct text text = { .wanted = wanted };

	assert_int_equal(kmem_draw_cache(wrong, 1, text_take, &text),
			 -E_NOT_FOUND);
	return text.is_found;
}

static void
wrong_names_are_answered(void **state)
{
	assert_true(names("kmalloc", "kmalloc-32 "));
	assert_true(names("kmaloc-2048", "kmalloc-2048"));
	assert_true(names("kmem_cach_nod", "kmem_cache_node"));
	assert_false(names("kmem_cach_nod", "kmalloc-32 "));
	/* Nothing is like it: all are named. */
	assert_true(names("zzz", "kmalloc-32 "));
	assert_true(names("", "kmalloc-32 "));
	assert_true(names("a name that is much longer than any may be",
			  "kmalloc-32 "));
}

static void
json_escapes_names(void **state)
{
	struct slab_cache *cache = cache_new("q\"b\\n\n\xc3\xbc", 64);
	struct text text = {
		.wanted = "{\"name\": \"q\\\"b\\\\n\\u000a\\u00c3\\u00bc\", ",
	};

	assert_int_equal(kmem_slabinfo_json(text_take, &text), 0);
	assert_true(text.is_found);
	cache_end(cache);
}

static void
comparisons_leave_nothing(void **state)
{
	struct text text = { .wanted = "with colours: 8 of 64 sets" };
	size_t before = nr_free_at_rest();

	assert_int_equal(kmem_compare_colours(512, KMEM_WAY_DEFAULT, text_take,
					      &text),
			 0);
	assert_true(text.is_found);
	text = (struct text){ .wanted = "without memory" };
	assert_int_equal(kmem_trace(2000, 1, text_take, &text), 0);
	assert_true(text.is_found);
	assert_true(text.longest < KMEM_VIEW_WIDTH);
	assert_int_equal(nr_free_at_rest(), before);
	assert_true(slab_validate(&slab_kernel_root));
	assert_int_equal(kmem_compare_colours(4, KMEM_WAY_DEFAULT, text_take,
					      &text),
			 -E_INVAL);
}

static const struct machine two_nodes = { .kmalloc = "slab",
					  .nr_nodes = 2,
					  .ram_bytes = (size_t)32 << 20 };

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_where_they_are),
		cmocka_unit_test(long_lists_are_cut),
		cmocka_unit_test(pictures_fit),
		cmocka_unit_test(wrong_names_are_answered),
		cmocka_unit_test(json_escapes_names),
		cmocka_unit_test(comparisons_leave_nothing),
	};

	machine = &two_nodes;
	return cmocka_run_group_tests(tests, machine_start, NULL);
}
