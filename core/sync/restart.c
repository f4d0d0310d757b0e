/*
 * Restartable ranges: finding the one that a trap interrupted.
 *
 * Every trap asks, and hardly ever is the answer yes. So first comes one
 * comparison with the stretch of code in which all ranges lie, then the table.
 */
#include <kernel/restart.h>

/* Constant after restart_init. */
static uintptr_t lowest, span;

void
restart_init(void)
{
	const struct restart_range *range;
	uintptr_t highest = 0;

	lowest = UINTPTR_MAX;
	for (range = __start_restart_ranges; range < __stop_restart_ranges;
	     range++) {
		lowest = MIN(lowest, restart_range_start(range));
		highest = MAX(highest, restart_range_end(range));
	}
	span = highest > lowest ? highest - lowest : 0;
}

static uintptr_t
restart_search(uintptr_t pc)
{
	const struct restart_range *range;

	for (range = __start_restart_ranges; range < __stop_restart_ranges;
	     range++) {
		uintptr_t start = restart_range_start(range);

		if (pc - start < restart_range_end(range) - start)
			return start;
	}
	return pc;
}

uintptr_t
restart_pc(uintptr_t pc)
{
	return likely(pc - lowest >= span) ? pc : restart_search(pc);
}
