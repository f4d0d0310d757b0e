/*
 * Boot settings: what a command line sets, and what is said about what it
 * cannot set.
 */
#include <kernel/error.h>
#include <kernel/option.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include <port/unit.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>
#include "capture.h"

#define RAM (4ul << 20)

static const char *const colours[] = { "red", "green", "blue", NULL };
static const char *colour;
static char number[16], text[64];
static char said[1 << 16];

static const char *
colour_choice(unsigned i)
{
	return i < ARRAY_SIZE(colours) ? colours[i] : NULL;
}

static int
colour_set(const char *value)
{
	for (unsigned i = 0; colours[i] != NULL; i++) {
		if (strcmp(value, colours[i]) == 0) {
			colour = colours[i];
			return 0;
		}
	}
	return -E_INVAL;
}

static const char *
colour_get(void)
{
	return colour;
}

static int
number_set(const char *value)
{
	unsigned long n;

	if (parse_unsigned(value, &n) != 0 || n > 99)
		return -E_INVAL;
	snprintf(number, sizeof(number), "%lu", n);
	return 0;
}

static const char *
number_get(void)
{
	return number;
}

static int
text_set(const char *value)
{
	return strlcpy(text, value, sizeof(text)) < sizeof(text) ? 0 : -E_INVAL;
}

static const char *
text_get(void)
{
	return text;
}

static const struct boot_option colour_option = {
	.name = "colour",
	.help = "what it looks like",
	.choice = colour_choice,
	.set = colour_set,
	.get = colour_get,
};
static const struct boot_option number_option = {
	.name = "number",
	.help = "how many",
	.values = "0..99",
	.set = number_set,
	.get = number_get,
};
static const struct boot_option text_option = {
	.name = "text",
	.help = "anything",
	.values = "<text>",
	.set = text_set,
	.get = text_get,
};

/* Two tables: the core's and a port's. */
static const struct boot_option *const core_table[] = { &colour_option,
							&number_option, NULL };
static const struct boot_option *const port_table[] = { &text_option, NULL };
static option_tables tables = { core_table, port_table, NULL };

/* Applies it to the defaults; returns how many complaints there are. */
static unsigned
apply(const char *command_line)
{
	unsigned nr;

	colour = "red";
	strlcpy(number, "7", sizeof(number));
	text[0] = '\0';
	capture_begin();
	nr = options_apply(tables, command_line);
	capture_end(said, sizeof(said));
	return nr;
}

static void
expect_said(const char *what)
{
	size_t n = strlen(what);

	for (const char *at = said; *at != '\0'; at++)
		if (strncmp(at, what, n) == 0)
			return;
	fail_msg("\"%s\" is not in: %s", what, said);
}

static void
expect_defaults(void)
{
	assert_string_equal(colour, "red");
	assert_string_equal(number, "7");
	assert_string_equal(text, "");
}

static void
test_right(void **state)
{
	assert_int_equal(apply(""), 0);
	expect_defaults();
	assert_int_equal(apply(" colour=blue  number=0x10 text=hello "), 0);
	assert_string_equal(colour, "blue");
	assert_string_equal(number, "16");
	assert_string_equal(text, "hello");
	assert_int_equal(apply("text="), 0);
	assert_int_equal(apply("text=a=b"), 0);
	assert_string_equal(text, "a=b");
}

static void
test_quotes(void **state)
{
	assert_int_equal(apply("text=\"ps; poweroff\" colour=green"), 0);
	assert_string_equal(text, "ps; poweroff");
	assert_string_equal(colour, "green");
	assert_int_equal(apply("\"text=ps; poweroff\""), 0);
	assert_string_equal(text, "ps; poweroff");
	assert_int_equal(apply("te'xt=a \"b'"), 0);
	assert_string_equal(text, "a \"b");
}

static void
test_last_one_wins(void **state)
{
	assert_int_equal(apply("colour=blue colour=green"), 0);
	assert_string_equal(colour, "green");
	assert_int_equal(apply("colour=blue colour=pink"), 1);
	assert_string_equal(colour, "blue");
}

static void
test_wrong_value(void **state)
{
	static const char *const lines[] = { "colour=pink",
					     "colour=", "colour=Red",
					     "colour=redd" };

	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
		assert_int_equal(apply(lines[i]), 1);
		expect_defaults();
		for (unsigned k = 0; colours[k] != NULL; k++)
			expect_said(colours[k]);
		expect_said(strchr(lines[i], '=') + 1);
	}
	assert_int_equal(apply("number=100"), 1);
	expect_defaults();
	expect_said("100");
	expect_said("0..99");
}

static void
test_wrong_name(void **state)
{
	static const char *const lines[] = { "size=3",	    "colou=red",
					     "colours=red", "=red",
					     "size",	    "colour" };

	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
		assert_int_equal(apply(lines[i]), 1);
		expect_defaults();
	}
	assert_int_equal(apply("size=3 colour=blue"), 1);
	expect_said("size");
	expect_said("colour");
	expect_said("number");
	expect_said("text");
	assert_string_equal(colour, "blue");
}

/* Nobody can tell where its words end: nothing of it holds. */
static void
test_unclosed_quote(void **state)
{
	static const char *const lines[] = { "colour=blue text=\"abc",
					     "colour=blue text='abc\"",
					     "number=3 '" };

	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
		assert_true(apply(lines[i]) > 0);
		expect_said("quote");
		expect_defaults();
	}
}

/* Too long to be taken whole, so nothing of it is: never half a word. */
static void
test_long_lines(void **state)
{
	static char line[20000];
	size_t n;

	snprintf(line, sizeof(line), "colour=blue%9000snumber=9", "");
	assert_true(apply(line) > 0);
	expect_said("long");
	expect_defaults();

	n = 0;
	for (unsigned i = 0; i < 500; i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "a=b ");
	assert_true(apply(line) > 0);
	expect_said("words");
	expect_defaults();
}

static void
test_print(void **state)
{
	apply("colour=blue");
	capture_begin();
	options_print(tables);
	capture_end(said, sizeof(said));
	expect_said("colour");
	expect_said("green");
	expect_said("blue");
	expect_said("what it looks like");
	expect_said("0..99");
	expect_said("text");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_last_one_wins),
		cmocka_unit_test(test_wrong_value),
		cmocka_unit_test(test_wrong_name),
		cmocka_unit_test(test_unclosed_quote),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_print),
	};

	host_unit_init(RAM);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
