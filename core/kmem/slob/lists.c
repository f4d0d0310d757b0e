/*
 * slob: Kernighan and Ritchie's allocator, for a kernel.
 *
 * PROBLEM.  Objects of any size, out of pages, with little code and little
 * memory, and no idea in advance of what the sizes will be.
 *
 * MODEL.  Memory is counted in units of one header. Every block, free or in
 * use, is a header and what follows; the pointer that a caller has is one unit
 * behind the header.
 *
 *	page    header  block            block            block
 *	+------+-------+----------------+----------------+------------------+
 *	| link | units | free ...       | used: object   | free ...         |
 *	| anchor >next-+----------------+----------------+>next = page end  |
 *	+------+-------+----------------+----------------+------------------+
 *
 * The textbook has one list of free blocks in the order of their addresses.
 * Here that list is cut at the pages' edges: slob->pages are the pages that
 * have a free block, by address, and each begins with a header that leads to
 * its own free blocks, by address. Walked one after the other they *are* the
 * textbook's list, and every fit chooses from it exactly as the textbook says.
 * But a free now looks at one page only, and finds that page by masking the
 * pointer: in the textbook's list a free in random order walks half of all
 * free blocks to find its neighbours.
 *
 * A unit is 16 bytes on both widths. On 32 bits the classic unit is 8 (a size
 * and a link), but kmalloc promises 16-byte alignment (KMALLOC_ALIGN), so
 * that blocks of 8 would only move the waste from the header to the object.
 * The room buys the tag, by which bad frees are told from good ones.
 *
 * ALLOCATE.  The fit (fit.c) chooses a block. The object is cut from its
 * upper end, as K&R do: the rest keeps its header and its place in the list,
 * nothing is relinked. An aligned object may leave a rest behind it as
 * well. No block: a page joins as one free block, and the fit chooses again.
 *
 * FREE.  The block goes between its neighbours of the page; if it touches
 * them it merges, leftwards first, so that the survivor's header stays valid.
 * Blocks never merge across the edge of a page, even if the next page is ours
 * too: every page has its header in between. So a page that is wholly free is
 * one block of SLOB_PAGE_UNITS, seen at once, and goes back to the page
 * allocator - but for SLOB_KEEP_EMPTY of them, against a see-saw at the edge;
 * slob_shrink() gives these back too. The price: an object cannot be larger
 * than a page less two headers. Larger ones are pages anyway (backend.c).
 *
 * COSTS.  Free: at most the free blocks of one page, and once per page that
 * was full a walk to its place in the list, from where the last one joined.
 * Allocate: a walk over pages, helped by two things that change no choice:
 *   anchor.largest is an upper bound for the page's free blocks: pages that
 *		    cannot serve are stepped over, not walked. A walk that finds
 *		    nothing makes it exact; a free raises it.
 *   slob->hints    say, for each power of two of the request, before which page
 *		    no block of so many units can be, but for one page. Searches
 *		    raise them; a free, or a page that joins, before one becomes
 *		    its exception or lowers it. So 10,000 equal objects in a row
 *		    are found at once, though every page keeps an odd rest, and
 *		    wherever in memory the next page comes from.
 * Memory: 16 bytes an object, 32 a page, and the holes between.
 *
 * INVARIANTS (slob_validate).  Free blocks ascend, do not touch or overlap, lie
 * inside their page. A page is in slob->pages exactly while its list of
 * free blocks is not empty. largest, hints, rover_page and nr_empty are as documented. SLOB_USED
 * stands in headers of live objects only: a header that is freed or absorbed
 * keeps SLOB_FREE.
 *
 * LOCKING.  slob->lock (LOCK_RANK_KMEM, interrupts off) guards everything. It is
 * dropped around the page source, which may sleep; then the search starts
 * again. Frees and GFP_ATOMIC are therefore legal in interrupts.
 *
 * FAILURE.  Only the page source can fail; the lists are then as they were. A
 * free of what is no live object (twice, inside of an object, of another
 * allocator) is reported and ignored.
 *
 * TO CHANGE.  Another choice: a function and a table row in fit.c.
 */
