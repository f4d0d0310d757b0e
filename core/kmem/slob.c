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
 *	| free-+->next-+----------------+----------------+->  next = NULL   |
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
 * ALLOCATE.  The fit (slob_fit.c) chooses a block. The object is cut from its
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
 * than a page less two headers. Larger ones are pages anyway (slob_backend.c).
 *
 * COSTS.  Free: at most the free blocks of one page, and once per page that
 * was full a walk to its place in the list, from where the last one joined.
 * Allocate: a walk over pages, helped by two things that change no choice:
 *   page->largest  is an upper bound for the page's free blocks: pages that
 *		    cannot serve are stepped over, not walked. A walk that finds
 *		    nothing makes it exact; a free raises it.
 *   slob->hints    say, for each power of two of the request, before which page
 *		    no block of so many units can be. Searches raise them, a
 *		    free before one lowers it. 10,000 equal objects in a row are
 *		    found at once, though every page keeps an odd rest.
 * Memory: 16 bytes an object, 32 a page, and the holes between.
 *
 * INVARIANTS (slob_validate).  Free blocks ascend, do not touch or overlap, lie
 * inside their page. A page is in slob->pages exactly while page->free is not
 * NULL. largest, hints, rover_page and nr_empty are as documented. SLOB_USED
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
 * TO CHANGE.  Another choice: a function and a table row in slob_fit.c.
 */
#include "internal.h"

#include <kernel/printk.h>

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

/* Something became free in `page`: no hint may lie behind it. */
static __noinline void
slob_hints_lower(struct slob *slob, struct slob_page *page) REQUIRES(slob->lock)
{
	for (unsigned c = 0; c < SLOB_NR_CLASSES; c++) {
		struct slob_hint *hint = &slob->hints[c];

		if (slob_list_key(slob, hint->from) > (uintptr_t)&page->link)
			hint->from = &page->link;
	}
	slob->hints_top = (uintptr_t)&page->link;
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

		if (hint->from != link)
			continue;
		hint->from = next;
		slob->hints_top =
			MAX(slob->hints_top, slob_list_key(slob, next));
	}
	list_del(link);
}

/* A new page is one free block. */
static void
slob_page_join(struct slob *slob, struct slob_page *page) REQUIRES(slob->lock)
{
	struct slob_block *block = (struct slob_block *)(page + 1);

	block->units = SLOB_PAGE_UNITS;
	block->tag = SLOB_FREE;
	block->next = NULL;
	page->free = block;
	page->largest = SLOB_PAGE_UNITS;
	page->magic = SLOB_PAGE_MAGIC;
	slob->nr_pages++;
	slob->nr_empty++;
	slob_page_list(slob, page);
}

/* Takes a wholly free page out; the caller gives it back without the lock. */
static void
slob_page_leave(struct slob *slob, struct slob_page *page) REQUIRES(slob->lock)
{
	slob_page_unlist(slob, page);
	page->magic = 0;
	slob->nr_pages--;
	slob->nr_empty--;
}

/* -- allocate ----------------------------------------------------------------- */

/* Cuts the object out of the block at *link; returns its header. */
static struct slob_block *
slob_carve(struct slob *slob, struct slob_block **link, unsigned units,
	   size_t align) REQUIRES(slob->lock)
{
	struct slob_block *block = *link;
	struct slob_block *used =
		(struct slob_block *)slob_cut(block, units, align);
	struct slob_block *behind = used + units;
	unsigned nr_front = (unsigned)(used - block);
	unsigned nr_behind = block->units - nr_front - units;
	struct slob_page *page = slob_page_of(block);

	if (block->units == SLOB_PAGE_UNITS)
		slob->nr_empty--;
	if (nr_behind != 0) {
		behind->units = nr_behind;
		behind->tag = SLOB_FREE;
		behind->next = block->next;
		block->next = behind;
	}
	if (nr_front != 0)
		block->units = nr_front;
	else
		*link = block->next;
	used->units = units;
	used->tag = SLOB_USED;
	if (unlikely(page->free == NULL))
		slob_page_unlist(slob, page);
	return used;
}

bool
slob_fits_page(size_t size, size_t align)
{
	/* The object lies behind both headers, on a multiple of align. */
	size_t first = MAX(align, sizeof(struct slob_page) + SLOB_UNIT);

	return align < PAGE_SIZE && size <= PAGE_SIZE - ALIGN_UP(first, align);
}

void *
slob_alloc(struct slob *slob, size_t size, size_t align, gfp_t gfp)
{
	unsigned units = 1 + (unsigned)((size + SLOB_UNIT - 1) / SLOB_UNIT);
	struct slob_block **link, *block;
	irq_state_t state = spin_lock_irqsave(&slob->lock);

	if (align < SLOB_UNIT)
		align = SLOB_UNIT;
	while (unlikely((link = slob->fit->find(slob, units, align)) == NULL)) {
		void *page;

		spin_unlock_irqrestore(&slob->lock, state);
		page = slob->source->get(gfp);
		if (page == NULL)
			return NULL;
		state = spin_lock_irqsave(&slob->lock);
		slob_page_join(slob, page);
	}
	block = slob_carve(slob, link, units, align);
	spin_unlock_irqrestore(&slob->lock, state);
	return block + 1;
}

