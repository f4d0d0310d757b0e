/*
 * The slob lists against a model, for each fit.
 *
 * The model is a map: for each page that slob holds, which units are used. Free
 * blocks are the map's runs of free units, so that merging is complete by
 * definition; each fit is a loop over all runs that follows its rule
 * literally. After every operation the pointer must be the model's, the pages
 * taken and given back must be the model's, and the lists, walked, must be the
 * runs. Pages come from an arena in random order, so that adjacent ones and
 * gaps both happen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kmem/slob/slob.h"

#include <port/unit.h>

#define ARENA_PAGES 96
#define PAGE_HEADER_UNITS (sizeof(struct slob_page) / SLOB_UNIT)
#define UNITS (PAGE_SIZE / SLOB_UNIT)
#define MAX_LIVE 4096

/* -- the pages, and what the model knows of them ------------------------------ */

static unsigned char *arena;
static bool held[ARENA_PAGES];
static bool unit_used[ARENA_PAGES][UNITS];
static size_t nr_held, nr_gets, nr_puts;
static long gets_left; /* before the source fails; < 0: never */
static unsigned seed;

static unsigned
rnd(unsigned n)
{
	seed = seed * 1664525u + 1013904223u;
	return (unsigned)(((uint64_t)(seed >> 4) * n) >> 28);
}

static void *
test_get(struct slob *slob, gfp_t gfp)
{
	(void)slob;
	unsigned i;

	(void)gfp;
	if (gets_left == 0 || nr_held == ARENA_PAGES)
		return NULL;
	if (gets_left > 0)
		gets_left--;
	do
		i = rnd(ARENA_PAGES);
	while (held[i]);
	held[i] = true;
	memset(unit_used[i], 0, sizeof(unit_used[i]));
	nr_held++;
	nr_gets++;
	return arena + i * PAGE_SIZE;
}

static void
test_put(void *page)
{
	size_t i = (size_t)((unsigned char *)page - arena) / PAGE_SIZE;

	assert_true(i < ARENA_PAGES && held[i]);
	for (size_t u = PAGE_HEADER_UNITS; u < UNITS; u++)
		assert_false(unit_used[i][u]);
	held[i] = false;
	memset(page, 0xdd, PAGE_SIZE);
	nr_held--;
	nr_puts++;
}

static const struct slob_source test_source = { test_get, test_put };

/* -- the model ------------------------------------------------------------------- */

struct run {
	uintptr_t start;
	unsigned units;
};

static struct run runs[ARENA_PAGES * UNITS / 2];
static size_t nr_runs;
static uintptr_t model_rover;

static void
model_find_runs(void)
{
	nr_runs = 0;
	for (size_t i = 0; i < ARENA_PAGES; i++) {
		bool in_run = false;

		if (!held[i])
			continue;
		for (size_t u = PAGE_HEADER_UNITS; u < UNITS; u++) {
			if (!unit_used[i][u] && !in_run)
				runs[nr_runs++] =
					(struct run){ (uintptr_t)arena +
							      i * PAGE_SIZE +
							      u * SLOB_UNIT,
						      0 };
			in_run = !unit_used[i][u];
			if (in_run)
				runs[nr_runs - 1].units++;
		}
	}
}

/* Where the object would be in this run; 0 if it does not fit. */
static uintptr_t
model_place(const struct run *run, unsigned units, size_t align)
{
	uintptr_t end = run->start + run->units * SLOB_UNIT;
	uintptr_t object;

	/* Highest first, one unit down at a time. */
	for (object = end - (units - 1) * SLOB_UNIT;
	     object >= run->start + SLOB_UNIT; object -= SLOB_UNIT)
		if (object % align == 0)
			return object;
	return 0;
}