#include "slob.h"

BUILD_ASSERT(sizeof(struct slob_block) == 16);
BUILD_ASSERT(sizeof(struct slob_page) == 32);
/* What a 16-bit `largest` and SLOB_NR_CLASSES can count. */
BUILD_ASSERT(PAGE_SIZE / 16 >> SLOB_NR_CLASSES <= 1);

/* -- hints ------------------------------------------------------------------ */

static inline uintptr_t
slob_list_key(const struct slob *slob, const struct list *link)
{
	return link == &slob->pages ? UINTPTR_MAX : (uintptr_t)link;
}

/*
 * Something became free in `page`: hints that lie behind it have to know it,
 * as the one exception they can have, or by beginning there.
 */
static __noinline void
slob_hints_lower(struct slob *slob, struct slob_page *page) REQUIRES(slob->lock)
{
	struct list *link = &page->link;

	slob->hints_top = 0;
	for (unsigned c = 0; c < SLOB_NR_CLASSES; c++) {
		struct slob_hint *hint = &slob->hints[c];
		uintptr_t key = slob_list_key(slob, hint->from);

		if (key > (uintptr_t)link && hint->low == NULL) {
			hint->low = link;
		} else if (key > (uintptr_t)link && hint->low != link) {
			hint->from = MIN(hint->low, link);
			hint->low = NULL;
			key = (uintptr_t)hint->from;
		}
		slob->hints_top = MAX(slob->hints_top, key);
	}
	slob->hinted = page;
}

/* -- the list of pages ------------------------------------------------------ */

/* The page got its first free block: puts it into the list at its place. */
static __noinline void
slob_page_list(struct slob *slob, struct slob_page *page) REQUIRES(slob->lock)
{
	struct list *head = &slob->pages;
	struct list *prev = slob->near;

	while (prev != head && prev > &page->link)
		prev = prev->prev;
	while (prev->next != head && prev->next < &page->link)
		prev = prev->next;
	list_add(prev, &page->link);
	slob->near = &page->link;

	if (page->link.next == slob->rover_page &&
	    (uintptr_t)page + PAGE_SIZE > slob->rover)
		slob->rover_page = &page->link;
	if ((uintptr_t)&page->link < slob->hints_top)
		slob_hints_lower(slob, page);
}

/* The page has no free block any more, or leaves: nothing may point to it. */
static __noinline void
slob_page_unlist(struct slob *slob, struct slob_page *page) REQUIRES(slob->lock)
{
	struct list *link = &page->link;
	struct list *next = link->next;

	if (slob->near == link)
		slob->near = link->prev;
	if (slob->rover_page == link)
		slob->rover_page = next;
	for (unsigned c = 0; c < SLOB_NR_CLASSES; c++) {
		struct slob_hint *hint = &slob->hints[c];

		if (hint->low == link)
			hint->low = NULL;
		if (hint->from != link)
			continue;
		hint->from = next;
		slob->hints_top =
			MAX(slob->hints_top, slob_list_key(slob, next));
	}
	if (slob->hinted == page)
		slob->hinted = NULL;
	list_del(link); /* links it to itself: "not in the list" */
	page->anchor.largest = 0;
}

/* A new page is one free block. */
static void
slob_page_join(struct slob *slob, struct slob_page *page) REQUIRES(slob->lock)
{
	struct slob_block *block = (struct slob_block *)(page + 1);

	block->units = SLOB_PAGE_UNITS;
	block->tag = SLOB_FREE;
	block->next = slob_page_end(page);
	page->anchor = (struct slob_block){ .units = 0,
					    .largest = SLOB_PAGE_UNITS,
					    .tag = SLOB_PAGE,
					    .next = block };
	slob->nr_pages++;
	slob->nr_empty++;
	slob_page_list(slob, page);
}

