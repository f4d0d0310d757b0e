/*
 * Inside the page allocator: pools, policies, nodes, hot pages.
 *
 * From the bottom up: a policy knows which frames of a pool are free and
 * chooses; a pool checks what the policy takes for granted and marks every
 * frame; a node is a pool with a lock and a reserve; hot pages stand in front.
 */
#ifndef CORE_PAGE_INTERNAL_H
#define CORE_PAGE_INTERNAL_H

#include <kernel/atomic.h>
#include <kernel/lock.h>
#include <kernel/page.h>

/*
 * What page->ref of a frame says that nobody has allocated: a negative number,
 * so low that no reference too many, got or put, turns it into a sound one, and
 * with a bit that no sound one has (which is cheaper to test than the sign).
 */
#define PAGE_UNUSED_BIT 0x40000000
enum page_state {
	PAGE_FREE = -0x38000000,     /* free, the policy's */
	PAGE_HOT = -0x28000000,	     /* free, in a CPU's list of hot pages */
	PAGE_RESERVED = -0x18000000, /* not RAM of ours */
};
BUILD_ASSERT((PAGE_FREE & PAGE_HOT & PAGE_RESERVED & PAGE_UNUSED_BIT) != 0);

/* page->ref is read without the lock (by those who own the frame, and by
 * checks that may come too early or too late anyway). */
#define page_ref_read(page) atomic_load_relaxed(&(page)->ref)
#define page_ref_write(page, value) atomic_store_relaxed(&(page)->ref, (value))

/* Buddy blocks have 2^order frames; more than any machine has. */
#define NR_ORDERS 32
/* Best and worst fit: extents of fewer frames than this have a tree for each
 * length. */
#define NR_SIZE_BINS 64
#define BINS_PER_WORD 32 /* of pool->bins_used */

struct page_pool;

/*
 * A policy: one file, one line of the table in policies.c. It keeps the free
 * frames of a pool, wholly coalesced, and counts them in pool->nr_free. The
 * caller holds what guards the pool, and has checked the arguments:
 */
struct page_policy {
	const char *name;
	const char *description;
	/* Empties the pool's policy part. */
	void (*init)(struct page_pool *pool);
	/* Takes over nr frames that were never the pool's before. */
	void (*init_memmap)(struct page_pool *pool, struct page *base,
			    size_t nr);
	/* 1 <= nr <= nr_free. NULL: no free run is long enough. */
	struct page *(*alloc)(struct page_pool *pool, size_t nr);
	/* Every one of the nr >= 1 frames came from alloc and is not free. */
	void (*free)(struct page_pool *pool, struct page *base, size_t nr);
	size_t (*nr_free)(const struct page_pool *pool);
	/* NULL, or what does not hold. Looks at everything. */
	const char *(*validate)(const struct page_pool *pool);
};

extern const struct page_policy policy_first_fit;
extern const struct page_policy policy_best_fit;
extern const struct page_policy policy_worst_fit;
extern const struct page_policy policy_buddy;

/* All of them; ends with NULL. */
extern const struct page_policy *const page_policies[];
/* The one that `pages=` chose. */
const struct page_policy *page_policy_chosen(void);

/* Frames [map_start, map_start + map_nr) as their struct pages, and an instance
 * of a policy for those of them that belong to `node`. */
struct page_pool {
	const struct page_policy *policy; /* (c) */
	struct page *map;		  /* (c) map[-1], map[map_nr]: guards */
	size_t map_start, map_nr;	  /* (c) */
	unsigned node;			  /* (c) */
	size_t nr_managed;		  /* free or not */
	size_t nr_free;
	union {
		struct rb_root extents; /* first fit: by address */
		struct {		/* best, worst fit; see by_size.c */
			uint32_t bins_used[NR_SIZE_BINS / BINS_PER_WORD];
			struct rb_root bins[NR_SIZE_BINS];
			struct page *lowest[NR_SIZE_BINS];
		};
		struct {
			uint32_t orders; /* bit i: blocks[i] is not empty */
			struct list blocks[NR_ORDERS];
		};
	};
};

/* Fills in nr struct pages, whose frames are reserved or the pool's later. */
void pages_describe(struct page *base, size_t nr, unsigned node, int state);
void pool_init(struct page_pool *pool, const struct page_policy *policy,
	       struct page *map, size_t map_start, size_t map_nr,
	       unsigned node);
/* A pool over storage of its own, nr + 2 struct pages, frames numbered from 0,
 * none of them there yet. For tests. */
