/*
 * slob: blocks, pages, and the lists of free blocks. lists.c has the theory.
 */
#ifndef KMEM_SLOB_H
#define KMEM_SLOB_H

#include "../front.h"

/* One header, and the grain of everything: see lists.c. */
struct slob_block {
	uint16_t units;		 /* of the whole block, header included */
	uint16_t largest;	 /* only in a page's anchor: see there */
	uint32_t tag;		 /* enum slob_tag */
	struct slob_block *next; /* free: the next one up in this page */
} __aligned(KMALLOC_ALIGN);

#define SLOB_UNIT sizeof(struct slob_block)

enum slob_tag {
	SLOB_FREE = 0x71eeb10c,
	SLOB_USED = 0x2110ca7e,
	SLOB_PAGE = 0x510bda7a, /* in the anchor of a page that is slob's */
};

/*
 * At the start of every page of the lists. The anchor leads to the page's
 * lowest free block; it has 0 units, so that nothing ever touches it. The last
 * one's next is the end of the page. anchor.largest: no free block of this page
 * has more units.
 */
struct slob_page {
	struct list link; /* in slob->pages, while it has a free block */
	struct slob_block anchor;
};

#define SLOB_PAGE_UNITS                                                        \
	((unsigned)((PAGE_SIZE - sizeof(struct slob_page)) / SLOB_UNIT))

struct slob;

/* Where pages come from: the page allocator, or a test. */
struct slob_source {
	/* One page for these lists, aligned to its size, or NULL. */
	void *(*get)(struct slob *slob, gfp_t gfp);
	void (*put)(void *page);
};

/* A choice: one entry of the table in fit.c. */
struct slob_fit {
	const char *name;
	const char *description;
	/* It chooses the lowest address: the hint's page, and its first block,
	 * come before all others (slob_alloc takes them without a search). */
	bool lowest_first;
	/* The chosen block's predecessor in its page (a free block or the
	 * anchor); NULL if none can hold `units`. Lock held. */
	struct slob_block *(*find)(struct slob *slob, unsigned units);
	/* The same among those where the object can be aligned to `align`. */
	struct slob_block *(*find_aligned)(struct slob *slob, unsigned units,
					   size_t align);
};

/* Requests of 2^c .. 2^(c+1) - 1 units are of class c. */
#define SLOB_NR_CLASSES 8

/* Before the page `from` no page but `low` has a free block of so many units. */
struct slob_hint {
	struct list *from; /* a page's link, or &slob->pages: no page at all */
	struct list *low;  /* a page's link, or NULL: no exception */
	unsigned units;
};

struct slob {
	struct spinlock lock;	    /* guards all that follows, and the pages */
	const struct slob_fit *fit; /* constant */
	const struct slob_source *source; /* constant */
	struct list pages; /* those with a free block, by address */
	struct list *near; /* where a page last joined the list */
	size_t nr_pages;   /* all, full ones too */
	size_t nr_empty;   /* wholly free ones: all are in the list */

	uintptr_t rover;	 /* next fit: where the last search ended */
	struct list *rover_page; /* first page that ends behind it, or &pages */

	struct slob_hint hints[SLOB_NR_CLASSES];
	uintptr_t hints_top; /* no hint's `from` lies behind this address */
	struct slob_page *hinted; /* hints know that it may have free blocks */
};

/* Wholly free pages that are kept against a see-saw at a page's edge. */
#define SLOB_KEEP_EMPTY 4

void slob_init(struct slob *slob, const struct slob_fit *fit,
	       const struct slob_source *source);
/* Largest object of the lists, for alignments up to SLOB_UNIT. */
#define SLOB_SIZE_MAX (PAGE_SIZE - sizeof(struct slob_page) - SLOB_UNIT)
/* size <= SLOB_SIZE_MAX. NULL: no memory. */
void *slob_alloc(struct slob *slob, size_t size, gfp_t gfp)
	EXCLUDES(slob->lock);
/* Whether an object of this size and alignment (a power of two) goes into the
 * lists; larger ones are pages of their own. */
bool slob_fits_page(size_t size, size_t align);
/* size and align passed slob_fits_page. NULL: no memory. */
void *slob_alloc_aligned(struct slob *slob, size_t size, size_t align,
			 gfp_t gfp) EXCLUDES(slob->lock);
/* A pointer that is not a live object's is reported, and nothing is done;
 * returns whether it was one. */
bool slob_free(struct slob *slob, void *ptr) EXCLUDES(slob->lock);
/* Usable bytes of a live object. */
size_t slob_size(const void *ptr);
/* Gives back the pages that are wholly free; returns how many. */
size_t slob_shrink(struct slob *slob) EXCLUDES(slob->lock);
/* Checks every invariant; complains by printk. */
bool slob_validate(struct slob *slob) EXCLUDES(slob->lock);
/* Calls fn for each free block, lowest address first. Lock held meanwhile. */
void slob_walk(struct slob *slob,
	       void (*fn)(const struct slob_block *block, void *arg), void *arg)
	EXCLUDES(slob->lock);

/* For fit.c. */
static inline struct slob_page *
slob_page_of(const struct slob_block *block)
{
	return (struct slob_page *)ALIGN_DOWN((uintptr_t)block, PAGE_SIZE);
}

/* Where the page ends, and with it its list of free blocks. */
static inline struct slob_block *
slob_page_end(const struct slob_page *page)
{
	return (struct slob_block *)((uintptr_t)page + PAGE_SIZE);
}

static inline struct slob_page *
slob_page_entry(struct list *link)
{
	return list_entry(link, struct slob_page, link);
}

static inline unsigned
slob_class(unsigned units)
{
	return 31 - (unsigned)__builtin_clz(units);
}

/*
 * Objects are cut from the upper end of a block. Where the header of an object
 * of `units` (header included) would be, aligned as asked: below `block` if
 * it does not fit.
 */
static inline uintptr_t
slob_cut(const struct slob_block *block, unsigned units, size_t align)
{
	uintptr_t end = (uintptr_t)(block + block->units);

	return ALIGN_DOWN(end - (units - 1) * SLOB_UNIT, align) - SLOB_UNIT;
}

static inline bool
slob_block_fits(const struct slob_block *block, unsigned units, size_t align)
{
	return block->units >= units &&
	       (align <= SLOB_UNIT ||
		slob_cut(block, units, align) >= (uintptr_t)block);
}

extern const struct slob_fit *const slob_fits[]; /* NULL at the end */
/* The one of this name, or (NULL) the one that `fit=` chose; NULL: there is none. */
const struct slob_fit *slob_fit_named(const char *name);

#endif /* KMEM_SLOB_H */
