/*
 * vsnprintf against libc's. Ours has libc's name, and is what a call in this
 * program means; vasprintf is libc's own. (So is the header: it declares the same functions.)
 */
#include <kernel/types.h>
#include <setjmp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "random.h"

/* Formats are made up at run time. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

#define ROUNDS 400000
#define GUARD 0x5a

static char format[64];

/* Formats with ours into `size` bytes and compares with libc: the text as far as it
 * fits, its NUL, the length, and no byte further. */
static void
compare(size_t size, ...)
{
	char got[512], *expected;
	int length, expected_length;
	va_list ap;

	va_start(ap, size);
	expected_length = vasprintf(&expected, format, ap);
	va_end(ap);
	assert_true(expected_length >= 0);
	memset(got, GUARD, sizeof(got));
	va_start(ap, size);
	length = vsnprintf(got, size, format, ap);
	va_end(ap);
	if (length != expected_length)
		fail_msg("\"%s\": length %d, not %d of \"%s\"", format, length,
			 expected_length, expected);
	if (size > 0) {
		size_t n = MIN((size_t)length, size - 1);

		if (memcmp(got, expected, n) != 0 || got[n] != '\0')
			fail_msg("\"%s\": \"%s\", not \"%s\"", format, got,
				 expected);
		size = n + 1;
	}
	for (; size < sizeof(got); size++)
		assert_int_equal(got[size], GUARD);
	free(expected);
}

/* Mostly all of it, else cut anywhere. */
static size_t
random_size(void)
{
	return random_below(3) > 0 ? 512 : random_below(48);
}

/* "%", flags, width, precision: numbers, as stars have their own test. */
static char *
random_spec(const char *flags)
{
	char *at = format;

	*at++ = '<';
	*at++ = '%';
	for (unsigned n = random_below(4); n > 0 && *flags != '\0'; n--)
		*at++ = flags[random_below((unsigned)strlen(flags))];
	if (random_below(2) != 0)
		at += sprintf(at, "%u", random_below(40) + 1);
	if (random_below(2) != 0)
		at += sprintf(at, ".%u", random_below(30));
	return at;
}

/* The types that have the size of int, and those of a long, in turn. */
static void
test_numbers(void **state)
{
	static const char *const lengths[] = { "",   "h", "hh", "l",
					       "ll", "z", "t",	"j" };
	static const char conversions[] = "diuxXo";

	for (unsigned i = 0; i < ROUNDS; i++) {
		const char *length = lengths[random_below(8)];
		char c = conversions[random_below(6)];
		uint64_t value = random_value();
		bool sign = c == 'd' || c == 'i';

		sprintf(random_spec(sign       ? "-+ 0"
				    : c == 'u' ? "-0"
					       : "-0#"),
			"%s%c>", length, c);
		if (strchr("h", length[0]) != NULL) /* "" too */
			compare(random_size(), (unsigned)value);
		else
			compare(random_size(), value);
	}
}

static void
test_decimal_edges(void **state)
{
	strcpy(format, "%llu");
	for (uint64_t n = 1; n < UINT64_MAX / 10; n *= 10) {
		for (uint64_t factor = 1; factor < 10; factor++) {
			compare(64, n * factor - 1);
			compare(64, n * factor);
			compare(64, n * factor + 1);
		}
	}
	compare(64, UINT64_MAX);
	strcpy(format, "%lld");
	compare(64, INT64_MIN);
	compare(64, INT64_MAX);
	strcpy(format, "%d");
	compare(64, INT_MIN);
}

static void
test_strings(void **state)
{
	static const char text[] = "The quick brown fox";

	for (unsigned i = 0; i < ROUNDS / 10; i++) {
		strcpy(random_spec("-"), "s>");
		compare(random_size(), text + random_below(sizeof(text)));
	}
	/* No NUL is looked for beyond the precision. */
	strcpy(format, "%.3s");
	compare(16, (char[]){ 'a', 'b', 'c' });
}

static void
test_mixed(void **state)
{
	for (unsigned i = 0; i < ROUNDS / 10; i++) {
		strcpy(format, "%*d|%-*.*s|%c%%%.*x|%zu%s");
		compare(random_size(), (int)random_below(40) - 20,
			(int)random_value(), (int)random_below(20),
			(int)random_below(12) - 3, "abcdefgh",
			'a' + random_below(26), (int)random_below(12) - 3,
			(unsigned)random_value(), (size_t)random_value(),
			"end");
	}
}

/* With the format in `format`, which the compiler does not see. */
static void
format_one(char *buf, size_t size, ...)
{
	va_list ap;

	va_start(ap, size);
	vsnprintf(buf, size, format, ap);
	va_end(ap);
}

/* Where ours is not libc's. */
static void
test_our_own(void **state)
{
	char text[64];
	const char *volatile nothing = NULL;

	/* cppcheck-suppress nullPointer; that is what is tried */
	assert_int_equal(snprintf(text, sizeof(text), "%s", nothing), 6);
	assert_string_equal(text, "(null)");
	snprintf(text, sizeof(text), "%p", (void *)0xc0101234);
	assert_string_equal(text, "0x00000000c0101234");
	snprintf(text, sizeof(text), "%p", NULL);
	assert_string_equal(text, "0x0000000000000000");
	/* Unknown conversions are shown. */
	strcpy(format, "a%5Qb");
	format_one(text, sizeof(text), 0);
	assert_string_equal(text, "a%5Qb");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_decimal_edges),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_our_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
