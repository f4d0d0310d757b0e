/*
 * Strings, numbers from text, words of a line, lists, names of errors.
 */
#include <kernel/error.h>
#include <kernel/list.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include <setjmp.h>
#include <limits.h>
#include <stdlib.h>
#include <cmocka.h>
#include "random.h"

#define ROUNDS 200000

static void
test_parse_unsigned(void **state)
{
	static const char *const wrong[] = {
		"",
		" ",
		"abc",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1x",
		"0x",
		"x1",
		"0xg",
		"1.0",
		"0x 1",
		"12345678901234567890123",
		"18446744073709551616",
		"0x10000000000000000",
		"1K",
	};
	unsigned long value = 77;
	char text[32];

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(parse_unsigned(wrong[i], &value), -E_INVAL);
		assert_int_equal(value, 77);
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned long n = random_value();

		snprintf(text, sizeof(text), i & 1 ? "%lu" : "0x%lx", n);
		assert_int_equal(parse_unsigned(text, &value), 0);
		assert_int_equal(value, n);
	}
	assert_int_equal(parse_unsigned("0", &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(parse_unsigned("0xDeadBeef", &value), 0);
	assert_int_equal(value, 0xdeadbeef);
}

static void
test_parse_int(void **state)
{
	static const char *const wrong[] = {
		"",
		"-",
		"--1",
		"- 1",
		"9223372036854775808",
		"-9223372036854775809",
	};
	long value = 77;
	char text[32];

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(parse_int(wrong[i], &value), -E_INVAL);
		assert_int_equal(value, 77);
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		long n = (long)random_value();

		snprintf(text, sizeof(text), "%ld", n);
		assert_int_equal(parse_int(text, &value), 0);
		assert_int_equal(value, n);
	}
	snprintf(text, sizeof(text), "%ld", LONG_MIN);
	assert_int_equal(parse_int(text, &value), 0);
	assert_true(value == LONG_MIN);
}

static void
test_parse_size(void **state)
{
	static const char *const wrong[] = {
		"", "K", "1KB", "1T", "1 K", "-1K", "1KK", "17179869184G",
	};
	unsigned long value = 77;

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(parse_size(wrong[i], &value), -E_INVAL);
		assert_int_equal(value, 77);
	}
	assert_int_equal(parse_size("3", &value), 0);
	assert_int_equal(value, 3);
	assert_int_equal(parse_size("3K", &value), 0);
	assert_int_equal(value, 3ul << 10);
	assert_int_equal(parse_size("0x10M", &value), 0);
	assert_int_equal(value, 16ul << 20);
	assert_int_equal(parse_size("17179869183G", &value), 0);
	assert_int_equal(value, 17179869183ul << 30);
}

static void
test_strings(void **state)
{
	char buf[4], a[] = "a", abc[] = "abc";

	assert_int_equal(strlcpy(buf, "abcdef", sizeof(buf)), 6);
	assert_string_equal(buf, "abc");
	assert_int_equal(strlcpy(buf, "", sizeof(buf)), 0);
	assert_string_equal(buf, "");
	assert_int_equal(strlcpy(buf, "abc", 1), 3);
	assert_string_equal(buf, "");
	assert_int_equal(strnlen("abcdef", 3), 3);
	assert_int_equal(strnlen("ab", 3), 2);
	assert_true(strcmp(a, "\xff") < 0);
	assert_true(strncmp(abc, "abd", 2) == 0);
	assert_true(strncmp("ab", abc, 3) < 0);
	assert_true(strncmp(abc, "y", 0) == 0);
	assert_null(strchr("abc", 'd'));
	assert_string_equal(strchr("abc", 'c'), "c");
	assert_string_equal(strchr("abc", '\0'), "");
}

/* -- words ---------------------------------------------------------------------- */

#define WORDS 4

