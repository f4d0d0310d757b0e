/*
 * Line editing.
 *
 * The line is a buffer and a cursor; every key changes them and then brings
 * the screen up to date with what any terminal understands: characters,
 * backspaces and blanks. Keys:
 *
 *	Backspace	the character before the cursor		Delete	the one at it
 *	Left Right, Ctrl-B F	move		Home End, Ctrl-A E	to the ends
 *	Up Down, Ctrl-P N	history		Ctrl-U	all before the cursor
 *	Ctrl-K	all behind it			Ctrl-W	the word before it
 *	Ctrl-C	throw the line away		Ctrl-D	end of input, on an empty line
 *	Tab	complete the word; what there is, if it may become several
 *
 * Backspaces do not lead back over a line that has wrapped, so none wraps: of a
 * line that is too long for the screen a part is shown, with the cursor in it,
 * `<` and `>` where there is more:
 *
 *	text	slabinfo kmalloc-64 120 60 8; slab kmalloc-64; pages
 *	              |first               |cursor |first + width
 *	screen	ashlar> <info kmalloc-64 120 60 8; sl>
 *	                |column 0           |column
 *
 * Enter shows the whole of it once more, for those who read the log.
 *
 * Bytes above 127 are characters like others; other control characters are
 * ignored. A line that is too long for the buffer is read to its end and thrown
 * away as a whole: half a command is not what anyone meant.
 */
#include <kernel/error.h>
#include <kernel/monitor.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include <arch/device.h>
#include "line.h"

#define HISTORY 16
#define CTRL(c) ((c)&0x1f)
#define SCREEN_COLUMNS 80u

struct line {
	const char *prompt;
	char *text;
	size_t length, cursor;
	bool overflow;
	unsigned shown; /* 0: the new line; n: the n-th last one of history */
	/* What the screen shows behind the prompt: `drawn` columns, from
	 * text[first] on, at most `width`; where its cursor is. */
	size_t first, drawn, width, column;
};

static char history[HISTORY][LINE_SIZE];
static unsigned nr_history; /* lines ever put in */

/* -- the screen --------------------------------------------------------------- */

static void
write_repeated(char c, size_t n)
{
	while (n-- > 0)
		console_write(&c, 1);
}

/* Writes what belongs into the columns [column, end). */
static void
draw(struct line *line, size_t end)
{
	char text[SCREEN_COLUMNS];
	size_t n = end - line->column, last = line->width - 1;

	memcpy(text, line->text + line->first + line->column, n);
	if (n > 0 && line->column == 0 && line->first > 0)
		text[0] = '<';
	if (end == line->width && line->column <= last &&
	    line->first + line->width < line->length)
		text[last - line->column] = '>';
	console_write(text, n);
	line->column = end;
}

static void
go_to(struct line *line, size_t column)
{
	if (column > line->column) {
		draw(line, column);
		return;
	}
	write_repeated('\b', line->column - column);
	line->column = column;
}

/* Which part is shown: the one that was, unless the cursor has left it. Half the
 * screen at once, so that typing on does not draw all of it for each key. */
static size_t
choose_first(const struct line *line)
{
	size_t half = line->width / 2;

	if (line->length <= line->width)
		return 0;
	/* Not where `<` and `>` hide a character. */
	if (line->cursor >= line->first + (line->first > 0) &&
	    line->cursor < line->first + line->width - 1)
		return line->first;
	return line->cursor > half ? line->cursor - half : 0;
}

/* Brings the screen up to date with a text that is the same before `from`. */
static void
refresh(struct line *line, size_t from)
{
	size_t first = choose_first(line), drawn;

	if (first != line->first) {
		line->first = first;
		from = first;
	}
	drawn = MIN(line->length - first, line->width);
	/* The last column changes when the text grows beyond it. */
	go_to(line, MIN(from - first, line->width - 1));
	draw(line, drawn);
	if (line->drawn > drawn) {
		write_repeated(' ', line->drawn - drawn);
		line->column = line->drawn;
	}
	line->drawn = drawn;
	go_to(line, line->cursor - first);
}

/* The prompt and the line, on an empty line of the screen. */
static void
show(struct line *line)
{
	console_write(line->prompt, strlen(line->prompt));
	line->drawn = line->column = 0;
	refresh(line, line->first);
}

/* The line is complete. */
static void
finish(struct line *line)
{
	if (line->length > line->width) {
		write_repeated('\b', line->column);
		console_write(line->text, line->length);
	}
	console_write("\n", 1);
	line->text[line->length] = '\0';
}

/* -- editing ------------------------------------------------------------------ */

static void
move_cursor(struct line *line, size_t to)
{
	size_t first;

	line->cursor = to;
	first = choose_first(line);
	if (first != line->first)
		refresh(line, first);
	else
		go_to(line, to - first);
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
	refresh(line, at);
}

/* Takes out [from, to); the cursor is at one of them. */
static void
delete_range(struct line *line, size_t from, size_t to)
{
	memmove(line->text + from, line->text + to, line->length - to);
	line->length -= to - from;
	line->cursor = from;
	refresh(line, MAX(from, line->first));
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

static void
complete_word(struct line *line)
{
	struct line_completion found = line_complete(line->text, line->cursor);

	for (size_t i = 0; i < found.nr_more; i++)
		insert(line, found.more[i]);
	if (found.nr == 1)
		insert(line, ' ');
	if (found.nr > 1 && found.nr_more == 0) {
		line_complete_print(line->text, line->cursor);
		show(line);
	}
}

/* Replaces the line by the nr-th last one of history; 0: an empty one. */
static void
show_history(struct line *line, unsigned nr)
{
	if (nr > MIN(nr_history, (unsigned)HISTORY))
		return;
	line->shown = nr;
	line->length = 0;
	if (nr > 0)
		line->length = strlcpy(line->text,
				       history[(nr_history - nr) % HISTORY],
				       LINE_SIZE);
	line->cursor = line->length;
	refresh(line, line->first);
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

static void
edit(struct line *line, int key)
{
	if (key == '\b' || key == 0x7f) {
		if (line->cursor > 0)
			delete_range(line, line->cursor - 1, line->cursor);
	} else if (key == KEY_DELETE) {
		if (line->cursor < line->length)
			delete_range(line, line->cursor, line->cursor + 1);
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
		complete_word(line);
	} else if (key >= ' ' && key < KEY_UP) {
		insert(line, (char)key);
	}
}

int
line_read(const char *prompt, char *text)
{
	struct line line = {
		.prompt = prompt,
		.text = text,
		.width = SCREEN_COLUMNS - 1 - strlen(prompt),
	};
	int key;

	show(&line);
	for (;;) {
		key = key_read();
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
	finish(&line);
	if (line.overflow)
		return -E_NO_SPACE;
	remember(&line);
	return 0;
}
