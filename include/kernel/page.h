/*
 * Physical pages: frames of RAM, given out in any number.
 */
#ifndef KERNEL_PAGE_H
#define KERNEL_PAGE_H

#include <kernel/list.h>
#include <kernel/types.h>
#include <arch/boot.h>
#include <arch/mmu.h>

/* How an allocation may go about it. */
typedef unsigned gfp_t;
enum gfp_flags {
	__GFP_WAIT = 1 << 0,   /* may sleep, reclaim */
	__GFP_HIGH = 1 << 1,   /* may use the last reserve (below `min`) */
	__GFP_ZERO = 1 << 2,   /* zeroed */
	__GFP_NOWARN = 1 << 3, /* a failure is expected: no report */
	__GFP_THISNODE = 1 << 4, /* no fall-back to other nodes */
};
#define GFP_KERNEL (__GFP_WAIT)
#define GFP_ATOMIC (__GFP_HIGH)

#define NODE_ANY (~0u)

/* One per frame of mapped RAM, in the array mem_map. core/page/ completes it. */
struct page;

/* Builds mem_map and the nodes from the port's ranges, and says in the log
 * what is used, what is not, and which policy serves. Interrupts off, once. */
void page_init(const struct boot_info *boot);

/*
 * n physically contiguous frames (n >= 1, not only powers of two), from the nearest
 * node that has them. NULL: no memory (n larger than any node is simply that; n = 0 is a
 * caller's bug that is reported). GFP_KERNEL may sleep; GFP_ATOMIC is legal in
 * an interrupt. Contents are undefined without __GFP_ZERO. The reference
 * count of the first frame is 1.
 */
struct page *alloc_pages_node(unsigned node, gfp_t gfp, size_t n) __must_check;
struct page *alloc_pages_gfp(gfp_t gfp, size_t n) __must_check;
struct page *alloc_pages(size_t n) __must_check; /* GFP_KERNEL */
struct page *alloc_page(gfp_t gfp) __must_check;

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

/* Per-CPU lists of hot pages back to the policy: on the calling CPU; on all. */
void page_drain_local(void);
void page_drain_all(void); /* may sleep */

/* mem_map <-> address. virt_to_page asserts that the address is RAM. */
struct page *phys_to_page(phys_t pa);
phys_t page_to_phys(const struct page *page);
void *page_to_virt(const struct page *page);
struct page *virt_to_page(const void *va);

/* The reference count of user mappings and other sharers. */
unsigned page_ref(const struct page *page);
void page_get(struct page *page);
/* Drops one reference; the last one frees the page. */
void page_put(struct page *page);

/*
 * A subsystem that can give memory back (caches, swap). Called without locks when
 * memory is short; returns how many pages it freed.
 */
struct reclaimer {
	const char *name;
	size_t (*reclaim)(size_t nr_wanted, gfp_t gfp);
	struct list link;
};
void reclaimer_register(struct reclaimer *reclaimer);

#endif /* KERNEL_PAGE_H */