static const struct run *
model_choose(const char *fit, unsigned units, size_t align)
{
	const struct run *chosen = NULL;
	size_t start = 0;

	if (strcmp(fit, "next") == 0)
		while (start < nr_runs &&
		       runs[start].start + runs[start].units * SLOB_UNIT <=
			       model_rover)
			start++;
	for (size_t i = 0; i < nr_runs; i++) {
		const struct run *run = &runs[(start + i) % nr_runs];

		if (run->units < units || model_place(run, units, align) == 0)
			continue;
		if (chosen == NULL)
			chosen = run;
		else if (strcmp(fit, "best") == 0 && run->units < chosen->units)
			chosen = run;
		else if (strcmp(fit, "worst") == 0 &&
			 run->units > chosen->units)
			chosen = run;
	}
	if (chosen != NULL)
		model_rover = chosen->start;
	return chosen;
}

static void
model_mark(uintptr_t object, unsigned units, bool used)
{
	size_t first = (object - SLOB_UNIT - (uintptr_t)arena) / SLOB_UNIT;

	for (size_t u = first; u < first + units; u++) {
		assert_int_equal(unit_used[u / UNITS][u % UNITS], !used);
		unit_used[u / UNITS][u % UNITS] = used;
	}
}

static size_t
model_nr_empty(void)
{
	size_t n = 0;

	for (size_t i = 0; i < nr_runs; i++)
		n += runs[i].units == UNITS - PAGE_HEADER_UNITS;
	return n;
}

/* -- the lists against the model ----------------------------------------------- */

static size_t nr_walked;

static void
compare_block(const struct slob_block *block, void *arg)
{
	(void)arg;
	assert_true(nr_walked < nr_runs);
	assert_ptr_equal(block, (void *)runs[nr_walked].start);
	assert_int_equal(block->units, runs[nr_walked].units);
	nr_walked++;
}

static void
compare(struct slob *slob)
{
	model_find_runs();
	nr_walked = 0;
	slob_walk(slob, compare_block, NULL);
	assert_int_equal(nr_walked, nr_runs);
	assert_int_equal(slob->nr_pages, nr_held);
	assert_true(slob_validate(slob));
}

struct live {
	unsigned char *object;
	size_t size;
	unsigned units;
	unsigned char fill;
};
static struct live live[MAX_LIVE];
static size_t nr_live;

/* Allocates, knowing beforehand which pointer it must be. */
static void *
checked_alloc(struct slob *slob, size_t size, size_t align)
{
	unsigned units = 1 + (unsigned)((size + SLOB_UNIT - 1) / SLOB_UNIT);
	size_t real_align = align < SLOB_UNIT ? SLOB_UNIT : align;
	size_t gets_before = nr_gets;
	const struct run *run;
	uintptr_t expected = 0;
	void *object;

	model_find_runs();
	run = model_choose(slob->fit->name, units, real_align);
	if (run != NULL)
		expected = model_place(run, units, real_align);
	object = slob_alloc_aligned(slob, size, align, GFP_KERNEL);
	if (expected != 0) {
		assert_int_equal(nr_gets, gets_before);
	} else if (object != NULL) {
		/* One page joined; then the same rule. */
		assert_int_equal(nr_gets, gets_before + 1);
		model_find_runs();
		run = model_choose(slob->fit->name, units, real_align);
		assert_non_null(run);
		expected = model_place(run, units, real_align);
	}
	assert_ptr_equal(object, (void *)expected);
	if (object == NULL)
		return NULL;
	assert_int_equal((uintptr_t)object % real_align, 0);
	assert_int_equal((uintptr_t)object % KMALLOC_ALIGN, 0);
	assert_true(slob_size(object) >= size);
	model_mark(expected, units, true);
	return object;
}

static void
checked_free(struct slob *slob, void *object)
{
	size_t puts_before = nr_puts, empty_before;
	unsigned units = (unsigned)(slob_size(object) / SLOB_UNIT) + 1;
	size_t expect_put;

	model_find_runs();
	empty_before = model_nr_empty();
	model_mark((uintptr_t)object, units, false);
	model_find_runs();
	expect_put = model_nr_empty() > empty_before &&
		     model_nr_empty() > SLOB_KEEP_EMPTY;
	assert_true(slob_free(slob, object));
	assert_int_equal(nr_puts - puts_before, expect_put);
}

