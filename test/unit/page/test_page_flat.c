/*
 * What one operation of a policy costs among few and among many free extents.
 *
 *	test_page_flat POLICY EXTENTS OPERATIONS
 *
 * makes a pool with about so many free extents of 1 to 7 frames, a frame in use
 * behind each, and then allocates and frees 1 to 6 frames at random so often.
 * flat.sh runs it under callgrind, which counts the instructions inside
 * measured_alloc and measured_free only. Without arguments: a quick test that
 * the workload leaves sound pools with as many extents as it says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../../core/page/internal.h"

#include "random.h"

#define FRAMES_PER_EXTENT 5 /* on the average, with the one behind it */
#define MAX_HELD 64
#define FIXED_SEED 88172645463325252ull

static struct page_pool pool;

/* callgrind collects inside these. */
struct page *measured_alloc(size_t n);
void measured_free(struct page *base, size_t n);

__noinline struct page *
measured_alloc(size_t n)
{
	return pool_alloc(&pool, n);
}

__noinline void
measured_free(struct page *base, size_t n)
{
	const struct page *bad;

	if (pool_free(&pool, base, n, &bad) != NULL)
		abort();
}

static size_t
count_extents(void)
{
	size_t nr = 0;

	for (size_t i = 0; i < pool.map_nr; i++)
		nr += pool.map[i].ref == PAGE_FREE &&
		      pool.map[i - 1].ref != PAGE_FREE;
	return nr;
}

static void
make_extents(const struct page_policy *policy, size_t nr_extents)
{
	size_t nr = nr_extents * FRAMES_PER_EXTENT, at = 0;
	struct page *storage = calloc(nr + 2, sizeof(*storage));
	struct page *all;
	const struct page *bad;

	if (storage == NULL)
		abort();
	pool_init_private(&pool, policy, storage, nr);
	pages_describe(pool.map, nr, 0, PAGE_FREE);
	pool_add(&pool, pool.map, nr);
	/* All of it in use: buddies do not give everything at once. */
	do
		all = pool_alloc(&pool, 1);
	while (all != NULL);
	while (at + 8 <= nr) {
		size_t length = 1 + random_below(7);

		if (pool_free(&pool, pool.map + at, length, &bad) != NULL)
			abort();
		at += length + 1;
	}
}

static void
run(size_t nr_operations, size_t nr_held)
{
	static struct {
		struct page *base;
		size_t n;
	} held[MAX_HELD];
	size_t nr_done = 0;

	memset(held, 0, sizeof(held));
	while (nr_done < nr_operations) {
		size_t i = random_below(nr_held), n = 1 + random_below(6);

		if (held[i].base != NULL) {
			measured_free(held[i].base, held[i].n);
			held[i].base = NULL;
			nr_done++;
		} else if (n <= pool.nr_free) {
			held[i].n = n;
			held[i].base = measured_alloc(n);
			nr_done++;
		}
	}
}

static void
work(const struct page_policy *policy, size_t nr_extents, size_t nr_operations)
{
	random_state = FIXED_SEED;
	make_extents(policy, nr_extents);
	run(nr_operations, MIN(MAX_HELD, MAX(nr_extents / 4, 2)));
}

static void
test_workload(void **state)
{
	const char *wrong;

	(void)state;
	for (unsigned i = 0; page_policies[i] != NULL; i++) {
		work(page_policies[i], 1000, 10000);
		wrong = pool_validate(&pool);
		if (wrong != NULL)
			fail_msg("%s: %s", page_policies[i]->name, wrong);
		assert_in_range(count_extents(), 800, 1200);
		free(pool.map - 1);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_workload),
	};

	if (argc != 4)
		return cmocka_run_group_tests_name("page flat", tests, NULL,
						   NULL);
	for (unsigned i = 0; page_policies[i] != NULL; i++) {
		if (strcmp(page_policies[i]->name, argv[1]) == 0) {
			work(page_policies[i], strtoul(argv[2], NULL, 0),
			     strtoul(argv[3], NULL, 0));
			return 0;
		}
	}
	fprintf(stderr, "no policy %s\n", argv[1]);
	return 2;
}
