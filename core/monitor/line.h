/*
 * Reading lines: keys, editing, completion, history.
 */
#ifndef MONITOR_LINE_H
#define MONITOR_LINE_H

#include <kernel/types.h>

#define LINE_SIZE 512

/*
 * Reads a line, without its end, into text[LINE_SIZE]. Returns 0;
 * -E_NO_SPACE: it was longer, and all of it is thrown away; -E_NOT_FOUND: the
 * input has ended (what was typed since the last line end is a last line of its
 * own before that); -E_KILLED. Sleeps.
 */
int line_read(const char *prompt, char *text) __must_check;

/* -- keys.c ------------------------------------------------------------------- */

/* Keys that come as several bytes. */
enum key {
	KEY_UP = 0x100,
	KEY_DOWN,
	KEY_LEFT,
	KEY_RIGHT,
	KEY_HOME,
	KEY_END,
	KEY_DELETE,
	KEY_NONE /* one that means nothing here */
};

/* Waits for a key: a byte, an enum key, CONSOLE_EOF or -E_KILLED. Sleeps. */
int key_read(void);

/* -- complete.c ----------------------------------------------------------------- */

/* What may follow a text. */
struct line_completion {
	unsigned nr;	  /* words that begin as the last one does */
	const char *more; /* what all of them have behind that beginning */
	size_t nr_more;	  /* so many characters */
};

/* For a text of that length, whose end is where the cursor is. */
struct line_completion line_complete(const char *text, size_t length);
/* Prints the words themselves. */
void line_complete_print(const char *line, size_t length);

#endif /* MONITOR_LINE_H */
