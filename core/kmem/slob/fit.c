/*
 * Which free block serves a request: `fit=`.
 *
 * All four choose from the same list, all free blocks in the order of their
 * addresses, and each is one function:
 *
 *   first  the lowest address that fits
 *   next   the first that fits at or behind the place where the last search
 *	    ended, going round at the top. (What some courses call first fit,
 *	    because the list's head moves along, is this one.)
 *   best   the smallest that fits; the lowest address among equals. A perfect
 *	    fit ends the search: there cannot be a smaller one.
 *   worst  the largest; the lowest address among equals. A whole page ends
 *	    the search: there cannot be a larger one.
 *
 * "Fits" includes the alignment. No choice is ever a guess: page->anchor.largest and
 * the hints (lists.c) only leave out pages in which nothing fits.
 *
 * A hint is raised by a search that has seen where the first fitting block is:
 * by first fit always, by best and worst on the way, by next fit when it has
 * been all the way round in vain. Not by an aligned search, which passes over
 * blocks that would do for others.
 */
#include "slob.h"

#include <kernel/option.h>
#include <kernel/string.h>

/* A walk over the pages that can have a block of so many units. */
struct slob_search {
	struct slob_hint *hint;
	struct list *low; /* the walk goes on at hint->from behind it */
	struct list *pos; /* &slob->pages: the end */
};

/* On to the first page, from pos on, that can have `units`. */
static __always_inline void
slob_search_skip(const struct slob *slob, struct slob_search *search,
		 struct list *pos, unsigned units)
{
	if (search->low != NULL && pos == search->low &&
	    slob_page_entry(pos)->anchor.largest < units)
		pos = search->hint->from;
	while (pos != &slob->pages &&
	       slob_page_entry(pos)->anchor.largest < units)
		pos = pos->next;
	search->pos = pos;
}

static __always_inline struct slob_search
slob_search_begin(struct slob *slob, unsigned units)
{
	struct slob_hint *hint = &slob->hints[slob_class(units)];
	struct slob_search search = { hint, hint->low, NULL };

	if (unlikely(units < hint->units)) {
		search.low = NULL;
		slob_search_skip(slob, &search, slob->pages.next, units);
	} else {
		slob_search_skip(slob, &search,
				 search.low != NULL ? search.low : hint->from,
				 units);
	}
	return search;
}

static __always_inline void
slob_search_next(const struct slob *slob, struct slob_search *search,
		 unsigned units)
{
	slob_search_skip(slob, search,
			 search->pos == search->low ? search->hint->from
						    : search->pos->next,
			 units);
}

/* The first page with a block of so many units is `page`, or there is none
 * (&slob->pages). */
static __always_inline void
slob_search_end(struct slob *slob, const struct slob_search *search,
		unsigned units, size_t align, struct list *page)
{
	struct slob_hint *hint = search->hint;
	uintptr_t key = page == &slob->pages ? UINTPTR_MAX : (uintptr_t)page;

	if (align > SLOB_UNIT)
		return;
	hint->units = units;
	if (page == search->low || (page == hint->from && hint->low == NULL))
		return;
	hint->low = NULL;
	hint->from = page;
	slob->hinted = NULL;
	if (key > slob->hints_top)
		slob->hints_top = key;
}

/* First fit among the blocks of a page that end behind address `from`. Makes
 * page->anchor.largest exact if it has seen all blocks in vain. */
static __always_inline struct slob_block *
page_first_fit(struct slob_page *page, unsigned units, size_t align,
	       uintptr_t from)
{
	const struct slob_block *end = slob_page_end(page);
	struct slob_block *prev = &page->anchor, *block;
	uint32_t largest = 0;

	for (; (block = prev->next) != end; prev = block) {
		if (block->units > largest)
			largest = block->units;
		if (slob_block_fits(block, units, align) &&
		    (uintptr_t)(block + block->units) > from)
			return prev;
	}
	page->anchor.largest = (uint16_t)largest;
	return NULL;
}

static __always_inline struct slob_block *
first_choose(struct slob *slob, unsigned units, size_t align)
{
	struct slob_search search = slob_search_begin(slob, units);
	struct slob_block *prev = NULL;

	while (search.pos != &slob->pages) {
		prev = page_first_fit(slob_page_entry(search.pos), units, align,
				      0);
		if (prev != NULL)
			break;
		slob_search_next(slob, &search, units);
	}
	slob_search_end(slob, &search, units, align, search.pos);
	return prev;
}

/* First fit in the pages [pos, end) behind address `from`. */
static __always_inline struct slob_block *
next_fit_range(struct list *pos, struct list *end, unsigned units, size_t align,
	       uintptr_t from)
{
	for (; pos != end; pos = pos->next) {
		struct slob_page *page = slob_page_entry(pos);
		struct slob_block *prev;

		if (page->anchor.largest < units)
			continue;
		prev = page_first_fit(page, units, align, from);
		if (prev != NULL)
			return prev;
	}
	return NULL;
}

