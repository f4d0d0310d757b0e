/*
 * Looking at the slob lists from outside: a walk, and a check of every
 * invariant that lists.c names. Nothing here runs unless it is asked for.
 */
#include "slob.h"

#include <kernel/printk.h>

void
slob_walk(struct slob *slob,
	  void (*fn)(const struct slob_block *block, void *arg), void *arg)
{
	irq_state_t state = env_lock(&slob->lock);
	struct list *pos;

	list_for_each(pos, &slob->pages) {
		const struct slob_page *page = slob_page_entry(pos);
		const struct slob_block *block = page->anchor.next;

		for (; block != slob_page_end(page); block = block->next)
			fn(block, arg);
	}
	env_unlock(&slob->lock, state);
}

/* All that validation needs to say. */
static bool
slob_wrong(const char *what, const void *where)
{
	printk("slob: %s at %p\n", what, where);
	return false;
}

/* The blocks of a page tile it exactly, and its free list is the free ones. */
static bool
slob_page_validate(const struct slob_page *page)
{
	const struct slob_block *block = (const struct slob_block *)(page + 1);
	const struct slob_block *end = slob_page_end(page);
	const struct slob_block *next_free = page->anchor.next;
	bool after_free = false;

	if (page->anchor.tag != SLOB_PAGE || page->anchor.units != 0)
		return slob_wrong("page without its mark", page);
	while (block < end) {
		bool is_free = block == next_free;

		if (block->units == 0 || block->units > (size_t)(end - block))
			return slob_wrong("impossible size", block);
		if (block->tag != (is_free ? SLOB_FREE : SLOB_USED))
			return slob_wrong("tag does not match the list", block);
		if (is_free && after_free)
			return slob_wrong("neighbours that did not merge",
					  block);
		if (is_free && block->units > page->anchor.largest)
			return slob_wrong("block above the page's largest",
					  block);
		if (is_free)
			next_free = block->next;
		after_free = is_free;
		block += block->units;
	}
	if (next_free != end)
		return slob_wrong("free list leads out of its page", page);
	return true;
}

/* No page before hint->from but hint->low has hint->units. */
static bool
slob_hints_validate(const struct slob *slob)
{
	for (unsigned c = 0; c < SLOB_NR_CLASSES; c++) {
		const struct slob_hint *hint = &slob->hints[c];
		const struct list *pos;
		bool low_seen = hint->low == NULL;

		for (pos = slob->pages.next; pos != hint->from;
		     pos = pos->next) {
			const struct slob_page *page =
				slob_page_entry((struct list *)pos);
			const struct slob_block *block;

			if (pos == NULL || pos == &slob->pages)
				return slob_wrong("hint to no page",
						  hint->from);
			low_seen |= pos == hint->low;
			if (pos == hint->low)
				continue;
			for (block = page->anchor.next;
			     block != slob_page_end(page); block = block->next)
				if (block->units >= hint->units)
					return slob_wrong("hint too high",
							  block);
		}
		if (!low_seen)
			return slob_wrong("hint to a page behind it",
					  hint->low);
		if ((hint->from == &slob->pages
			     ? UINTPTR_MAX
			     : (uintptr_t)hint->from) > slob->hints_top)
			return slob_wrong("hint above the top", hint->from);
	}
	return true;
}

static bool
slob_validate_locked(const struct slob *slob)
{
	const struct list *pos, *rover = NULL;
	size_t nr_empty = 0;

	list_for_each(pos, &slob->pages) {
		const struct slob_page *page =
			slob_page_entry((struct list *)pos);

		if (pos->next->prev != pos)
			return slob_wrong("broken list of pages", page);
		if (pos->prev != &slob->pages && pos->prev >= pos)
			return slob_wrong("page out of order", page);
		if (page->anchor.next == slob_page_end(page))
			return slob_wrong("full page in the list", page);
		if (!slob_page_validate(page))
			return false;
		nr_empty += page->anchor.next->units == SLOB_PAGE_UNITS;
		if (rover == NULL && (uintptr_t)page + PAGE_SIZE > slob->rover)
			rover = pos;
	}
	if (nr_empty != slob->nr_empty || nr_empty > slob->nr_pages)
		return slob_wrong("wrong count of empty pages", slob);
	if (slob->rover_page != (rover != NULL ? rover : &slob->pages))
		return slob_wrong("rover in the wrong page", slob->rover_page);
	return slob_hints_validate(slob);
}

bool
slob_validate(struct slob *slob)
{
	irq_state_t state = env_lock(&slob->lock);
	bool ok = slob_validate_locked(slob);

	env_unlock(&slob->lock, state);
	return ok;
}