/* Takes a wholly free page out; the caller gives it back without the lock. */
static void
slob_page_leave(struct slob *slob, struct slob_page *page) REQUIRES(slob->lock)
{
	slob_page_unlist(slob, page);
	page->anchor.tag = 0;
	slob->nr_pages--;
	slob->nr_empty--;
}

/* -- allocate ----------------------------------------------------------------- */

static inline unsigned
slob_units(size_t size)
{
	return 1 + (unsigned)((size + SLOB_UNIT - 1) / SLOB_UNIT);
}

/* `used` is cut out of the free block behind prev, which keeps nr_front units. */
static inline void
slob_carve(struct slob *slob, struct slob_block *prev, struct slob_block *used,
	   unsigned units, unsigned nr_front) REQUIRES(slob->lock)
{
	struct slob_block *block = prev->next;

	if (likely(nr_front != 0)) {
		block->units = (uint16_t)nr_front;
	} else {
		struct slob_page *page = slob_page_of(block);

		prev->next = block->next;
		if (page->anchor.next == slob_page_end(page))
			slob_page_unlist(slob, page);
	}
	used->units = (uint16_t)units;
	used->tag = SLOB_USED;
}

/* Drops the lock, gets a page, takes the lock and joins the page. False: there
 * is none, and the lock is not held. */
static __noinline bool
slob_grow(struct slob *slob, irq_state_t *state, gfp_t gfp) NO_THREAD_SAFETY
{
	void *page;

	env_unlock(&slob->lock, *state);
	page = slob->source->get(slob, gfp);
	if (page == NULL)
		return false;
	*state = env_lock(&slob->lock);
	slob_page_join(slob, page);
	return true;
}

/* Called with the lock held and interrupts as `state` says before: drops it. */
static __noinline void *
slob_alloc_slow(struct slob *slob, unsigned units, gfp_t gfp,
		irq_state_t state) NO_THREAD_SAFETY
{
	struct slob_block *prev, *block, *used;
	unsigned nr_front;

	while ((prev = slob->fit->find(slob, units)) == NULL)
		if (!slob_grow(slob, &state, gfp))
			return NULL;
	block = prev->next;
	if (block->units == SLOB_PAGE_UNITS)
		slob->nr_empty--;
	nr_front = block->units - units;
	used = block + nr_front;
	slob_carve(slob, prev, used, units, nr_front);
	env_unlock(&slob->lock, state);
	return used + 1;
}

/* The block that first fit would choose, if that can be seen at once and
 * something is left of it: the first of the first page that can have one. */
static inline struct slob_block *
slob_obvious_choice(struct slob *slob, unsigned units) REQUIRES(slob->lock)
{
	const struct slob_hint *hint = &slob->hints[slob_class(units)];
	struct list *link = hint->low != NULL ? hint->low : hint->from;
	struct slob_block *block;

	if (units < hint->units || link == &slob->pages)
		return NULL;
	block = slob_page_entry(link)->anchor.next;
	return block->units > units ? block : NULL;
}

void *
slob_alloc(struct slob *slob, size_t size, gfp_t gfp) NO_THREAD_SAFETY
{
	unsigned units = slob_units(size);
	irq_state_t state = env_lock(&slob->lock);
	struct slob_block *block, *used;

	if (unlikely(!slob->fit->lowest_first))
		return slob_alloc_slow(slob, units, gfp, state);
	block = slob_obvious_choice(slob, units);
	if (unlikely(block == NULL || block->units == SLOB_PAGE_UNITS))
		return slob_alloc_slow(slob, units, gfp, state);
	block->units = (uint16_t)(block->units - units);
	used = block + block->units;
	used->units = (uint16_t)units;
	used->tag = SLOB_USED;
	env_unlock(&slob->lock, state);
	return used + 1;
}

bool
slob_fits_page(size_t size, size_t align)
{
	/* The object lies behind both headers, on a multiple of align. */
	size_t first = MAX(align, sizeof(struct slob_page) + SLOB_UNIT);

	return align < PAGE_SIZE && size <= PAGE_SIZE - ALIGN_UP(first, align);
}

