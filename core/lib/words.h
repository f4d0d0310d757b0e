/*
 * Words of a line, one by one: what split_words() and options_apply() share.
 */
#ifndef CORE_LIB_WORDS_H
#define CORE_LIB_WORDS_H

#include <kernel/types.h>

const char *word_skip_blanks(const char *text);

/*
 * Copies the word at *text, which is no blank, to `word`, its quotes and their
 * backslashes taken off, and moves *text behind it. At most size bytes are written, NUL included;
 * *length is the word's whole length. The word may be copied onto itself.
 * -E_INVAL for a quote that is never closed; then *text is at its end.
 */
int word_next(const char **text, char *word, size_t size, size_t *length)
	__must_check;

#endif /* CORE_LIB_WORDS_H */
