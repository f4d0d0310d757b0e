/*
 * kmalloc over the real page allocator, on the host port's RAM: what the
 * in-kernel checks do not do because it ends in reports, or needs a machine of
 * a certain size; and the in-kernel checks themselves, under the sanitizers.
 */
#include <string.h>

#include <kernel/error.h>

#include "kmem/front.h"
#include "machine.h"

#define RAM_BYTES ((size_t)32 << 20)

static void
sizes_reach_their_end(void **state)
{
	static const size_t sizes[] = { 1,    16,   17,	  4000,	 4048,
					4049, 4096, 4097, 12288, 1 << 20 };
	size_t before = nr_free_at_rest();

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *object = kmalloc(sizes[i], GFP_KERNEL);

		assert_non_null(object);
		assert_true(ksize(object) >= sizes[i]);
		memset(object, 1, ksize(object));
		kfree(object);
		assert_true(kmem_validate(&kmem_kernel));
	}
	assert_int_equal(nr_free_at_rest(), before);
}

/* Each is told once, and changes nothing. */
static void
bad_frees_are_told(void **state)
{
	size_t before = nr_free_at_rest();
	char *small = kmalloc(100, GFP_KERNEL);
	char *large = kmalloc(3 * PAGE_SIZE, GFP_KERNEL);
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned long reports = kmem_nr_reports();

	kfree(small + 16);
	kfree(large + PAGE_SIZE);
	kfree(large + 64);
	kfree(page_to_virt(page));
	assert_int_equal(kmem_nr_reports() - reports, 4);
	assert_int_equal(ksize(large), 3 * PAGE_SIZE);
	kfree(large);
	kfree(large);
	kfree(small);
	kfree(small);
	assert_int_equal(kmem_nr_reports() - reports, 6);
	free_page(page);
	assert_int_equal(nr_free_at_rest(), before);
	assert_true(kmem_validate(&kmem_kernel));
}

struct fails {
	size_t size, before;
	void *object;
};

static void
attempt_kmalloc(void *arg)
{
	struct fails *fails = arg;

	fails->object = kmalloc(fails->size, GFP_KERNEL | __GFP_NOWARN);
}

static void
check_kmalloc_failed(void *arg, bool has_failed)
{
	struct fails *fails = arg;

	if (has_failed)
		assert_null(fails->object);
	else
		assert_non_null(fails->object);
	kfree(fails->object);
	assert_int_equal(nr_free_at_rest(), fails->before);
}

/* Whichever of its allocations fails, kmalloc says NULL and leaks nothing. */
static void
every_failure_is_clean(void **state)
{
	static const struct failing what = { .attempt = attempt_kmalloc,
					     .check = check_kmalloc_failed };
	static const size_t sizes[] = { 100, 5000, 100000 };
	struct fails fails = { .before = nr_free_at_rest() };

	if (!KERNEL_DEBUG)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		fails.size = sizes[i];
		assert_true(fail_in_turn(&what, &fails) >= 1);
	}
}

static void
more_than_there_is(void **state)
{
	size_t before = nr_free_at_rest();

	assert_null(kmalloc(2 * RAM_BYTES, GFP_KERNEL | __GFP_NOWARN));
	assert_null(kmalloc(SIZE_MAX, GFP_KERNEL | __GFP_NOWARN));
	assert_null(kcalloc(SIZE_MAX / 4, 5, GFP_KERNEL));
	assert_int_equal(nr_free_at_rest(), before);
}

static void
krealloc_keeps_what_it_cannot_grow(void **state)
{
	char *object = kmalloc(100, GFP_KERNEL);

	strcpy(object, "still here");
	assert_null(krealloc(object, 2 * RAM_BYTES, GFP_KERNEL | __GFP_NOWARN));
	assert_string_equal(object, "still here");
	kfree(object);
}

/* A cache that is in use stays, usable and under its name. */
static void
busy_cache_stays(void **state)
{
	size_t before = nr_free_at_rest();
	struct kmem_cache *cache =
		kmem_cache_create("busy", 200, 0, SLAB_HWCACHE_ALIGN, NULL);
	void *object = kmem_cache_alloc(cache, GFP_KERNEL), *other;

	assert_int_equal((uintptr_t)object % CACHE_LINE, 0);
	assert_int_equal(kmem_cache_destroy(cache), -E_BUSY);
	other = kmem_cache_alloc(cache, GFP_KERNEL);
	assert_non_null(other);
	assert_null(kmem_cache_create("busy", 64, 0, 0, NULL));
	kmem_cache_free(cache, object);
	kmem_cache_free(cache, other);
	assert_int_equal(kmem_cache_destroy(cache), 0);
	assert_int_equal(nr_free_at_rest(), before);
}

static const struct machine slob = { .kmalloc = "slob",
				     .nr_nodes = 1,
				     .ram_bytes = RAM_BYTES };

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_reach_their_end),
		cmocka_unit_test(bad_frees_are_told),
		cmocka_unit_test(every_failure_is_clean),
		cmocka_unit_test(more_than_there_is),
		cmocka_unit_test(krealloc_keeps_what_it_cannot_grow),
		cmocka_unit_test(busy_cache_stays),
		cmocka_unit_test(kernel_checks_pass),
	};

	machine = &slob;
	return cmocka_run_group_tests(tests, machine_start, NULL);
}