static const struct {
	const char *text;
	int result;
	const char *words[WORDS];
} lines[] = {
	{ "", 0, { NULL } },
	{ " \t ", 0, { NULL } },
	{ "a", 1, { "a" } },
	{ "  a  bc\td ", 3, { "a", "bc", "d" } },
	{ "run=\"ps; poweroff\"", 1, { "run=ps; poweroff" } },
	{ "\"run=ps; poweroff\" x", 2, { "run=ps; poweroff", "x" } },
	{ "ru\"n=ps; p\"owero\"ff\"", 1, { "run=ps; poweroff" } },
	{ "'a \"b' \"c 'd\"", 2, { "a \"b", "c 'd" } },
	{ "a \"\" ''", 3, { "a", "", "" } },
	{ "\"a\"b'c'", 1, { "abc" } },
	{ "a b c d", 4, { "a", "b", "c", "d" } },
	{ "a b c d e", -E_NO_SPACE, { NULL } },
	{ "a \"b c", -E_INVAL, { NULL } },
	{ "a 'b\"", -E_INVAL, { NULL } },
	{ "\"", -E_INVAL, { NULL } },
	/* A backslash before a quote or another one; else it is itself. */
	{ "\"run=\\\"ps; \\'x\\\"\"", 1, { "run=\"ps; 'x\"" } },
	{ "it\\'s a\\\\b c\\d", 3, { "it's", "a\\b", "c\\d" } },
	{ "'a\\'b' \\", 2, { "a'b", "\\" } },
	{ "\"a\\\"", -E_INVAL, { NULL } },
	{ "a\\", 1, { "a\\" } },
};

static void
test_split_words(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
		/* Exactly as long as the text: ASan watches its ends. */
		size_t size = strlen(lines[i].text) + 1;
		char *text = malloc(size);
		char *words[WORDS];

		memcpy(text, lines[i].text, size);
		assert_int_equal(split_words(text, words, WORDS),
				 lines[i].result);
		for (int k = 0; k < lines[i].result; k++)
			assert_string_equal(words[k], lines[i].words[k]);
		free(text);
	}
}

/* Whatever the bytes are: words lie in the text, one behind the other. */
static void
test_split_anything(void **state)
{
	static const char bytes[] = "ab\"'\\ \t";

	for (unsigned i = 0; i < ROUNDS; i++) {
		size_t length = random_below(24);
		char *text = malloc(length + 1), *words[8];
		char *end = text;
		int nr;

		for (size_t k = 0; k < length; k++)
			text[k] = bytes[random_below(sizeof(bytes) - 1)];
		text[length] = '\0';
		nr = split_words(text, words, ARRAY_SIZE(words));
		assert_true(nr <= (int)ARRAY_SIZE(words));
		for (int k = 0; k < nr; k++) {
			assert_true(words[k] >= end);
			end = words[k] + strlen(words[k]);
			assert_true(end <= text + length);
		}
		free(text);
	}
}

/* -- lists, errors ----------------------------------------------------------------- */

struct item {
	int number;
	struct list link;
};

static void
expect_list(struct list *head, const char *expected)
{
	char got[32] = "", back[32] = "";
	size_t n = 0, length = strlen(expected);
	struct list *pos;

	list_for_each(pos, head)
		got[n++] = (char)list_entry(pos, struct item, link)->number;
	assert_string_equal(got, expected);
	for (pos = head->prev; pos != head; pos = pos->prev)
		back[--length] =
			(char)list_entry(pos, struct item, link)->number;
	assert_int_equal(length, 0);
	assert_string_equal(back, expected);
}

static void
test_list(void **state)
{
	struct item items[] = { { .number = 'a' },
				{ .number = 'b' },
				{ .number = 'c' },
				{ .number = 'd' } };
	struct list head = LIST_INIT(head), other = LIST_INIT(other);
	struct list *pos, *tmp;

	assert_true(list_empty(&head));
	list_add_tail(&head, &items[1].link);
	list_add_tail(&head, &items[2].link);
	list_add(&head, &items[0].link);
	expect_list(&head, "abc");
	list_splice_tail(&head, &other);
	expect_list(&head, "abc");
	list_add(&other, &items[3].link);
	list_splice_tail(&head, &other);
	expect_list(&head, "abcd");
	assert_true(list_empty(&other));
	list_del(&items[1].link);
	list_del(&items[1].link);
	expect_list(&head, "acd");
	list_for_each_safe(pos, tmp, &head)
		list_del(pos);
	assert_true(list_empty(&head));
}

static void
test_error_names(void **state)
{
	for (int error = 0; error < NR_ERRORS; error++) {
		assert_non_null(error_name(error));
		assert_ptr_equal(error_name(error), error_name(-error));
	}
	assert_string_equal(error_name(-E_NO_MEM), "no memory");
	assert_string_equal(error_name(NR_ERRORS), error_name(INT_MIN));
	assert_string_equal(error_name(INT_MAX), error_name(INT_MIN));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_unsigned),
		cmocka_unit_test(test_parse_int),
		cmocka_unit_test(test_parse_size),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_split_words),
		cmocka_unit_test(test_split_anything),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_error_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
