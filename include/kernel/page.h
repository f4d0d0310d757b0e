/*
 * Physical pages: frames of RAM, given out in any number.
 */
#ifndef KERNEL_PAGE_H
#define KERNEL_PAGE_H

#include <kernel/failpoint.h>
#include <kernel/list.h>
#include <kernel/panic.h>
#include <kernel/rbtree.h>
#include <kernel/types.h>
#include <arch/boot.h>
#include <arch/mmu.h>

/* How an allocation may go about it. */
typedef unsigned gfp_t;
enum gfp_flags {
	__GFP_WAIT = 1 << 0,	 /* may sleep, reclaim */
	__GFP_HIGH = 1 << 1,	 /* may use the last reserve (below `min`) */
	__GFP_ZERO = 1 << 2,	 /* zeroed */
	__GFP_NOWARN = 1 << 3,	 /* a failure is expected: no report */
	__GFP_THISNODE = 1 << 4, /* no fall-back to other nodes */
};
#define GFP_KERNEL (__GFP_WAIT)
#define GFP_ATOMIC (__GFP_HIGH)

#define NODE_ANY (~0u)

/* What an allocated frame serves as. */
enum page_kind {
	PAGE_PLAIN = 0,	   /* whoever allocated it knows */
	PAGE_SLAB,	   /* objects of a cache */
	PAGE_SLAB_RETIRED, /* the same, but their slab was found damaged */
	PAGE_SLOB,	   /* blocks of slob's lists */
	PAGE_BIG,	   /* (part of) one large object of kmalloc */
	PAGE_TABLE,	   /* page tables */
	PAGE_USER,	   /* mapped by processes */
};

/*
 * One per frame from the first to the last of mapped RAM, in the array mem_map.
 *
 * `ref`, `node` and `tag` are the page allocator's. `kind`, `nr` and `owner`
 * belong to whoever allocated the frame: kind is PAGE_PLAIN when it comes, and
 * must be again when it goes; nr and owner come with arbitrary contents.
 */
struct page {
	int ref;	    /* >= 0: references; < 0: not allocated */
	unsigned char kind; /* enum page_kind */
	unsigned char node; /* (c) */
	unsigned char tag;  /* the policy's mark on the edges of free space */
	size_t nr;	    /* free space: its frames, on its edges */
	union {
		/* Free space: the policy's links. */
		struct {
			struct rb_node rb;
			size_t max; /* the longest extent of this subtree */
		};
		struct list free_link;
		/* Allocated. */
		struct {
			struct list link;
			void *cache;
			void *slab;
			uintptr_t word;
		} owner;
	};
} __aligned(8 * sizeof(void *));
BUILD_ASSERT(sizeof(struct page) == 8 * sizeof(void *));

/* The frames that mem_map describes: from number mem_map_start on, this many.
 * Constant after page_init. */
extern struct page *mem_map;
extern size_t mem_map_start, mem_map_nr;

/* Memory nodes, and each CPU's own. Constant after page_init. */
extern unsigned nr_page_nodes;
extern unsigned char node_of_cpu[MAX_CPUS];
/* All nodes by distance from `home`: itself (i = 0), the nearest, ... */
unsigned page_node_nearest(unsigned home, unsigned i);

/* `pages=`: which policy serves. */
struct boot_option;
extern const struct boot_option pages_option;

/* Builds mem_map and the nodes from the port's ranges, and says in the log
 * what is used, what is not, and which policy serves. Interrupts off, once. */
void page_init(const struct boot_info *boot);

/*
 * n physically contiguous frames (n >= 1, not only powers of two), from the nearest
 * node that has them. NULL: no memory (n larger than any node is simply that; n = 0 is a
 * caller's bug that is reported). GFP_KERNEL may sleep; GFP_ATOMIC is legal in
 * an interrupt. Contents are undefined without __GFP_ZERO. The reference
 * count of the first frame is 1, that of the others 0.
 */
struct page *alloc_pages_node(unsigned node, gfp_t gfp, size_t n) __must_check;
struct page *alloc_pages_gfp(gfp_t gfp, size_t n) __must_check;
struct page *alloc_pages(size_t n) __must_check; /* GFP_KERNEL */
static inline struct page *alloc_page(gfp_t gfp) __must_check;

/*
 * Gives back n frames from base on: all, or any part, of what was allocated.
 * A frame that is free already, reserved or out of range is reported with its
 * address and the caller, and the whole call does nothing. Any context.
 */
void free_pages(struct page *base, size_t n);
void free_page(struct page *page);

/* Free frames, those in the per-CPU lists included; exact at a quiet moment. */
size_t nr_free_pages(void);
/* Frames that the allocator manages in all. */
size_t nr_managed_pages(void);
/* The name of the policy that serves. */
const char *page_policy_name(void);

/* Per-CPU lists of hot pages back to the policy: on the calling CPU; on all. */
void page_drain_local(void);
void page_drain_all(void); /* may sleep */

/* alloc_page's two halves: a hot page, or NULL; all that is seldom needed. */
struct page *alloc_page_hot(void) __must_check;
struct page *alloc_page_slow(struct page *page, gfp_t gfp) __must_check;

static inline struct page *
alloc_page(gfp_t gfp)
{
	struct page *page;

	if (KERNEL_DEBUG && failpoint())
		return NULL;
	page = alloc_page_hot();
	if (unlikely(page == NULL || (gfp & __GFP_ZERO)))
		return alloc_page_slow(page, gfp);
	return page;
}

/* mem_map <-> address. */
static inline phys_t
page_to_phys(const struct page *page)
{
	size_t frame = (size_t)(page - mem_map) + mem_map_start;

	return (phys_t){ (uintptr_t)frame << PAGE_SHIFT };
}

/* NULL for an address that mem_map does not describe. */
static inline struct page *
phys_to_page(phys_t pa)
{
	size_t index = (pa.addr >> PAGE_SHIFT) - mem_map_start;
	struct page *page = &mem_map[index];

	if (index >= mem_map_nr)
		return NULL;
	if (page == NULL)
		__builtin_unreachable();
	return page;
}

static inline void *
page_to_virt(const struct page *page)
{
	return arch_phys_to_virt(page_to_phys(page));
}

/* The address is in the direct map; asserted. */
static inline struct page *
virt_to_page(const void *va)
{
	struct page *page = phys_to_page(arch_virt_to_phys(va));

	assert(page != NULL);
	return page;
}

/* The reference count of user mappings and other sharers. */
unsigned page_ref(const struct page *page);
void page_get(struct page *page);
/* Drops one reference; the last one frees the page. */
void page_put(struct page *page);

/*
 * A subsystem that can give memory back (caches, swap). Called without locks when
 * memory is short; returns how many pages it freed. Registered during start-up,
 * for good.
 */
struct reclaimer {
	const char *name;
	size_t (*reclaim)(size_t nr_wanted, gfp_t gfp);
	struct list link;
};
void reclaimer_register(struct reclaimer *reclaimer);

#endif /* KERNEL_PAGE_H */
