/*
 * Instances of the object allocators: made while every allocation fails in turn, with
 * values that there are not, without room; and their end, with objects out and without. Of
 * each back end and layer, beside a kernel of each.
 */
#include <stdlib.h>
#include <string.h>

#include <kernel/error.h>

#include "kmem/slab/debug/validate.h"
#include "machine.h"

/* What instances are tried as. */
static const struct kmem_args kinds[] = {
	{ .name = "sheaf", .kmalloc = "slab", .cpu = "sheaf" },
	{ .name = "array", .kmalloc = "slab", .cpu = "array" },
	{ .name = "plain", .kmalloc = "slab", .fast = "plain", .colour = "off" },
	{ .name = "debugged", .kmalloc = "slab", .slab_debug = "FZPU" },
	{ .name = "slob", .kmalloc = "slob", .fit = "best" },
};

static struct kmem *
instance_new(const struct kmem_args *args)
{
	struct kmem *kmem = NULL;

	assert_int_equal(kmem_create(args, &kmem), 0);
	assert_non_null(kmem);
	return kmem;
}

/* -- beginnings that fail ---------------------------------------------------------- */

struct attempt {
	const struct kmem_args *args;
	struct kmem *kmem;
	size_t before; /* free pages */
	int err;
};

static void
create(void *arg)
{
	struct attempt *attempt = arg;

	attempt->kmem = NULL;
	attempt->err = kmem_create(attempt->args, &attempt->kmem);
}

/* Whichever failed: there is an instance, whole, or nothing is left of it. */
static void
check(void *arg, bool has_failed)
{
	struct attempt *attempt = arg;

	if (!has_failed)
		assert_int_equal(attempt->err, 0);
	if (attempt->err != 0) {
		assert_int_equal(attempt->err, -E_NO_MEM);
		assert_null(attempt->kmem);
	} else {
		/* On two nodes the other one may have helped out. */
		assert_true(kmem_validate(attempt->kmem));
		assert_int_equal(kmem_destroy(attempt->kmem), 0);
	}
	assert_int_equal(nr_free_at_rest(), attempt->before);
	assert_true(kmem_validate(&kmem_kernel));
}

static void
each_allocation_fails(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct attempt attempt = { .args = &kinds[i] };
		const struct failing creation = { .attempt = create,
						  .check = check };

		attempt.before = nr_free_at_rest();
		/* slob needs no page but for itself. */
		assert_true(fail_in_turn(&creation, &attempt) >=
			    (strcmp(kinds[i].kmalloc, "slob") == 0 ? 1u : 40u));
	}
}

/* All memory but so many pages is somebody's. */
static void
no_room(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (unsigned nr_left = 0; nr_left <= 600; nr_left += 20) {
			struct attempt attempt = {
				.args = &kinds[i], .before = nr_free_at_rest()
			};
			struct page *hoard = NULL, *page;

			while (nr_free_pages() > nr_left &&
			       (page = alloc_page(GFP_KERNEL | __GFP_NOWARN)) !=
				       NULL)
				hoard_add(&hoard, page);
			create(&attempt);
			if (attempt.err == 0)
				assert_int_equal(kmem_destroy(attempt.kmem), 0);
			else
				assert_int_equal(attempt.err, -E_NO_MEM);
			hoard_free(hoard);
			assert_int_equal(nr_free_at_rest(), attempt.before);
		}
	}
}

static void
values_that_there_are_not(void **state)
{
	static const struct kmem_args wrong[] = {
		{ .name = "wrong", .kmalloc = "slub" },
		{ .name = "wrong", .kmalloc = "slab", .cpu = "magazine" },
		{ .name = "wrong", .kmalloc = "slab", .fast = "restart" },
		{ .name = "wrong", .kmalloc = "slab", .colour = "blue" },
		{ .name = "wrong", .kmalloc = "slob", .fit = "" },
	};
	size_t before = nr_free_at_rest();

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		unsigned long nr_reports = kmem_nr_reports();
		struct kmem *kmem = NULL;

		assert_int_equal(kmem_create(&wrong[i], &kmem), -E_INVAL);
		assert_null(kmem);
		assert_int_equal(kmem_nr_reports(), nr_reports + 1);
	}
	assert_int_equal(nr_free_at_rest(), before);
}

/* -- ends --------------------------------------------------------------------------- */

static const struct kmem_cache_args plain = { .align = 0 };