/* -- free ----------------------------------------------------------------------- */

/* What is wrong with freeing `block`; NULL if nothing. Looks at one page. */
static const char *
slob_free_problem(const struct slob_page *page, const struct slob_block *block)
{
	if ((uintptr_t)block % SLOB_UNIT != 0)
		return "free of a pointer that is not aligned";
	if (block < (const struct slob_block *)(page + 1) ||
	    page->magic != SLOB_PAGE_MAGIC)
		return "free of a pointer that is not from here";
	if (block->tag == SLOB_FREE)
		return "free of what is free already";
	if (block->tag != SLOB_USED)
		return "free of a pointer inside of an object, or an overwritten header";
	return NULL;
}

/*
 * Links the block between prev (NULL: none) and next (NULL: none) of its page,
 * and merges it with those it touches. Returns the block that it is now part
 * of, or NULL if it overlaps one of them: nothing is changed then.
 */
static struct slob_block *
slob_link_free(struct slob_page *page, struct slob_block *prev,
	       struct slob_block *block, struct slob_block *next)
{
	const struct slob_block *end =
		(struct slob_block *)((char *)page + PAGE_SIZE);

	if (unlikely((prev != NULL && prev + prev->units > block) ||
		     block->units - 1 >= SLOB_PAGE_UNITS ||
		     block + block->units > (next != NULL ? next : end)))
		return NULL;

	block->tag = SLOB_FREE;
	if (prev != NULL && prev + prev->units == block) {
		prev->units += block->units;
		block = prev;
	} else {
		*(prev != NULL ? &prev->next : &page->free) = block;
		block->next = next;
	}
	if (next != NULL && block + block->units == next) {
		block->units += next->units;
		block->next = next->next;
	}
	return block;
}

/* Puts a block that is known to be in use back into its page's list. Returns
 * the page if it is to be given back. */
static struct slob_page *
slob_free_locked(struct slob *slob, struct slob_page *page,
		 struct slob_block *block) REQUIRES(slob->lock)
{
	struct slob_block *prev = NULL, *next = page->free, *freed;
	bool was_full = next == NULL;

	while (next != NULL && next < block) {
		prev = next;
		next = next->next;
	}
	freed = block;
	block = slob_link_free(page, prev, freed, next);
	if (unlikely(block == NULL)) {
		kmem_report("free of an object with an overwritten header",
			    freed + 1);
		return NULL;
	}

	if (block->units > page->largest || was_full)
		page->largest = (uint16_t)block->units;
	if (unlikely(was_full))
		slob_page_list(slob, page);
	else if (unlikely((uintptr_t)&page->link < slob->hints_top))
		slob_hints_lower(slob, page);

	if (likely(block->units != SLOB_PAGE_UNITS))
		return NULL;
	if (++slob->nr_empty <= SLOB_KEEP_EMPTY)
		return NULL;
	slob_page_leave(slob, page);
	return page;
}

bool
slob_free(struct slob *slob, void *ptr)
{
	struct slob_block *block = (struct slob_block *)ptr - 1;
	struct slob_page *page = slob_page_of(ptr);
	struct slob_page *leaving = NULL;
	const char *problem;
	irq_state_t state = spin_lock_irqsave(&slob->lock);

	problem = slob_free_problem(page, block);
	if (likely(problem == NULL))
		leaving = slob_free_locked(slob, page, block);
	spin_unlock_irqrestore(&slob->lock, state);

	if (unlikely(problem != NULL))
		kmem_report(problem, ptr);
	if (unlikely(leaving != NULL))
		slob->source->put(leaving);
	return problem == NULL;
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

		if (page->free->units == SLOB_PAGE_UNITS) {
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
		irq_state_t state = spin_lock_irqsave(&slob->lock);
		struct slob_page *page = slob_take_empty(slob);

		spin_unlock_irqrestore(&slob->lock, state);
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
	spin_init(&slob->lock, LOCK_RANK_KMEM, "slob");
	slob->fit = fit;
	slob->source = source;
	list_init(&slob->pages);
	slob->near = &slob->pages;
	slob->nr_pages = 0;
	slob->nr_empty = 0;
	slob->rover = 0;
	slob->rover_page = &slob->pages;
	for (unsigned c = 0; c < SLOB_NR_CLASSES; c++)
		slob->hints[c] = (struct slob_hint){ &slob->pages, 1 };
	slob->hints_top = UINTPTR_MAX;
}