static size_t
random_size(void)
{
	switch (rnd(4)) {
	case 0:
		return 1 + rnd(64);
	case 1:
		return 16 * (1 + rnd(40));
	case 2:
		return 1 + rnd(1024);
	default:
		return 1 + rnd((unsigned)(SLOB_PAGE_UNITS - 1) * SLOB_UNIT);
	}
}

static void
live_alloc(struct slob *slob)
{
	struct live *entry = &live[nr_live];
	size_t size = random_size();
	size_t align = rnd(4) == 0 ? (size_t)1 << rnd(12) : 1;

	if (!slob_fits_page(size, align))
		return;
	entry->object = checked_alloc(slob, size, align);
	if (entry->object == NULL) {
		assert_true(gets_left == 0 || nr_held == ARENA_PAGES);
		return;
	}
	entry->size = size;
	entry->fill = (unsigned char)rnd(256);
	memset(entry->object, entry->fill, slob_size(entry->object));
	nr_live++;
}

static void
live_free(struct slob *slob, size_t i)
{
	struct live entry = live[i];

	for (size_t b = 0; b < slob_size(entry.object); b++)
		assert_int_equal(entry.object[b], entry.fill);
	checked_free(slob, entry.object);
	live[i] = live[--nr_live];
}

static const struct slob_fit *
fit_named(const char *name)
{
	for (unsigned i = 0; slob_fits[i] != NULL; i++)
		if (strcmp(slob_fits[i]->name, name) == 0)
			return slob_fits[i];
	fail_msg("no fit %s", name);
	return NULL;
}

static struct slob slob;

static void
fresh(const char *fit, unsigned start_seed)
{
	memset(held, 0, sizeof(held));
	memset(arena, 0xdd, ARENA_PAGES * PAGE_SIZE);
	nr_held = nr_gets = nr_puts = nr_live = 0;
	gets_left = -1;
	seed = start_seed;
	model_rover = 0;
	slob_init(&slob, fit_named(fit), &test_source);
}

/* -- tests ------------------------------------------------------------------------ */

static void
random_operations(const char *fit, unsigned start_seed, size_t nr)
{
	size_t held_before;

	fresh(fit, start_seed);
	for (size_t i = 0; i < nr; i++) {
		/* Phases of growing and of shrinking. */
		unsigned grow = i / 512 % 2 == 0 ? 6 : 4;

		if (nr_live == 0 || (rnd(10) < grow && nr_live < MAX_LIVE))
			live_alloc(&slob);
		else
			live_free(&slob, rnd((unsigned)nr_live));
		if (rnd(400) == 0)
			slob_shrink(&slob);
		if (rnd(300) == 0)
			gets_left = rnd(3);
		else if (rnd(20) == 0)
			gets_left = -1;
		compare(&slob);
	}
	while (nr_live > 0)
		live_free(&slob, rnd((unsigned)nr_live));
	compare(&slob);
	assert_true(nr_held <= SLOB_KEEP_EMPTY);
	held_before = nr_held;
	assert_int_equal(slob_shrink(&slob), held_before);
	assert_int_equal(nr_held, 0);
	compare(&slob);
}

static void
random_first(void **state)
{
	for (unsigned s = 1; s <= 2; s++)
		random_operations("first", s, 5000);
}

static void
random_next(void **state)
{
	for (unsigned s = 1; s <= 2; s++)
		random_operations("next", s, 5000);
}

static void
random_best(void **state)
{
	for (unsigned s = 1; s <= 2; s++)
		random_operations("best", s, 5000);
}

static void
random_worst(void **state)
{
	for (unsigned s = 1; s <= 2; s++)
		random_operations("worst", s, 5000);
}

/* Cuts a page into objects of these units (with header), from its end down. */
static void
cut_page(void *objects[], const unsigned units[], size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		objects[i] =
			checked_alloc(&slob, (units[i] - 1) * SLOB_UNIT, 1);
}

/*
 * One page with holes of 10, 30, 20, 30, 20 units from low to high addresses
 * (and nothing else free), so that each rule has one answer for 15 units.
 */
