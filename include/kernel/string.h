/*
 * Bytes and strings, and numbers from text. memcpy & co. keep their C meaning: compilers call them.
 */
#ifndef KERNEL_STRING_H
#define KERNEL_STRING_H

#include <kernel/types.h>

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);

/* Copies at most size - 1 bytes and always ends with NUL (size > 0). Returns
 * strlen(src): >= size means it was cut. */
size_t strlcpy(char *dst, const char *src, size_t size);

/*
 * Whole-string numbers: decimal, 0x hexadecimal; parse_size also takes K, M, G
 * (powers of 1,024). 0, or -E_INVAL if anything is left over, nothing was
 * there, or it does not fit; then *value is untouched.
 */
int parse_unsigned(const char *s, unsigned long *value) __must_check;
int parse_int(const char *s, long *value) __must_check;
int parse_size(const char *s, unsigned long *value) __must_check;

/*
 * Splits text in place into words, at most max of them. Blanks separate; single
 * or double quotes may open anywhere in a word and keep blanks inside it. Inside
 * and outside quotes \", \' and \\ mean the second character itself (so boot
 * loaders hand on what they quote), any other backslash is itself. Returns
 * the number of words, -E_NO_SPACE if there are more than max, -E_INVAL for a
 * quote that is never closed.
 */
int split_words(char *text, char *words[], unsigned max) __must_check;
/* Where the first character `wanted` outside quotes is, for the same quotes; the
 * end of text if there is none. */
const char *words_find(const char *text, char wanted);

#endif /* KERNEL_STRING_H */
