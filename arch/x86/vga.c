/*
 * The PC's text screen: 80 x 25 cells of character and colour at 0xb8000.
 *
 * The video memory holds 204 lines, of which the CRT controller shows 25 from
 * a start address on. Scrolling moves that window down by a line; only when it
 * reaches the end of the memory are its lines copied back to the beginning:
 * once in 179 lines instead of with each (video memory is slow).
 */
#include <kernel/string.h>
#include "x86.h"

#define VGA_BASE 0xb8000
#define VGA_SIZE 0x8000
#define COLUMNS 80u
#define ROWS 25u
#define MEMORY_ROWS (VGA_SIZE / (COLUMNS * 2))
#define BLANK ((uint16_t)0x0720) /* a space, light grey on black */
#define TAB_WIDTH 8u

#define CRTC_INDEX 0x3d4
#define CRTC_DATA 0x3d5
enum crtc_register {
	CRTC_START = 0x0c,  /* high byte; the low one is the next register */
	CRTC_CURSOR = 0x0e, /* likewise */
};

static volatile uint16_t *cells;
static unsigned top;	  /* row of the memory that is the first on screen */
static unsigned row, col; /* cursor; row counts in memory */

static void
crtc_write(enum crtc_register reg, unsigned value)
{
	outb(CRTC_INDEX, reg);
	outb(CRTC_DATA, value >> 8);
	outb(CRTC_INDEX, reg + 1);
	outb(CRTC_DATA, value & 0xff);
}

static void
clear_rows(unsigned first, unsigned nr)
{
	volatile uint32_t *cell = (volatile uint32_t *)&cells[first * COLUMNS];
	uint32_t blank = (uint32_t)BLANK << 16 | BLANK;

	for (unsigned i = 0; i < nr * COLUMNS / 2; i++)
		cell[i] = blank;
}

static void
new_line(void)
{
	col = 0;
	row++;
	if (row - top < ROWS)
		return;
	top++;
	if (row == MEMORY_ROWS) {
		memmove((void *)cells, (const void *)&cells[top * COLUMNS],
			(ROWS - 1) * COLUMNS * sizeof(*cells));
		row = ROWS - 1;
		top = 0;
	}
	clear_rows(row, 1);
	crtc_write(CRTC_START, top * COLUMNS);
}

static void
put(char c)
{
	switch (c) {
	case '\n':
		new_line();
		return;
	case '\r':
		col = 0;
		return;
	case '\b':
		if (col > 0)
			col--;
		return;
	case '\t':
		do
			put(' ');
		while (col % TAB_WIDTH != 0);
		return;
	}
	cells[row * COLUMNS + col] = (BLANK & 0xff00) | (uint8_t)c;
	if (++col == COLUMNS)
		new_line();
}

void
vga_write(const char *text, size_t n)
{
	if (!cells)
		return;
	for (size_t i = 0; i < n; i++)
		put(text[i]);
	crtc_write(CRTC_CURSOR, row * COLUMNS + col);
}

void
vga_init(void)
{
	volatile uint16_t *base = arch_phys_to_virt((phys_t){ VGA_BASE });

	/* No memory there, no screen. */
	*base = BLANK;
	if (*base != BLANK)
		return;
	cells = base;
	clear_rows(0, ROWS);
	crtc_write(CRTC_START, 0);
	crtc_write(CRTC_CURSOR, 0);
}
