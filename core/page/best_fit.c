/*
 * Best fit: the shortest run of free frames that is long enough. Long ones are
 * kept for those who need them; among equals the lowest address is taken, from its
 * low end.
 *
 * The textbook looks at every extent (or stops at one of exactly n frames). In
 * order of (length, address) the choice is the first extent that is not
 * shorter than n (by_size.c finds it).
 *
 *	lengths, in order:   1  1  3  3  8  9        n = 2 -> the first 3
 *	                           ^                 n = 3 -> the same
 *	                                             n = 4 -> 8
 */
#include "by_size.h"

static struct page *
best_fit_alloc(struct page_pool *pool, size_t n)
{
	struct page *last = by_size_at_least(pool, n);

	return last != NULL ? by_size_take(pool, last, n) : NULL;
}

const struct page_policy policy_best_fit = {
	.name = "best-fit",
	.description = "the smallest extent that fits, lowest address first",
	.init = by_size_init,
	.init_memmap = by_size_free,
	.alloc = best_fit_alloc,
	.free = by_size_free,
	.nr_free = by_size_nr_free,
	.validate = by_size_validate,
};
