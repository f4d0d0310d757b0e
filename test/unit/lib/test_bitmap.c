/*
 * Bitmaps with summaries, against an array of bool.
 */
#include <kernel/bitmap.h>
#include <kernel/string.h>
#include <setjmp.h>
#include <cmocka.h>
#include "random.h"

#define STEPS 200000
#define LARGE 32768

/* Sizes at and around the ends of words and of summaries. */
BITMAP_TREE_DEFINE(bits_1, 1);
BITMAP_TREE_DEFINE(bits_63, 63);
BITMAP_TREE_DEFINE(bits_64, 64);
BITMAP_TREE_DEFINE(bits_65, 65);
BITMAP_TREE_DEFINE(bits_4096, 4096);
BITMAP_TREE_DEFINE(bits_4097, 4097);
BITMAP_TREE_DEFINE(bits_5000, 5000);
BITMAP_TREE_DEFINE(bits_large, LARGE);

static bool model[LARGE];

static size_t
model_next_zero(size_t nr, size_t from)
{
	while (from < nr && model[from])
		from++;
	return from < nr ? from : nr;
}

/* Any answer that is no number means that there is none. */
static void
expect_same(const struct bitmap_tree *tree, size_t nr, size_t from)
{
	size_t found = bitmap_tree_next_zero(tree, from);

	assert_int_equal(found < nr ? found : nr, model_next_zero(nr, from));
}

static void
change(const struct bitmap_tree *tree, size_t bit, bool value)
{
	if (value)
		bitmap_tree_set(tree, bit);
	else
		bitmap_tree_clear(tree, bit);
	model[bit] = value;
	assert_true(bitmap_tree_test(tree, bit) == value);
}

/* Takes the next free one as a pid is taken. */
static void
take(const struct bitmap_tree *tree, size_t nr, size_t from)
{
	size_t expected = model_next_zero(nr, from);
	size_t found = bitmap_tree_take_next(tree, from);

	assert_int_equal(found < nr ? found : nr, expected);
	if (expected < nr) {
		model[expected] = true;
		assert_true(bitmap_tree_test(tree, expected));
	}
}

/* The quick try may refuse a bit, but takes only what is clear. True: it took. */
static bool
try_take(const struct bitmap_tree *tree, size_t bit)
{
	bool was_set = model[bit];

	if (!bitmap_tree_try_take(tree, bit)) {
		assert_true(bitmap_tree_test(tree, bit) == was_set);
		return false;
	}
	assert_false(was_set);
	model[bit] = true;
	assert_true(bitmap_tree_test(tree, bit));
	return true;
}

/* Nearly empty, nearly full, and everything between: how often a bit is set
 * drifts. Setting twice and clearing twice happen as well. */
static void
try_size(const struct bitmap_tree *tree, size_t nr)
{
	memset(model, 0, sizeof(model));
	expect_same(tree, nr, 0);
	for (size_t bit = 0; bit < nr; bit++) {
		expect_same(tree, nr, 0);
		change(tree, bit, true);
	}
	expect_same(tree, nr, 0);
	for (unsigned step = 0; step < STEPS / 8; step++) {
		unsigned percent = 95 + (step / 1000) % 6;
		size_t bit = random_below((unsigned)nr);

		change(tree, bit, random_below(100) < percent);
		expect_same(tree, nr, random_below((unsigned)nr));
		if (step % 4 == 0)
			take(tree, nr, random_below((unsigned)nr));
		if (step % 16 == 7)
			(void)try_take(tree, random_below((unsigned)nr));
	}
	for (size_t bit = 0; bit < nr; bit++)
		change(tree, bit, false);
	assert_true(try_take(tree, nr - 1));
	assert_false(try_take(tree, nr - 1));
	assert_false(bitmap_tree_try_take(tree, nr));
	change(tree, nr - 1, false);
	expect_same(tree, nr, nr - 1);
	expect_same(tree, nr, nr);
}

static void
test_sizes(void **state)
{
	try_size(&bits_1, 1);
	try_size(&bits_63, 63);
	try_size(&bits_64, 64);
	try_size(&bits_65, 65);
	try_size(&bits_4096, 4096);
	try_size(&bits_4097, 4097);
	try_size(&bits_5000, 5000);
}

/* One hole in a full bitmap is found from everywhere before it. */
static void
test_one_hole(void **state)
{
	for (size_t bit = 0; bit < LARGE; bit++)
		bitmap_tree_set(&bits_large, bit);
	assert_true(bitmap_tree_next_zero(&bits_large, 0) >= LARGE);
	for (unsigned step = 0; step < STEPS; step++) {
		size_t hole = random_below(LARGE);
		size_t from = random_below((unsigned)hole + 1);

		bitmap_tree_clear(&bits_large, hole);
		assert_int_equal(bitmap_tree_next_zero(&bits_large, from),
				 hole);
		assert_true(bitmap_tree_next_zero(&bits_large, hole + 1) >=
			    LARGE);
		bitmap_tree_set(&bits_large, hole);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_one_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
