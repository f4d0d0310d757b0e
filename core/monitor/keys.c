/*
 * Keys: from typed bytes to what a person pressed.
 *
 * Most keys are one byte. The others are escape sequences, of which terminals
 * know hundreds; so they are recognised by their form (ECMA-48), and one whose
 * form is complete is consumed as a whole, whether we know the key or not:
 *
 *	ESC [ parameters intermediates final	parameters 0-9:;<=>?, final @ to ~
 *	ESC [ [ byte				F1 to F5 of a Linux console
 *	ESC O parameters final			some arrows, F1 to F4
 *	ESC P, ], X, ^ or _ ... ESC \		what a terminal answers; BEL ends it too
 *	ESC intermediates byte			anything else, such as Alt with a key
 *
 * A control character does not belong into a sequence: it ends it, and counts by
 * itself, so that ESC and then Enter is still Enter. Only one that a terminal
 * never completes swallows more, and Enter ends that, too.
 */
#include <kernel/monitor.h>
#include <arch/device.h>
#include "line.h"

#define ESC 0x1b
#define BEL 0x07

/* The parts of a sequence. */
#define IS_CONTROL(c) ((c) < 0x20 || (c) == 0x7f)
#define IS_INTERMEDIATE(c) ((c) >= 0x20 && (c) < 0x30)
#define IS_PARAMETER(c) ((c) >= 0x30 && (c) < 0x40)

/* A byte that was read too far, to be read again; or NOTHING. */
#define NOTHING (-0x1000)
static int pushed_back = NOTHING;
/* A '\n' that follows a '\r' is the same Enter. */
static bool after_cr;

static int
next_byte(void)
{
	int c = pushed_back;

	pushed_back = NOTHING;
	return c != NOTHING ? c : console_getc();
}

/* The sequence ends before c, which is a control character, the end of input or
 * an error. */
static int
end_before(int c)
{
	pushed_back = c;
	return KEY_NONE;
}

static int
key_of_number(unsigned number)
{
	switch (number) {
	case 1:
	case 7:
		return KEY_HOME;
	case 3:
		return KEY_DELETE;
	case 4:
	case 8:
		return KEY_END;
	}
	return KEY_NONE;
}

static int
key_of_final(int final, unsigned number)
{
	switch (final) {
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
	case '~':
		return key_of_number(number);
	}
	return KEY_NONE;
}

/* The rest of a sequence that began with ESC [ or ESC O. */
static int
read_control_sequence(void)
{
	unsigned number = 0;
	bool first = true;
	int c = next_byte();

	if (c == '[') {
		c = next_byte();
		return IS_CONTROL(c) ? end_before(c) : KEY_NONE;
	}
	for (; IS_PARAMETER(c) || IS_INTERMEDIATE(c); c = next_byte()) {
		first = first && c >= '0' && c <= '9';
		if (first && number < 100)
			number = number * 10 + (unsigned)(c - '0');
	}
	return IS_CONTROL(c) ? end_before(c) : key_of_final(c, number);
}

/* The rest of a string that a terminal sends: to its end, or a line's. */
static int
read_string(void)
{
	int c = next_byte();

	while (c >= 0 && c != BEL && c != ESC && c != '\r' && c != '\n')
		c = next_byte();
	if (c == BEL)
		return KEY_NONE;
	if (c != ESC)
		return end_before(c);
	c = next_byte();
	return c == '\\' ? KEY_NONE : end_before(c);
}

/* What follows an ESC. */
static int
read_sequence(void)
{
	int c = next_byte();

	switch (c) {
	case '[':
	case 'O':
		return read_control_sequence();
	case 'P':
	case ']':
	case 'X':
	case '^':
	case '_':
		return read_string();
	}
	while (IS_INTERMEDIATE(c))
		c = next_byte();
	return IS_CONTROL(c) ? end_before(c) : KEY_NONE;
}

int
key_read(void)
{
	int c = next_byte();

	if (c == '\n' && after_cr) {
		after_cr = false;
		return KEY_NONE;
	}
	after_cr = c == '\r';
	return c == ESC ? read_sequence() : c;
}
