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

enum {
	RED,
	GREEN,
	BLUE
};
static const char *const colours[] = { "red", "green", "blue", NULL };
static unsigned colour, number, shape;
static bool loud;
static char text[64];
static char said[1 << 16];

/* A table as policies and back ends have one. */
struct shape {
	const char *name;
	unsigned nr_corners;
};
static const struct shape triangle = { "triangle", 3 };
static const struct shape square = { "square", 4 };
static const struct shape *const shapes[] = { &triangle, &square, NULL };

static const char *
shape_name_at(unsigned i)
{
	assert_true(i < ARRAY_SIZE(shapes));
	return shapes[i] != NULL ? shapes[i]->name : NULL;
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
	.kind = OPTION_CHOICE,
	.one_of = { .index = &colour, .names = colours },
};
static const struct boot_option shape_option = {
	.name = "shape",
	.help = "how many corners it has",
	.kind = OPTION_CHOICE,
	.one_of = { .index = &shape, .name_at = shape_name_at },
};
static const struct boot_option number_option = {
	.name = "number",
	.help = "how many",
	.kind = OPTION_NUMBER,
	.number = { .value = &number, .min = 3, .max = 99 },
};
/* All that fits. */
static unsigned any;
static const struct boot_option any_option = {
	.name = "any",
	.help = "how many",
	.kind = OPTION_NUMBER,
	.number = { .value = &any, .min = 0, .max = UINT32_MAX },
};
static const struct boot_option loud_option = {
	.name = "loud",
	.help = "whether it can be heard",
	.kind = OPTION_SWITCH,
	.is_on = &loud,
	.alone = "on",
};
static const struct boot_option text_option = {
	.name = "text",
	.help = "anything",
	.values = "<text>",
	.set = text_set,
	.get = text_get,
};

/* Two tables: the core's and a port's. */
static const struct boot_option *const core_table[] = {
	&colour_option, &shape_option, &number_option,
	&any_option,	&loud_option,  NULL
};
static const struct boot_option *const port_table[] = { &text_option, NULL };
static option_tables tables = { core_table, port_table, NULL };

/* Applies it to the defaults; returns how many complaints there are. */
static unsigned
apply(const char *command_line)
{
	unsigned nr;

	colour = RED;
	shape = 0;
	number = 7;
	any = 1;
	loud = false;
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
	assert_int_equal(colour, RED);
	assert_int_equal(shape, 0);
	assert_int_equal(number, 7);
	assert_int_equal(any, 1);
	assert_false(loud);
	assert_string_equal(text, "");
}

static void
test_right(void **state)
{
	assert_int_equal(apply(""), 0);
	expect_defaults();
	assert_int_equal(apply(" colour=blue  number=0x10 text=hello "), 0);
	assert_int_equal(colour, BLUE);
	assert_int_equal(number, 16);
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
	assert_int_equal(colour, GREEN);
	assert_int_equal(apply("\"text=ps; poweroff\""), 0);
	assert_string_equal(text, "ps; poweroff");
	assert_int_equal(apply("te'xt=a \"b'"), 0);
	assert_string_equal(text, "a \"b");
}

static void
test_last_one_wins(void **state)
{
	assert_int_equal(apply("colour=blue colour=green"), 0);
	assert_int_equal(colour, GREEN);
	assert_int_equal(apply("colour=blue colour=pink"), 1);
	assert_int_equal(colour, BLUE);
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
}

static void
test_choice_from_structs(void **state)
{
	assert_int_equal(apply("shape=square"), 0);
	assert_int_equal(shapes[shape]->nr_corners, 4);
	assert_int_equal(apply("shape=circle"), 1);
	expect_said("triangle|square");
	expect_said("stays triangle");
	expect_defaults();
}

/* Both limits belong to the range; what is not a whole number of the range, in
 * whatever way, changes nothing. */