static void
each_rule_by_hand(void **state)
{
	static const unsigned cut[] = { 20, 2, 30, 2, 20, 2, 30, 2, 10, 136 };
	static const struct {
		const char *fit;
		unsigned hole; /* index into cut */
	} rules[] = { { "first", 6 }, { "best", 4 }, { "worst", 6 } };
	void *objects[10];

	for (size_t r = 0; r < ARRAY_SIZE(rules); r++) {
		fresh(rules[r].fit, 1);
		cut_page(objects, cut, 10);
		for (size_t i = 0; i < 10; i += 2)
			checked_free(&slob, objects[i]);
		/* The object is the upper end of the hole. */
		assert_ptr_equal(slob_alloc(&slob, 14 * SLOB_UNIT, 0),
				 (char *)objects[rules[r].hole] +
					 (cut[rules[r].hole] - 15) * SLOB_UNIT);
		assert_true(slob_validate(&slob));
	}

	/* next: on from the last one, in what it left first, and round. */
	fresh("next", 1);
	cut_page(objects, cut, 10);
	for (size_t i = 0; i < 10; i += 2)
		checked_free(&slob, objects[i]);
	for (size_t turn = 0; turn < 7; turn++) {
		static const struct {
			unsigned hole, rest; /* units left below the object */
		} order[7] = { { 6, 15 }, { 6, 0 }, { 4, 5 }, { 2, 15 },
			       { 2, 0 },  { 0, 5 }, { 6, 15 } };
		void *object = slob_alloc(&slob, 14 * SLOB_UNIT, 0);

		assert_ptr_equal(object, (char *)objects[order[turn].hole] +
						 order[turn].rest * SLOB_UNIT);
		if (turn == 2) /* behind the rover: for after going round */
			assert_true(slob_free(&slob, (char *)objects[6] +
							     15 * SLOB_UNIT));
	}
}

/* The only block that fits lies in the rover's page, below the rover. */
static void
next_looks_below_its_rover(void **state)
{
	static const unsigned cut[] = { 20, 20, 80, 134 };
	static const unsigned cut_other[] = { 239, 15 };
	void *objects[4], *other[2];

	fresh("next", 11);
	cut_page(objects, cut, 4);
	cut_page(other, cut_other, 2);
	assert_int_equal(nr_held, 2);
	checked_free(&slob, other[1]);
	checked_free(&slob, objects[1]);
	assert_ptr_equal(checked_alloc(&slob, 19 * SLOB_UNIT, 1), objects[1]);
	checked_free(&slob, objects[3]);
	assert_ptr_equal(checked_alloc(&slob, 99 * SLOB_UNIT, 1),
			 (char *)objects[3] + 34 * SLOB_UNIT);
	assert_int_equal(nr_held, 2);
}

/* A block that is freed between used/free neighbours, all four ways. */
static void
merges_both_ways(void **state)
{
	static const unsigned cut[] = { 20, 20, 20, 194 };

	for (unsigned mask = 0; mask < 4; mask++) {
		void *objects[4];

		fresh("first", 3);
		cut_page(objects, cut, 4);
		if (mask & 1)
			checked_free(&slob, objects[0]);
		if (mask & 2)
			checked_free(&slob, objects[2]);
		checked_free(&slob, objects[1]);
		compare(&slob);
		assert_int_equal(nr_walked, 1);
		assert_int_equal(runs[0].units,
				 20 + (mask & 1) * 20 + (mask >> 1) * 20);
	}
}

/* Adjacent pages stay apart, and each goes back by itself. */
static void
pages_do_not_merge(void **state)
{
	void *objects[8];

	fresh("first", 5);
	for (size_t i = 0; i < 8; i++)
		objects[i] = checked_alloc(
			&slob, (SLOB_PAGE_UNITS - 1) * SLOB_UNIT, 1);
	assert_int_equal(nr_held, 8);
	for (size_t i = 0; i < 8; i++)
		checked_free(&slob, objects[i]);
	assert_int_equal(nr_held, SLOB_KEEP_EMPTY);
	compare(&slob);
	assert_int_equal(slob_shrink(&slob), SLOB_KEEP_EMPTY);
	assert_int_equal(nr_held, 0);
	assert_int_equal(slob_shrink(&slob), 0);
}

