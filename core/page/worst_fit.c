/*
 * Worst fit: the longest run of free frames, so that what is left of it is
 * still useful. Among equals the lowest address is taken, from its low end.
 *
 *	lengths, in order:   1  1  3  3  9  9        any n <= 9: the first 9
 *	                                 ^
 *
 * In order of (length, address) the longest ones stand at the end, and the
 * lowest of them is the first that is not shorter than the last (by_size.c).
 */
#include "by_size.h"

static struct page *
worst_fit_alloc(struct page_pool *pool, size_t n)
{
	struct page *last = by_size_longest(pool);

	if (last == NULL || last->nr < n)
		return NULL;
	return by_size_take(pool, last, n);
}

const struct page_policy policy_worst_fit = {
	.name = "worst-fit",
	.description = "the largest extent, lowest address first",
	.init = by_size_init,
	.init_memmap = by_size_free,
	.alloc = worst_fit_alloc,
	.free = by_size_free,
	.nr_free = by_size_nr_free,
	.validate = by_size_validate,
};
