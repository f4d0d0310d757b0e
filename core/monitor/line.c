/*
 * Line editing: a person types, corrects and repeats a line.
 *
 * The line is a buffer and a cursor; every key changes them and then brings
 * the screen up to date with what any terminal understands: characters,
 * backspaces and blanks. Keys:
 *
 *	Backspace, Delete	the character before the cursor
 *	Left Right, Ctrl-B F	move		Home End, Ctrl-A E	to the ends
 *	Up Down, Ctrl-P N	history		Ctrl-U	all before the cursor
 *	Ctrl-K	all behind it			Ctrl-W	the word before it
 *	Ctrl-C	throw the line away		Ctrl-D	end of input, on an empty line
 *
 * Bytes above 127 are characters like others; other control characters are ignored,
 * a tab is a blank. A line that is too long is read to its end and thrown away as
 * a whole: half a command is not what anyone meant.
 */
#include <kernel/error.h>
#include <kernel/monitor.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include <arch/device.h>
#include "line.h"

#define HISTORY 16
#define CTRL(c) ((c)&0x1f)

/* Keys that come as several bytes. */
enum key {
	KEY_UP = 0x100,
	KEY_DOWN,
	KEY_LEFT,
	KEY_RIGHT,
	KEY_HOME,
	KEY_END,
	KEY_NONE
};

struct line {
	char *text;
	size_t length, cursor;
	bool overflow;
	unsigned shown; /* 0: the new line; n: the n-th last one of history */
};

static char history[HISTORY][LINE_SIZE];
static unsigned nr_history; /* lines ever put in */
/* A '\n' that follows a '\r' is the same Enter. */
static bool after_cr;

static void
write_repeated(char c, size_t n)
{
	while (n-- > 0)
		console_write(&c, 1);
}

/* Shows the text from `from` on, then `blanks` to wipe what was there, and puts
 * the screen's cursor, which is at `from`, where ours is. */
static void
redraw(const struct line *line, size_t from, size_t blanks)
{
	console_write(line->text + from, line->length - from);
	write_repeated(' ', blanks);
	write_repeated('\b', line->length + blanks - line->cursor);
}

static void
move_cursor(struct line *line, size_t to)
{
	if (to < line->cursor)
		write_repeated('\b', line->cursor - to);
	else
		console_write(line->text + line->cursor, to - line->cursor);
	line->cursor = to;
}

static void
insert(struct line *line, char c)
{
	size_t at = line->cursor;

	if (line->length == LINE_SIZE - 1) {
		line->overflow = true;
		return;
	}
	memmove(line->text + at + 1, line->text + at, line->length - at);
	line->text[at] = c;
	line->length++;
	line->cursor++;
	redraw(line, at, 0);
}

/* Takes out [from, to), with the cursor at one of them. */
static void
delete_range(struct line *line, size_t from, size_t to)
{
	move_cursor(line, from);
	memmove(line->text + from, line->text + to, line->length - to);
	line->length -= to - from;
	redraw(line, from, to - from);
}

static size_t
word_start(const struct line *line)
{
	size_t at = line->cursor;

	while (at > 0 && line->text[at - 1] == ' ')
		at--;
	while (at > 0 && line->text[at - 1] != ' ')
		at--;
	return at;
}

/* Replaces the line by the nr-th last one of history; 0: an empty one. */
static void
show_history(struct line *line, unsigned nr)
{
	if (nr > MIN(nr_history, (unsigned)HISTORY))
		return;
	line->shown = nr;
	delete_range(line, 0, line->length);
	if (nr > 0) {
		const char *old = history[(nr_history - nr) % HISTORY];

		line->length = strlcpy(line->text, old, LINE_SIZE);
		line->cursor = line->length;
		console_write(line->text, line->length);
	}
}

static void
remember(const struct line *line)
{
	const char *last = history[(nr_history - 1) % HISTORY];

	if (line->length == 0 ||
	    (nr_history > 0 && strcmp(last, line->text) == 0))
		return;
	strlcpy(history[nr_history++ % HISTORY], line->text, LINE_SIZE);
}

/* The rest of an escape sequence, ESC [ has been read. */
static int
read_sequence(void)
{
	int c = console_getc();

	switch (c) {
	case 'A':
		return KEY_UP;
	case 'B':
		return KEY_DOWN;
	case 'C':
		return KEY_RIGHT;
	case 'D':
		return KEY_LEFT;
	case 'H':
		return KEY_HOME;
	case 'F':
		return KEY_END;
	}
	/* ESC [ digits and more, up to a letter or ~ */
	while (c >= 0x20 && c < 0x40)
		c = console_getc();
	return c < 0 ? c : KEY_NONE;
}

/* A byte, an enum key, CONSOLE_EOF or -E_KILLED. */
static int
read_key(void)
{
	int c = console_getc();

	if (c == '\n' && after_cr) {
		after_cr = false;
		return KEY_NONE;
	}
	after_cr = c == '\r';
	if (c != '\033')
		return c;
	c = console_getc();
	if (c == '[' || c == 'O')
		return read_sequence();
	return c < 0 ? c : KEY_NONE;
}

static void
edit(struct line *line, int key)
{
	if (key == '\b' || key == 0x7f) {
		if (line->cursor > 0)
			delete_range(line, line->cursor - 1, line->cursor);
	} else if (key == CTRL('u')) {
		delete_range(line, 0, line->cursor);
		line->overflow = false;
	} else if (key == CTRL('w')) {
		delete_range(line, word_start(line), line->cursor);
	} else if (key == CTRL('k')) {
		delete_range(line, line->cursor, line->length);
	} else if (key == KEY_LEFT || key == CTRL('b')) {
		move_cursor(line, line->cursor - (line->cursor > 0));
	} else if (key == KEY_RIGHT || key == CTRL('f')) {
		move_cursor(line, MIN(line->cursor + 1, line->length));
	} else if (key == KEY_HOME || key == CTRL('a')) {
		move_cursor(line, 0);
	} else if (key == KEY_END || key == CTRL('e')) {
		move_cursor(line, line->length);
	} else if (key == KEY_UP || key == CTRL('p')) {
		show_history(line, line->shown + 1);
	} else if ((key == KEY_DOWN || key == CTRL('n')) && line->shown > 0) {
		show_history(line, line->shown - 1);
	} else if (key == '\t') {
		insert(line, ' ');
	} else if (key >= ' ' && key < KEY_UP) {
		insert(line, (char)key);
	}
}

int
line_read(const char *prompt, char *text)
{
	struct line line = { .text = text };
	int key;

	console_write(prompt, strlen(prompt));
	for (;;) {
		key = read_key();
		if (key == '\r' || key == '\n')
			break;
		if (key == CTRL('d') && line.length == 0)
			key = CONSOLE_EOF;
		if (key == CONSOLE_EOF && line.length > 0)
			break; /* the last line has no end */
		if (key < 0) {
			console_write("\n", 1);
			return key == CONSOLE_EOF ? -E_NOT_FOUND : key;
		}
		if (key == CTRL('c')) {
			line.length = line.cursor = 0;
			line.overflow = false;
			break;
		}
		edit(&line, key);
	}
	console_write("\n", 1);
	text[line.length] = '\0';
	if (line.overflow)
		return -E_NO_SPACE;
	remember(&line);
	return 0;
}