/* At the edge of a page, one object more and less does not cost a page. */
static void
no_see_saw(void **state)
{
	void *objects[2];

	fresh("first", 6);
	objects[0] = checked_alloc(&slob, 4000, 1);
	for (unsigned i = 0; i < 100; i++) {
		objects[1] = checked_alloc(&slob, 4000, 1);
		checked_free(&slob, objects[1]);
	}
	assert_int_equal(nr_gets, 2);
	assert_int_equal(nr_puts, 0);
	checked_free(&slob, objects[0]);
}

static void
no_page_changes_nothing(void **state)
{
	fresh("best", 7);
	assert_non_null(checked_alloc(&slob, 3000, 1));
	gets_left = 0;
	compare(&slob);
	assert_null(slob_alloc(&slob, 2000, GFP_ATOMIC));
	compare(&slob);
	assert_int_equal(nr_walked, 1);
	/* The next, smaller one works. */
	assert_non_null(checked_alloc(&slob, 1000, 1));
}

static void
what_fits_a_page(void **state)
{
	size_t most = (SLOB_PAGE_UNITS - 1) * SLOB_UNIT;

	assert_true(slob_fits_page(most, 16));
	assert_true(slob_fits_page(most, 1));
	assert_false(slob_fits_page(most + 1, 16));
	assert_true(slob_fits_page(2048, 2048));
	assert_false(slob_fits_page(2049, 2048));
	assert_false(slob_fits_page(16, PAGE_SIZE));
	assert_false(slob_fits_page(SIZE_MAX, 16));
	/* What is said to fit does, from one page. */
	for (size_t align = 1; align < PAGE_SIZE; align *= 2) {
		size_t size = PAGE_SIZE;

		while (!slob_fits_page(size, align))
			size--;
		fresh("first", 8);
		assert_non_null(checked_alloc(&slob, size, align));
		assert_int_equal(nr_gets, 1);
	}
}

static void
bad_frees_are_told(void **state)
{
	unsigned long reports = kmem_nr_reports();
	unsigned char *a, *b, *c;

	fresh("first", 9);
	a = checked_alloc(&slob, 100, 1);
	b = checked_alloc(&slob, 100, 1);
	c = checked_alloc(&slob, 100, 1);
	memset(b, 0x5a, 100);
	checked_free(&slob, c);
	checked_free(&slob, a);
	compare(&slob);

	assert_false(slob_free(&slob, a));	/* twice */
	assert_false(slob_free(&slob, c));	/* absorbed by the rest below */
	assert_false(slob_free(&slob, b + 16)); /* inside */
	assert_false(slob_free(&slob, b + 4));
	for (size_t i = 0; i < ARENA_PAGES; i++) {
		if (!held[i]) { /* a page of somebody else */
			assert_false(
				slob_free(&slob, arena + i * PAGE_SIZE + 64));
			break;
		}
	}
	/* Somebody wrote over the header of b. */
	((struct slob_block *)b)[-1].units = 200;
	assert_true(slob_free(&slob, b));
	assert_int_equal(kmem_nr_reports() - reports, 6);
	((struct slob_block *)b)[-1].units = 8;
	checked_free(&slob, b);
	compare(&slob);
}

static int
setup(void **state)
{
	host_unit_init(1 << 20);
	arena = aligned_alloc(PAGE_SIZE, ARENA_PAGES * PAGE_SIZE);
	return arena == NULL;
}

static int
teardown(void **state)
{
	free(arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_by_hand),
		cmocka_unit_test(next_looks_below_its_rover),
		cmocka_unit_test(merges_both_ways),
		cmocka_unit_test(pages_do_not_merge),
		cmocka_unit_test(no_see_saw),
		cmocka_unit_test(no_page_changes_nothing),
		cmocka_unit_test(what_fits_a_page),
		cmocka_unit_test(bad_frees_are_told),
		cmocka_unit_test(random_first),
		cmocka_unit_test(random_next),
		cmocka_unit_test(random_best),
		cmocka_unit_test(random_worst),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
