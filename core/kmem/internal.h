/*
 * Inside of the object allocators: what a back end gives to the front
 * (kmalloc.c), and the slob lists.
 */
#ifndef KMEM_INTERNAL_H
#define KMEM_INTERNAL_H

#include <kernel/kmalloc.h>
#include <kernel/list.h>
#include <kernel/lock.h>
#include <kernel/option.h>
#include <arch/cpu_stack.h>

/* 23 characters and a NUL. */
#define KMEM_NAME_LEN 23

/* Largest object of a named cache; kmalloc has no limit but memory. */
#define KMEM_CACHE_SIZE_MAX ((size_t)4 << 20)

/*
 * What the front knows of a cache. A back end's own cache structure begins
 * with it. All constant from creation to destruction, but the stacks and the
 * link.
 */
struct kmem_cache {
	/* Free objects, a stack for each CPU, which the front uses before it asks
	 * the back end. Nothing goes through one that is closed. */
	struct cpu_stack *stack[MAX_CPUS];
	char name[KMEM_NAME_LEN + 1];
	size_t object_size; /* what was asked for */
	size_t align;	    /* a power of two, at least the word's */
	unsigned flags;	    /* enum slab_flags */
	void (*ctor)(void *);
	void (*dtor)(void *);
	struct list link; /* in the front's list of all caches */
};

/* No object comes out of it, and none goes in. */
extern struct cpu_stack kmem_closed_stack;

/*
 * A sheaf: objects in an array that goes from hand to hand as a whole. They are
 * entry[1 .. nr]; entry[0] is the NULL below them. One owner at a time.
 */
struct kmem_sheaf {
	struct kmem_sheaf *next; /* in a list of the back end's */
	unsigned nr;
	unsigned capacity; /* (c) */
	void *entry[];
};

/* Sizes up to this are served by a table of caches, in steps. */
#define KMEM_TABLE_MAX 2048
#define KMEM_TABLE_STEP 32
#define KMEM_TABLE_NR (KMEM_TABLE_MAX / KMEM_TABLE_STEP)

/*
 * A back end: one entry of the table in backends.c. The front has checked the
 * arguments: no size is 0, no pointer NULL or ZERO_SIZE_PTR. Each function
 * takes its own locks; any context, but for gfp, init and creation.
 */
struct kmem_ops {
	const char *name;
	const char *description;
	/* Once, before any other; pages work. */
	void (*init)(void);

	/* Caches for kmalloc(KMEM_TABLE_STEP * i + 1) and so on, known after
	 * init; NULL: the back end has none with stacks. An object of theirs
	 * lies in pages of kind PAGE_SLAB, with owner.cache. */
	struct kmem_cache *const *table;
	/* Aligned to KMALLOC_ALIGN; obeys __GFP_ZERO. NULL: no memory. Called
	 * when the stack of a table's cache is empty, too. */
	void *(*kmalloc)(size_t size, gfp_t gfp);
	void (*kfree)(void *ptr);
	size_t (*ksize)(const void *ptr);
	/* The caller goes on with size bytes at ptr, no more than ksize said.
	 * May be NULL: nobody wants to know. */
	void (*kresize)(void *ptr, size_t size);

	/* A cache as *wanted describes it (link unset). NULL: no memory. */
	struct kmem_cache *(*cache_create)(const struct kmem_cache *wanted);
	/* A constructed object; __GFP_ZERO only if there is no ctor. Called
	 * when there is none in the stack. */
	void *(*cache_alloc)(struct kmem_cache *cache, gfp_t gfp);
	/* Called when the stack has no room. */
	void (*cache_free)(struct kmem_cache *cache, void *object);
	/* Debug builds: whether this is an object of the cache. May be NULL. */
	bool (*cache_owns)(const struct kmem_cache *cache, const void *object);
	/* These may be NULL: the front does without. */
	void *(*cache_alloc_node)(struct kmem_cache *cache, gfp_t gfp,
				  unsigned node);
	bool (*cache_alloc_bulk)(struct kmem_cache *cache, gfp_t gfp, size_t nr,
				 void *objects[]);
	void (*cache_free_bulk)(struct kmem_cache *cache, size_t nr,
				void *objects[]);
	/* For kmem_cache_prefill_sheaf: a sheaf with room for nr, as full as it
	 * comes without effort. NULL: none (the front makes one). */
	struct kmem_sheaf *(*sheaf_get)(struct kmem_cache *cache, unsigned nr);
	/* Takes it back with what is in it; false: it is not from here. May be
	 * NULL if sheaf_get is. */
	bool (*sheaf_put)(struct kmem_cache *cache, struct kmem_sheaf *sheaf);
	size_t (*cache_shrink)(struct kmem_cache *cache);
	/* Frees the descriptor too. 0, or -E_BUSY and nothing has changed; then
	 * *nr_live says how many objects are out. */
	int (*cache_destroy)(struct kmem_cache *cache, size_t *nr_live);