static __always_inline struct slob_block *
next_choose(struct slob *slob, unsigned units, size_t align)
{
	struct list *head = &slob->pages, *end = slob->rover_page;
	struct slob_search search = slob_search_begin(slob, units);
	struct slob_block *prev = NULL;

	if (search.low != NULL && search.hint->from == head) {
		/* Only one page can have it. */
		prev = page_first_fit(slob_page_entry(search.low), units, align,
				      slob->rover);
		if (prev == NULL)
			prev = page_first_fit(slob_page_entry(search.low),
					      units, align, 0);
	} else if (search.pos != head) {
		prev = next_fit_range(end, head, units, align, slob->rover);
		/* Round the top; the rover's page once more, from its start. */
		if (prev == NULL)
			prev = next_fit_range(head->next,
					      end != head ? end->next : head,
					      units, align, 0);
	}
	if (prev == NULL)
		slob_search_end(slob, &search, units, align, head);
	if (prev != NULL) {
		slob->rover = (uintptr_t)prev->next;
		slob->rover_page = &slob_page_of(prev)->link;
	}
	return prev;
}

static __always_inline struct slob_block *
best_choose(struct slob *slob, unsigned units, size_t align)
{
	struct slob_search search = slob_search_begin(slob, units);
	struct list *first = &slob->pages;
	struct slob_block *best = NULL; /* its predecessor */
	uint32_t best_units = UINT32_MAX;

	for (; search.pos != &slob->pages && best_units > units;
	     slob_search_next(slob, &search, units)) {
		struct slob_page *page = slob_page_entry(search.pos);
		const struct slob_block *end = slob_page_end(page);
		struct slob_block *prev = &page->anchor, *block;
		uint32_t largest = 0;

		for (; (block = prev->next) != end; prev = block) {
			if (block->units > largest)
				largest = block->units;
			if (slob_block_fits(block, units, align) &&
			    block->units < best_units) {
				best = prev;
				best_units = block->units;
			}
		}
		page->anchor.largest = (uint16_t)largest;
		if (best != NULL && first == &slob->pages)
			first = search.pos;
	}
	slob_search_end(slob, &search, units, align, first);
	return best;
}

static __always_inline struct slob_block *
worst_choose(struct slob *slob, unsigned units, size_t align)
{
	struct slob_search search = slob_search_begin(slob, units);
	struct list *first = &slob->pages;
	struct slob_block *worst = NULL; /* its predecessor */
	/* Only more than this is of interest. */
	uint32_t at_least = units - 1;

	for (; search.pos != &slob->pages && at_least < SLOB_PAGE_UNITS;
	     slob_search_next(slob, &search, at_least + 1)) {
		struct slob_page *page = slob_page_entry(search.pos);
		const struct slob_block *end = slob_page_end(page);
		struct slob_block *prev = &page->anchor, *block;
		uint32_t largest = 0;

		for (; (block = prev->next) != end; prev = block) {
			if (block->units > largest)
				largest = block->units;
			if (block->units > at_least &&
			    slob_block_fits(block, units, align)) {
				worst = prev;
				at_least = block->units;
			}
		}
		page->anchor.largest = (uint16_t)largest;
		if (worst != NULL && first == &slob->pages)
			first = search.pos;
	}
	slob_search_end(slob, &search, units, align, first);
	return worst;
}

/* Each choice compiled twice: for objects that any block's end is good enough
 * for, and for those that want to be aligned. */
#define SLOB_FIT(fit)                                                          \
	static struct slob_block *fit##_find(struct slob *slob,                \
					     unsigned units)                   \
	{                                                                      \
		return fit##_choose(slob, units, SLOB_UNIT);                   \
	}                                                                      \
	static struct slob_block *fit##_find_aligned(                          \
		struct slob *slob, unsigned units, size_t align)               \
	{                                                                      \
		return fit##_choose(slob, units, align);                       \
	}

SLOB_FIT(first)
SLOB_FIT(next)
SLOB_FIT(best)
SLOB_FIT(worst)

static const struct slob_fit first_fit = {
	.name = "first",
	.description = "the lowest address that fits",
	.lowest_first = true,
	.find = first_find,
	.find_aligned = first_find_aligned,
};

static const struct slob_fit next_fit = {
	.name = "next",
	.description = "the first that fits from where the last search ended",
	.find = next_find,
	.find_aligned = next_find_aligned,
};

static const struct slob_fit best_fit = {
	.name = "best",
	.description = "the smallest block that fits",
	.find = best_find,
	.find_aligned = best_find_aligned,
};

static const struct slob_fit worst_fit = {
	.name = "worst",
	.description = "the largest block",
	.find = worst_find,
	.find_aligned = worst_find_aligned,
};

const struct slob_fit *const slob_fits[] = { &first_fit, &next_fit, &best_fit,
					     &worst_fit, NULL };

/* -- the boot option --------------------------------------------------------- */

static unsigned chosen;

const struct slob_fit *
slob_fit_named(const char *name)
{
	if (name == NULL)
		return slob_fits[chosen];
	for (unsigned i = 0; slob_fits[i] != NULL; i++)
		if (strcmp(slob_fits[i]->name, name) == 0)
			return slob_fits[i];
	return NULL;
}

static const char *
fit_name(unsigned i)
{
	return i + 1 < ARRAY_SIZE(slob_fits) ? slob_fits[i]->name : NULL;
}

const struct boot_option fit_option = {
	.name = "fit",
	.help = "how the slob back end chooses a free block",
	.kind = OPTION_CHOICE,
	.one_of = { .index = &chosen, .name_at = fit_name },
};