/* The units of a block from `behind` to its end become a block of their own,
 * next in the list. */
static void
slob_split_behind(struct slob_block *block, struct slob_block *behind)
{
	unsigned nr_behind = (unsigned)(block + block->units - behind);

	if (nr_behind == 0)
		return;
	behind->units = (uint16_t)nr_behind;
	behind->tag = SLOB_FREE;
	behind->next = block->next;
	block->next = behind;
	block->units = (uint16_t)(block->units - nr_behind);
}

void *
slob_alloc_aligned(struct slob *slob, size_t size, size_t align,
		   gfp_t gfp) NO_THREAD_SAFETY
{
	unsigned units = slob_units(size);
	struct slob_block *prev, *block, *used;
	irq_state_t state;

	if (align <= SLOB_UNIT)
		return slob_alloc(slob, size, gfp);
	state = env_lock(&slob->lock);
	while ((prev = slob->fit->find_aligned(slob, units, align)) == NULL)
		if (!slob_grow(slob, &state, gfp))
			return NULL;
	block = prev->next;
	if (block->units == SLOB_PAGE_UNITS)
		slob->nr_empty--;
	used = (struct slob_block *)slob_cut(block, units, align);
	slob_split_behind(block, used + units);
	slob_carve(slob, prev, used, units, (unsigned)(used - block));
	env_unlock(&slob->lock, state);
	return used + 1;
}

/* -- free ----------------------------------------------------------------------- */

/* Whether `block` is the header of a live object. (No need to ask whether it
 * lies behind the page's own header: that has no SLOB_USED in it.) */
static inline bool
slob_is_used(const struct slob_page *page, const struct slob_block *block)
{
	return (uintptr_t)block % SLOB_UNIT == 0 && block->tag == SLOB_USED &&
	       page->anchor.tag == SLOB_PAGE;
}

/* ... and if not, why. */
static const char *
slob_free_problem(const struct slob_page *page, const struct slob_block *block)
{
	if ((uintptr_t)block % SLOB_UNIT != 0)
		return "free of a pointer that is not aligned";
	if (block < (const struct slob_block *)(page + 1) ||
	    page->anchor.tag != SLOB_PAGE)
		return "free of a pointer that is not from here";
	if (block->tag == SLOB_FREE)
		return "free of what is free already";
	return "free of a pointer inside of an object, or an overwritten header";
}

/*
 * Puts a block that was in use back into its page's list, merged with those
 * that it touches. Returns the free block that it is part of now; NULL if it
 * overlaps one: nothing has changed then.
 */
static inline struct slob_block *
slob_link_free(struct slob_page *page, struct slob_block *block)
{
	struct slob_block *prev = &page->anchor, *next = prev->next;
	struct slob_block *prev_end, *block_end;
	unsigned units = block->units;

	while (next < block) {
		prev = next;
		next = next->next;
	}
	prev_end = prev + prev->units;
	block_end = block + units;
	if (unlikely(units < 2) || unlikely(block_end > next) ||
	    unlikely(prev_end > block))
		return NULL;

	block->tag = SLOB_FREE;
	if (prev_end == block) {
		units += prev->units;
		block = prev;
	} else {
		prev->next = block;
	}
	if (block_end == next && next != slob_page_end(page)) {
		units += next->units;
		next = next->next;
	}
	block->units = (uint16_t)units;
	block->next = next;
	return block;
}

/* The rest of a free that changes more than its page's list, or found the
 * header overwritten (merged is NULL). Drops the lock. */
