/*
 * The log's ring: what is shown of it, before and after it wraps.
 */
#include <kernel/printk.h>
#include <kernel/string.h>
#include <port/unit.h>
#include <setjmp.h>
#include <cmocka.h>
#include "capture.h"

#define RAM (4ul << 20)

static char shown[1 << 16];

static void
fill(unsigned from, unsigned to)
{
	capture_begin();
	for (unsigned i = from; i < to; i++)
		printk("line %u\n", i);
	capture_end(shown, sizeof(shown));
}

/* The last nr lines are [to - nr, to). */
static void
expect_last(unsigned to, unsigned nr)
{
	static char expected[1 << 16];
	size_t n = 0;

	for (unsigned i = to - nr; i < to; i++)
		n += (size_t)snprintf(expected + n, sizeof(expected) - n,
				      "line %u\n", i);
	expected[n] = '\0';
	capture_begin();
	log_print_last(nr);
	capture_end(shown, sizeof(shown));
	assert_string_equal(shown, expected);
}

static void
test_last_lines(void **state)
{
	fill(0, 10);
	expect_last(10, 0);
	expect_last(10, 1);
	expect_last(10, 10);
}

/* Far more than it holds, with lines of lengths that put the wrap anywhere. */
static void
test_wrap(void **state)
{
	for (unsigned to = 1000; to < 20000; to += 777) {
		fill(to - 777, to);
		expect_last(to, 1);
		expect_last(to, 8);
		expect_last(to, 500);
	}
	/* More than there are: all that is left, and not a byte more. */
	capture_begin();
	log_print_last(~0u);
	capture_end(shown, sizeof(shown));
	assert_true(strlen(shown) > 8192 && strlen(shown) <= 16384);
}

static void
test_console_write_is_not_logged(void **state)
{
	fill(0, 3);
	capture_begin();
	console_write("typed\n", 6);
	capture_end(shown, sizeof(shown));
	assert_string_equal(shown, "typed\n");
	expect_last(3, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_last_lines),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_console_write_is_not_logged),
	};

	host_unit_init(RAM);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