/* One object of each kind keeps it alive, and it works on. */
static void
ends_when_nothing_is_out(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		static const size_t sizes[] = { 1, 500, 3000, 70000, 5 << 20 };
		size_t before = nr_free_at_rest();
		struct kmem *kmem = instance_new(&kinds[i]);
		struct kmem_cache *cache =
			kmem_create_cache(kmem, "one", 100, &plain, 0);
		struct kmem_sheaf *sheaf;
		void *object;

		assert_non_null(cache);
		for (unsigned k = 0; k < ARRAY_SIZE(sizes); k++) {
			object = kmem_alloc(kmem, sizes[k], GFP_KERNEL);
			assert_non_null(object);
			assert_true(ksize(object) >= sizes[k]);
			assert_int_equal(kmem_destroy(kmem), -E_BUSY);
			memset(object, 0x55, sizes[k]);
			kfree(object);
		}
		object = kmem_cache_alloc(cache, GFP_KERNEL);
		assert_int_equal(kmem_destroy(kmem), -E_BUSY);
		kmem_cache_free(cache, object);
		sheaf = kmem_cache_prefill_sheaf(cache, GFP_KERNEL, 5);
		assert_non_null(sheaf);
		assert_int_equal(kmem_destroy(kmem), -E_BUSY);
		kmem_cache_return_sheaf(cache, sheaf);
		assert_true(kmem_validate(kmem));
		/* The cache ends with it. */
		assert_int_equal(kmem_destroy(kmem), 0);
		assert_int_equal(nr_free_at_rest(), before);
	}
}

/* -- side by side --------------------------------------------------------------------- */

#define NR_OBJECTS 2000

/* Objects of all instances at once; each goes home by itself, and grows at home. */
static void
objects_find_home(void **state)
{
	static unsigned char *objects[ARRAY_SIZE(kinds)][NR_OBJECTS];
	struct kmem *kmem[ARRAY_SIZE(kinds)];
	size_t before = nr_free_at_rest();

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		kmem[i] = instance_new(&kinds[i]);
	for (unsigned k = 0; k < NR_OBJECTS; k++) {
		for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
			unsigned char *object =
				kmem_alloc(kmem[i], 1 + k, GFP_KERNEL);

			assert_non_null(object);
			memset(object, (int)(i + 1), 1 + k);
			if (k % 3 == 0) {
				object = krealloc(object, 4 * k + 100,
						  GFP_KERNEL);
				assert_non_null(object);
			}
			objects[i][k] = object;
		}
	}
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (unsigned k = 0; k < NR_OBJECTS; k++) {
			assert_int_equal(objects[i][k][0], i + 1);
			assert_int_equal(objects[i][k][k], i + 1);
			kfree(objects[i][k]);
		}
		assert_true(kmem_validate(kmem[i]));
		assert_int_equal(kmem_destroy(kmem[i]), 0);
	}
	assert_int_equal(nr_free_at_rest(), before);
}

/* Names are each instance's own. */
static void
names_are_their_own(void **state)
{
	struct kmem *one = instance_new(&kinds[0]),
		    *two = instance_new(&kinds[1]);
	struct kmem_cache *first =
		kmem_create_cache(one, "same", 64, &plain, 0);
	struct kmem_cache *second =
		kmem_create_cache(two, "same", 128, &plain, 0);

	assert_non_null(first);
	assert_non_null(second);
	assert_null(kmem_create_cache(one, "same", 32, &plain, 0));
	assert_int_equal(kmem_cache_destroy(first), 0);
	assert_int_equal(kmem_destroy(one), 0);
	assert_int_equal(kmem_destroy(two), 0);
}

/* kmem_shrink and kmem_reap come to all instances. */
static void
shrinking_covers_all(void **state)
{
	static void *objects[NR_OBJECTS];
	struct kmem *kmem = instance_new(&kinds[0]);
	size_t before, with;

	before = nr_free_at_rest();
	for (unsigned k = 0; k < NR_OBJECTS; k++) {
		objects[k] = kmem_alloc(kmem, 192, GFP_KERNEL);
		assert_non_null(objects[k]);
	}
	with = nr_free_pages();
	for (unsigned k = 0; k < NR_OBJECTS; k++)
		kfree(objects[k]);
	kmem_reap();
	assert_true(nr_free_pages() < before);
	assert_true(kmem_shrink() > 0);
	assert_true(nr_free_pages() > with);
	assert_int_equal(nr_free_pages(), before);
	assert_int_equal(kmem_destroy(kmem), 0);
}

/* -- kernels ------------------------------------------------------------------------- */

static int
tests_run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_fails),
		cmocka_unit_test(no_room),
		cmocka_unit_test(values_that_there_are_not),
		cmocka_unit_test(ends_when_nothing_is_out),
		cmocka_unit_test(objects_find_home),
		cmocka_unit_test(names_are_their_own),
		cmocka_unit_test(shrinking_covers_all),
	};

	return cmocka_run_group_tests(tests, machine_start, NULL);
}

int
main(void)
{
	static const struct machine machines[] = {
		{ .name = "slab, sheaf, 1 node",
		  .kmalloc = "slab",
		  .cpu = "sheaf",
		  .nr_nodes = 1,
		  .ram_bytes = MACHINE_RAM },
		{ .name = "slab, array, 2 nodes",
		  .kmalloc = "slab",
		  .cpu = "array",
		  .nr_nodes = 2,
		  .ram_bytes = MACHINE_RAM },
		{ .name = "slob, 2 nodes",
		  .kmalloc = "slob",
		  .nr_nodes = 2,
		  .ram_bytes = MACHINE_RAM },
	};
	int failed = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(machines); i++)
		failed |= machine_run(&machines[i], tests_run);
	return failed;
}