static __noinline bool
slob_free_slow(struct slob *slob, void *ptr, struct slob_block *merged,
	       irq_state_t state) NO_THREAD_SAFETY
{
	struct slob_page *page = slob_page_of(ptr), *leaving = NULL;

	if (merged == NULL) {
		env_unlock(&slob->lock, state);
		kmem_report("free of an object with an overwritten header",
			    ptr);
		return true;
	}
	if (list_empty(&page->link))
		slob_page_list(slob, page);
	else if (page != slob->hinted &&
		 (uintptr_t)&page->link < slob->hints_top)
		slob_hints_lower(slob, page);
	if (merged->units == SLOB_PAGE_UNITS &&
	    ++slob->nr_empty > SLOB_KEEP_EMPTY) {
		slob_page_leave(slob, page);
		leaving = page;
	}
	env_unlock(&slob->lock, state);
	if (leaving != NULL)
		slob->source->put(leaving);
	return true;
}

/* Nothing is done. Drops the lock. */
static __noinline bool
slob_free_bad(struct slob *slob, void *ptr, irq_state_t state) NO_THREAD_SAFETY
{
	const char *problem = slob_free_problem(slob_page_of(ptr),
						(struct slob_block *)ptr - 1);

	env_unlock(&slob->lock, state);
	kmem_report(problem, ptr);
	return false;
}

bool
slob_free(struct slob *slob, void *ptr) NO_THREAD_SAFETY
{
	struct slob_page *page = slob_page_of(ptr);
	struct slob_block *merged;
	irq_state_t state = env_lock(&slob->lock);

	if (unlikely(!slob_is_used(page, (struct slob_block *)ptr - 1)))
		return slob_free_bad(slob, ptr, state);
	merged = slob_link_free(page, (struct slob_block *)ptr - 1);
	if (unlikely(merged == NULL))
		return slob_free_slow(slob, ptr, NULL, state);
	if (merged->units > page->anchor.largest) {
		page->anchor.largest = merged->units;
		/* A page that is full has 0 there. */
		if (unlikely(list_empty(&page->link)))
			return slob_free_slow(slob, ptr, merged, state);
	}
	if (unlikely(merged->units == SLOB_PAGE_UNITS ||
		     (page != slob->hinted &&
		      (uintptr_t)&page->link < slob->hints_top)))
		return slob_free_slow(slob, ptr, merged, state);
	env_unlock(&slob->lock, state);
	return true;
}

size_t
slob_size(const void *ptr)
{
	const struct slob_block *block = (const struct slob_block *)ptr - 1;

	return (block->units - 1) * SLOB_UNIT;
}

/* -- the rest ------------------------------------------------------------------- */

/* The lowest wholly free page, taken out; NULL: none. */
static struct slob_page *
slob_take_empty(struct slob *slob) REQUIRES(slob->lock)
{
	struct list *pos;

	if (slob->nr_empty == 0)
		return NULL;
	list_for_each(pos, &slob->pages) {
		struct slob_page *page = slob_page_entry(pos);

		if (page->anchor.next->units == SLOB_PAGE_UNITS) {
			slob_page_leave(slob, page);
			return page;
		}
	}
	return NULL;
}

size_t
slob_shrink(struct slob *slob)
{
	size_t nr_freed = 0;

	for (;;) {
		irq_state_t state = env_lock(&slob->lock);
		struct slob_page *page = slob_take_empty(slob);

		env_unlock(&slob->lock, state);
		if (page == NULL)
			return nr_freed;
		slob->source->put(page);
		nr_freed++;
	}
}

void
slob_init(struct slob *slob, const struct slob_fit *fit,
	  const struct slob_source *source)
{
	env_lock_init(&slob->lock, "slob");
	slob->fit = fit;
	slob->source = source;
	list_init(&slob->pages);
	slob->near = &slob->pages;
	slob->nr_pages = 0;
	slob->nr_empty = 0;
	slob->rover = 0;
	slob->rover_page = &slob->pages;
	for (unsigned c = 0; c < SLOB_NR_CLASSES; c++)
		slob->hints[c] =
			(struct slob_hint){ .from = &slob->pages, .units = 1 };
	slob->hints_top = UINTPTR_MAX;
	slob->hinted = NULL;
}