static void
test_number(void **state)
{
	static const char *const wrong[] = {
		"number=2",
		"number=100",
		"number=",
		"number=-7",
		"number=+7",
		"number= 7",
		"number=7x",
		"number=0x",
		"number=1e1",
		"number=4294967303",
		"any=4294967296",
		"number=18446744073709551623",
		"any=0x100000000",
		"any=-1",
		"any=999999999999999999999999999999",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_true(apply(wrong[i]) > 0);
		expect_defaults();
	}
	assert_int_equal(apply("number=100"), 1);
	expect_said("number=100");
	expect_said("3..99");
	expect_said("stays 7");
	assert_int_equal(apply("any=-1"), 1);
	expect_said("0..4294967295");
	assert_int_equal(apply("number=3 any=0"), 0);
	assert_int_equal(number, 3);
	assert_int_equal(any, 0);
	assert_int_equal(apply("number=99 any=4294967295"), 0);
	assert_int_equal(number, 99);
	assert_true(any == UINT32_MAX);
}

static void
test_switch(void **state)
{
	static const char *const wrong[] = { "loud=", "loud=yes", "loud=1",
					     "loud=ON" };

	assert_int_equal(apply("loud=on"), 0);
	assert_true(loud);
	assert_int_equal(apply("loud=on loud=off"), 0);
	assert_false(loud);
	assert_int_equal(apply("loud"), 0);
	assert_true(loud);
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(apply(wrong[i]), 1);
		expect_said("on|off");
		expect_said("stays off");
		expect_defaults();
	}
}

/* What tests and the host port ask of single settings. */
static void
test_one_by_one(void **state)
{
	char scratch[OPTION_NUMBER_TEXT], values[64];

	apply("");
	assert_int_equal(option_set(&any_option, "4294967295"), 0);
	assert_string_equal(option_get(&any_option, scratch), "4294967295");
	assert_int_equal(option_set(&shape_option, "square"), 0);
	assert_string_equal(option_get(&shape_option, scratch), "square");
	assert_int_equal(option_set(&loud_option, "on"), 0);
	assert_string_equal(option_get(&loud_option, scratch), "on");
	assert_int_equal(option_set(&text_option, "word"), 0);
	assert_string_equal(option_get(&text_option, scratch), "word");
	assert_int_equal(option_set(&shape_option, "circle"), -E_INVAL);
	assert_int_equal(option_set(&number_option, "2"), -E_INVAL);
	assert_int_equal(number, 7);

	assert_string_equal(option_choice(&colour_option, 2), "blue");
	assert_string_equal(option_choice(&shape_option, 1), "square");
	for (unsigned i = 3; i < 10; i++) {
		assert_null(option_choice(&colour_option, i));
		assert_null(option_choice(&shape_option, i));
		assert_null(option_choice(&loud_option, i));
	}
	assert_null(option_choice(&number_option, 0));
	assert_null(option_choice(&text_option, 0));

	option_values(&colour_option, values, sizeof(values));
	assert_string_equal(values, "red|green|blue");
	option_values(&number_option, values, sizeof(values));
	assert_string_equal(values, "3..99");
	option_values(&text_option, values, sizeof(values));
	assert_string_equal(values, "<text>");
	for (size_t size = 1; size < 20; size++) {
		memset(values, '!', sizeof(values));
		option_values(&colour_option, values, size);
		assert_int_equal(strlen(values),
				 MIN(size - 1, strlen("red|green|blue")));
		assert_int_equal(
			strncmp(values, "red|green|blue", strlen(values)), 0);
		assert_int_equal(values[size], '!');
	}
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
	assert_int_equal(colour, BLUE);
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
	expect_said(
		"colour=red|green|blue\n    what it looks like (now: blue)\n");
	expect_said("shape=triangle|square\n");
	expect_said("number=3..99\n    how many (now: 7)\n");
	expect_said("loud=on|off\n");
	expect_said("text=<text>\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_last_one_wins),
		cmocka_unit_test(test_wrong_value),
		cmocka_unit_test(test_choice_from_structs),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_switch),
		cmocka_unit_test(test_one_by_one),
		cmocka_unit_test(test_wrong_name),
		cmocka_unit_test(test_unclosed_quote),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_print),
	};

	host_unit_init(RAM);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