	/* Everything that is wholly free goes back; returns pages freed. */
	size_t (*shrink)(void);
	/* This CPU's part of what kmem_reap does; may be NULL. */
	void (*reap)(void);
	/* As kmem_slabinfo_read and _write; may be NULL. */
	int (*slabinfo_read)(void (*fn)(const char *line, void *arg), void *arg,
			     bool statistics);
	int (*slabinfo_write)(const char *text);
	/* kmem_failslab_*; NULL: it has nothing that could. */
	int (*failslab_write)(const char *text);
	void (*failslab_print)(void);
	/* Whether all structures make sense; says what does not. For tests. */
	bool (*validate)(void);
	/* What it holds, one fact a line. */
	void (*print)(void);
};

/* All back ends, NULL at the end; the first is the default (backends.c). */
extern const struct kmem_ops *const kmem_backends[];
extern const struct kmem_ops kmem_slob_ops, kmem_slab_ops;

/* The one that `kmalloc=` chose. */
const struct kmem_ops *kmem_backend_chosen(void);

/* Gets a back end ready that was not chosen, so that a test can call its ops
 * beside the chosen one's. Harmless on one that is ready. */
void kmem_backend_start(const struct kmem_ops *ops);

/* Constant after kmem_init. */
extern const struct kmem_ops *kmem_backend;

/* All operations on this cache go to the back end. */
void kmem_stacks_close(struct kmem_cache *cache);
/* Whether that is an object of the cache; else reports it. */
bool kmem_cache_owns(const struct kmem_cache *cache, const void *object);

/* Whether the boot option asks for it; says so. */
bool failslab_at_boot(void);

/* Says what is wrong with ptr and who is calling, counts it. Any context. */
void kmem_report(const char *what, const void *ptr);
/* Says that a request was nonsense, counts it. Any context. */
void kmem_complain(const char *format, ...) __printf(1, 2);
/* Reports and complaints since boot. */
unsigned long kmem_nr_reports(void);

/* -- kmem_report.c ---------------------------------------------------------- */

/*
 * A report of several lines that stay together: begin, say, ..., end. begin is its
 * first line, and counts.
 */
irq_state_t kmem_report_begin(const char *format, ...) __printf(1, 2);
void kmem_say(const char *format, ...) __printf(1, 2);
/* Return addresses, newest first, up to a 0. */
void kmem_say_backtrace(const uintptr_t *pcs, size_t nr);
void kmem_report_end(irq_state_t state);
/* Gets each line of these reports, too, without its end; for tests. */
extern void (*kmem_report_observer)(const char *line);

/* Reports a gfp that may sleep where nothing may. cache: its name, or NULL. */
void kmem_check_context(gfp_t gfp, const char *cache);

/* -- slob ------------------------------------------------------------------ */

/* One header, and the grain of everything: see slob.c. */
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

/* Where pages come from: the page allocator, or a test. */
struct slob_source {
	void *(*get)(gfp_t gfp); /* one page, aligned to its size, or NULL */
	void (*put)(void *page);
};

struct slob;

/* A choice: one entry of the table in slob_fit.c. */
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

/* For slob_fit.c. */
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
/* The one that `fit=` chose. */
const struct slob_fit *slob_fit_chosen(void);

#endif /* KMEM_INTERNAL_H */