void pool_init_private(struct page_pool *pool, const struct page_policy *policy,
		       struct page *storage, size_t nr);
/* Frames that were described (as free) become the pool's. */
void pool_add(struct page_pool *pool, struct page *base, size_t nr);

/* n >= 1. NULL: no free run of n frames. */
struct page *pool_alloc(struct page_pool *pool, size_t n);
/* All or nothing: NULL, or what is wrong with frame **bad. */
const char *pool_free(struct page_pool *pool, struct page *base, size_t n,
		      const struct page **bad);
/* The policy's validate, and whether marks and counts agree with it. */
const char *pool_validate(const struct page_pool *pool);

/* Every frame's mark; a few instructions for each. */
static inline void
pages_mark(struct page *page, size_t n, int ref)
{
	for (; n >= 4; n -= 4, page += 4) {
		page_ref_write(&page[0], ref);
		page_ref_write(&page[1], ref);
		page_ref_write(&page[2], ref);
		page_ref_write(&page[3], ref);
	}
	for (; n > 0; n--, page++)
		page_ref_write(page, ref);
}

static inline void
pages_mark_allocated(struct page *base, size_t n)
{
	page_ref_write(base, 1);
	pages_mark(base + 1, n - 1, 0);
}

/* Whether all of them are allocated. */
static inline bool
pages_allocated(const struct page *page, size_t n)
{
	int any = 0;

	/* Plain reads: who gives frames back is alone with them. */
	for (; n >= 4; n -= 4, page += 4)
		any |= page[0].ref | page[1].ref | page[2].ref | page[3].ref;
	for (; n > 0; n--, page++)
		any |= page->ref;
	return (any & PAGE_UNUSED_BIT) == 0;
}

static inline size_t
pool_nr_free(const struct page_pool *pool)
{
	return atomic_load_relaxed(&pool->nr_free);
}

/* Read without the lock by nr_free_pages. */
static inline void
pool_count_free(struct page_pool *pool, size_t nr)
{
	atomic_store_relaxed(&pool->nr_free, pool->nr_free + nr);
}

static inline void
pool_count_allocated(struct page_pool *pool, size_t nr)
{
	atomic_store_relaxed(&pool->nr_free, pool->nr_free - nr);
}

/*
 * Memory that is near to some CPUs. `min` frames stay free for GFP_ATOMIC; at
 * `low` someone should begin to reclaim, and stop at `high`.
 */
struct page_node {
	struct spinlock lock;
	struct page_pool pool;		  /* guarded by lock */
	size_t min, low, high;		  /* (c) */
	unsigned char nearest[MAX_NODES]; /* (c) all nodes, itself first */
} __cacheline_aligned;

extern struct page_node page_nodes[MAX_NODES];

/*
 * A CPU's hot pages: for each order up to HOT_ORDERS a stack of free blocks of
 * 2^order frames. Only the CPU itself touches them, interrupts off; others read
 * nr for statistics.
 */
#define HOT_ORDERS 4
#define HOT_PAGES_MAX 60 /* frames in the list of one order, at most */

struct hot_list {
	unsigned nr;			    /* (i) */
	unsigned max;			    /* (c) 0 before page_init */
	struct page *blocks[HOT_PAGES_MAX]; /* (i) the hottest last */
};

struct page_hot {
	uintptr_t start; /* (c) pages from this address in mem_map ... */
	uintptr_t size;	 /* (c) ... and in so many bytes are kept here */
	struct hot_list lists[HOT_ORDERS];
} __cacheline_aligned;

extern struct page_hot page_hots[MAX_CPUS];

/* Sets up this CPU's lists: pages [start, start + nr) of mem_map are its own,
 * at most max_frames of them in each list. */
void hot_init(unsigned cpu, unsigned node, struct page *start, size_t nr,
	      unsigned max_frames);
/* Past the hot lists. */
struct page *page_alloc_general(gfp_t gfp, size_t n, uintptr_t caller);
void page_free_general(struct page *base, size_t n, uintptr_t caller);
struct page *page_zero(struct page *base, size_t n);

/* All pools, each under its lock: NULL, or what does not hold. Slow. For tests. */
const char *pages_validate(void);

/* Callers' mistakes reported so far. For tests. */
extern unsigned long nr_page_complaints;

#define CALLER ((uintptr_t)__builtin_return_address(0))

#endif /* CORE_PAGE_INTERNAL_H */
