/*
 * Fix-ups: finding the one for an access that was refused.
 *
 * The table is searched from its beginning. That happens only when an access has
 * failed for good, and there are few ranges: one for each way to copy.
 */
#include <kernel/fixup.h>

static uintptr_t
target(const int32_t *field)
{
	return (uintptr_t)field + (uintptr_t)(intptr_t)*field;
}

uintptr_t
fixup_find(uintptr_t pc)
{
	const struct fixup_range *range;

	for (range = __start_fixup_ranges; range < __stop_fixup_ranges; range++)
		if (pc >= target(&range->start) && pc < target(&range->end))
			return target(&range->label);
	return 0;
}
