/*
 * Strings, numbers from text, words of a line.
 */
#include <kernel/error.h>
#include <kernel/string.h>
#include "words.h"

size_t
strlen(const char *s)
{
	const char *end = s;

	while (*end != '\0')
		end++;
	return (size_t)(end - s);
}

size_t
strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n] != '\0')
		n++;
	return n;
}

int
strcmp(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return (int)(unsigned char)*a - (int)(unsigned char)*b;
}

int
strncmp(const char *a, const char *b, size_t n)
{
	size_t i = 0;

	while (i < n && a[i] != '\0' && a[i] == b[i])
		i++;
	if (i == n)
		return 0;
	return (int)(unsigned char)a[i] - (int)(unsigned char)b[i];
}

char *
strchr(const char *s, int c)
{
	while (*s != (char)c) {
		if (*s == '\0')
			return NULL;
		s++;
	}
	return (char *)(uintptr_t)s;
}

size_t
strlcpy(char *dst, const char *src, size_t size)
{
	size_t length = strlen(src);
	size_t n = MIN(length, size - 1);

	memcpy(dst, src, n);
	dst[n] = '\0';
	return length;
}

/* -- numbers ------------------------------------------------------------------- */

/* What a character counts in that base; base: it is no digit. */
static unsigned
digit_value(char c, unsigned base)
{
	unsigned value = base;

	if (c >= '0' && c <= '9')
		value = (unsigned)(c - '0');
	else if (c >= 'a' && c <= 'f')
		value = (unsigned)(c - 'a') + 10;
	else if (c >= 'A' && c <= 'F')
		value = (unsigned)(c - 'A') + 10;
	return MIN(value, base);
}

/* The number that s begins with; *rest is what follows it. */
static int
parse_digits(const char *s, unsigned long *value, const char **rest)
{
	unsigned base = 10, digit;
	unsigned long n = 0;
	const char *start;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	}
	for (start = s; (digit = digit_value(*s, base)) < base; s++) {
		if (__builtin_mul_overflow(n, base, &n) ||
		    __builtin_add_overflow(n, digit, &n))
			return -E_INVAL;
	}
	if (s == start)
		return -E_INVAL;
	*value = n;
	*rest = s;
	return 0;
}

int
parse_unsigned(const char *s, unsigned long *value)
{
	unsigned long n;
	const char *rest;

	if (parse_digits(s, &n, &rest) != 0 || *rest != '\0')
		return -E_INVAL;
	*value = n;
	return 0;
}

int
parse_int(const char *s, long *value)
{
	bool negative = *s == '-';
	/* The magnitude of the smallest number is one more than that of the
	 * largest. */
	unsigned long max = (~0ul >> 1) + (negative ? 1 : 0), n;

	if (parse_unsigned(negative ? s + 1 : s, &n) != 0 || n > max)
		return -E_INVAL;
	*value = (long)(negative ? 0 - n : n);
	return 0;
}

int
parse_size(const char *s, unsigned long *value)
{
	static const char units[] = "KMG";
	unsigned long n;
	const char *rest, *unit;

	if (parse_digits(s, &n, &rest) != 0)
		return -E_INVAL;
	if (*rest != '\0') {
		unit = strchr(units, *rest);
		if (unit == NULL || rest[1] != '\0')
			return -E_INVAL;
		if (__builtin_mul_overflow(
			    n, 1ul << 10 * (unsigned)(unit - units + 1), &n))
			return -E_INVAL;
	}
	*value = n;
	return 0;
}

/* -- words --------------------------------------------------------------------- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_quote(char c)
{
	return c == '"' || c == '\'';
}

/* A backslash that takes its meaning from the quote or backslash behind it. */
static bool
is_escape(const char *s)
{
	return s[0] == '\\' && (is_quote(s[1]) || s[1] == '\\');
}

const char *
words_find(const char *text, char wanted)
{
	char quote = '\0';

	for (; *text != '\0'; text++) {
		if (is_escape(text))
			text++;
		else if (quote == '\0' && *text == wanted)
			break;
		else if (quote == '\0' && is_quote(*text))
			quote = *text;
		else if (*text == quote)
			quote = '\0';
	}
	return text;
}

int
word_next(const char **text, char *word, size_t size, size_t *length)
{
	const char *s = *text;
	size_t n = 0, whole = 0;
	char quote = '\0';

	for (; *s != '\0' && (quote != '\0' || !is_blank(*s)); s++) {
		bool escaped = is_escape(s);

		s += escaped;
		if (!escaped && quote == '\0' && is_quote(*s)) {
			quote = *s;
		} else if (!escaped && *s == quote) {
			quote = '\0';
		} else {
			if (n + 1 < size)
				word[n++] = *s;
			whole++;
		}
	}
	/* Before the word's end is written: it may lie where the text does. */
	*text = *s != '\0' ? s + 1 : s;
	word[n] = '\0';
	*length = whole;
	return quote != '\0' ? -E_INVAL : 0;
}

const char *
word_skip_blanks(const char *text)
{
	while (is_blank(*text))
		text++;
	return text;
}

int
split_words(char *text, char *words[], unsigned max)
{
	const char *rest = text;
	unsigned nr = 0;
	size_t length;

	while (*(rest = word_skip_blanks(rest)) != '\0') {
		/* In place: a word without its quotes is never longer. */
		char *word = text + (rest - text);

		if (nr == max)
			return -E_NO_SPACE;
		words[nr++] = word;
		if (word_next(&rest, word, SIZE_MAX, &length) != 0)
			return -E_INVAL;
	}
	return (int)nr;
}
