/*
 * Names of functions for addresses of kernel code, for backtraces.
 *
 * The link puts a table of all functions into the image (tools/symbols has the
 * format): offsets from symbol_base in ascending order, and the place of each
 * one's name. A lookup is a binary search.
 */
#include <kernel/panic.h>
#include <kernel/printk.h>

extern const char symbol_base[];
extern const uint32_t nr_symbols;
extern const uint32_t symbol_offsets[];
extern const uint32_t symbol_name_offsets[];
extern const char symbol_names[];

/* Functions are shorter: an address further from its symbol has none. */
#define FUNCTION_SIZE_MAX 0x10000

const char *
symbol_name(uintptr_t pc, char *buf, size_t size)
{
	uintptr_t offset = pc - (uintptr_t)symbol_base;
	uint32_t low = 0, high = nr_symbols; /* low <= answer < high */

	if (nr_symbols == 0 || pc < (uintptr_t)symbol_base ||
	    offset < symbol_offsets[0])
		return "?";
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (symbol_offsets[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	if (offset - symbol_offsets[low] >= FUNCTION_SIZE_MAX)
		return "?";
	snprintf(buf, size, "%s+0x%lx", symbol_names + symbol_name_offsets[low],
		 (unsigned long)(offset - symbol_offsets[low]));
	return buf;
}
