/*
 * The page allocator: how it is built, and what serves a request that the hot pages
 * cannot.
 *
 * PROBLEM. RAM comes in frames of PAGE_SIZE. Everybody else - page tables,
 * stacks, kmalloc, processes - gets memory from here: single pages in the
 * shortest time, any number of contiguous ones without wasting or shredding the
 * rest, also in interrupts, also when memory is nearly gone. And whoever gives back
 * what is not his must be told, not believed.
 *
 * MODEL.
 *
 *	alloc_page, free_page       alloc_pages(n), free_pages(base, n)
 *	      |                            |
 *	  +--------+  +--------+           |       per CPU: hot blocks of 1, 2,
 *	  | CPU 0  |  | CPU 1  |           |       4, 8 frames (hot.c)
 *	  +--------+  +--------+           |
 *	      | half a list at a time      |
 *	  +-------------------------------------+  per node: lock, reserve,
 *	  | node 0            | node 1          |  nearest nodes first (here)
 *	  +-------------------------------------+
 *	  | pool: checks and marks each frame   |  (pool.c)
 *	  +-------------------------------------+
 *	  | policy: buddy, first-fit, best-fit, |  which free frames, and which
 *	  | worst-fit                           |  of them next (one file each)
 *	  +-------------------------------------+
 *	  mem_map: a struct page for each frame    (mem_map.c)
 *
 * INVARIANTS.
 *   - page->ref of every frame says what it is: >= 0 allocated (the count of
 *     references; 1 in the first frame when it comes, 0 in the others), or
 *     PAGE_FREE (the policy's), PAGE_HOT (in a CPU's list), PAGE_RESERVED.
 *   - A policy knows exactly the frames marked PAGE_FREE of its node, wholly
 *     coalesced: two free neighbours are always in one extent (buddies: in one
 *     block if they can be).
 *   - Free frames = those of all pools + those of all hot lists.
 *   - A frame of node i is always in node i's pool or in a hot list of a CPU of
 *     node i. No extent or block reaches across nodes or reserved frames.
 *
 * LOCKING. node->lock (LOCK_RANK_PAGE, interrupts off) guards the node's pool:
 * the policy's structures, its tags in struct page, the marks PAGE_FREE. A hot
 * list belongs to its CPU, interrupts off; others ask that CPU (cpu_call).
 * A frame that is allocated is its owner's: no lock. Two frees of one page that
 * truly happen at once, on two CPUs, can both pass the check; one after the
 * other is always caught.
 *
 * COSTS. alloc_page + free_page: about 50 instructions, whatever the policy;
 * 2, 4 or 8 pages: about 100. Other n: a lock, the policy's O(log extents) or
 * O(orders), and some three instructions per frame for the marks.
 *
 * FAILURE. Ordinary requests leave `min` frames of each node to GFP_ATOMIC. One
 * that is not met drains this CPU's hot list and tries again; with __GFP_WAIT, where
 * sleeping is possible, it drains all CPUs' and asks the registered reclaimers, as
 * long as they find anything. Then it is NULL and a line in the log (unless
 * __GFP_NOWARN). Mistakes of callers (freeing what is free, reserved, no frame
 * at all, zero pages) are a line in the log with address and caller, and nothing
 * else happens.
 *
 * TO CHANGE a choice: the policy's file; to add one: policies.c. How much is
 * kept in reserve and in hot lists: mem_map.c. What a frame remembers: struct
 * page in <kernel/page.h>.
 */
#include <kernel/failpoint.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#include "internal.h"

/* Reclaimers are asked at most so often for one request. */
#define RECLAIM_ROUNDS 8

unsigned long nr_page_complaints;

static struct list reclaimers = LIST_INIT(reclaimers);

const char *
page_policy_name(void)
{
	return page_policy_chosen()->name;
}

void
reclaimer_register(struct reclaimer *reclaimer)
{
	list_add_tail(&reclaimers, &reclaimer->link);
}

struct page *
page_zero(struct page *base, size_t n)
{
	memset(page_to_virt(base), 0, n * PAGE_SIZE);
	return base;
}

static inline bool
page_is_mapped(const struct page *page)
{
	return (size_t)(page - mem_map) < mem_map_nr;
}

/* Someone asked for 0 pages. */
static __noinline void
complain_zero(const char *what, uintptr_t caller)
{
	char name[SYMBOL_SIZE];

	nr_page_complaints++;
	printk("page: %s of 0 pages by 0x%08lx (%s)\n", what,
	       (unsigned long)caller, symbol_name(caller, name, sizeof(name)));
}

/* Someone gave back what is not his, because of the frame `bad`. A pointer that
 * is no frame's has no address to print but its own. */
static __noinline void
complain(const char *what, const struct page *base, size_t n,
	 const struct page *bad, const char *why, uintptr_t caller)
{
	char name[SYMBOL_SIZE];

	nr_page_complaints++;
	symbol_name(caller, name, sizeof(name));
	if (!page_is_mapped(base))
		printk("page: %s of %zu by 0x%08lx (%s): struct page %p is %s; "
		       "nothing is done\n",
		       what, n, (unsigned long)caller, name, (const void *)base,
		       why);
	else
		printk("page: %s of %zu at 0x%08lx by 0x%08lx (%s): 0x%08lx is "
		       "%s; nothing is done\n",
		       what, n, (unsigned long)page_to_phys(base).addr,
		       (unsigned long)caller, name,
		       (unsigned long)page_to_phys(bad).addr, why);
}

/* From one node, if that leaves it what such a request must leave. */
static __always_inline struct page *
node_alloc(struct page_node *node, gfp_t gfp, size_t n)
{
	size_t keep = gfp & __GFP_HIGH ? 0 : node->min, nr_free;
	struct page *base = NULL;
	irq_state_t state;

	state = spin_lock_irqsave(&node->lock);
	nr_free = node->pool.nr_free;
	/* n = 0 is more than there is. */
	if (likely(nr_free > keep && n - 1 < nr_free - keep))
		base = node->pool.policy->alloc(&node->pool, n);
	if (likely(base != NULL))
		pages_mark_allocated(base, n);
	spin_unlock_irqrestore(&node->lock, state);
	return base;
}

/* From the nodes, the nearest first. */
static struct page *
nodes_alloc(unsigned home, gfp_t gfp, size_t n)
{
	struct page *base = NULL;

	for (unsigned i = 0; i < nr_page_nodes && base == NULL; i++) {
		base = node_alloc(&page_nodes[page_nodes[home].nearest[i]], gfp,
				  n);
		if (gfp & __GFP_THISNODE)
			break;
	}
	return base;
}

/* Asks all reclaimers for n pages; returns how many they freed. */
static size_t
reclaim(size_t n, gfp_t gfp)
{
	struct list *pos;
	size_t nr = 0;

	list_for_each(pos, &reclaimers) {
		if (nr >= n)
			break;
		nr += list_entry(pos, struct reclaimer, link)
			      ->reclaim(n - nr, gfp);
	}
	return nr;
}

/* Makes something free, as far as the caller allows. */
static struct page *
alloc_short(unsigned home, gfp_t gfp, size_t n)
{
	struct page *base;

	page_drain_local();
	base = nodes_alloc(home, gfp, n);
	if (base != NULL || !(gfp & __GFP_WAIT) || !may_sleep())
		return base;
	page_drain_all();
	base = nodes_alloc(home, gfp, n);
	for (unsigned i = 0; i < RECLAIM_ROUNDS; i++) {
		if (base != NULL || reclaim(n, gfp) == 0)
			break;
		page_drain_all();
		base = nodes_alloc(home, gfp, n);
	}
	return base;
}

/* The nearest node did not have n pages. */
static __noinline struct page *
alloc_hard(unsigned home, gfp_t gfp, size_t n, uintptr_t caller)
{
	struct page *base;
	char name[SYMBOL_SIZE];

	if (n == 0) {
		complain_zero("alloc", caller);
		return NULL;
	}
	base = nodes_alloc(home, gfp, n);
	if (base == NULL && n <= nr_managed_pages())
		base = alloc_short(home, gfp, n);
	if (base == NULL && !(gfp & __GFP_NOWARN))
		printk("page: no memory: %zu pages for 0x%08lx (%s), gfp 0x%x, "
		       "%zu of %zu free\n",
		       n, (unsigned long)caller,
		       symbol_name(caller, name, sizeof(name)), gfp,
		       nr_free_pages(), nr_managed_pages());
	return base;
}

/* Any number of pages, past the hot lists. */
static __always_inline struct page *
alloc_from(unsigned home, gfp_t gfp, size_t n, uintptr_t caller)
{
	struct page *base;

	if (KERNEL_DEBUG && n != 0 && failpoint())
		return NULL;
	base = node_alloc(&page_nodes[home], gfp, n);
	if (unlikely(base == NULL)) {
		base = alloc_hard(home, gfp, n, caller);
		if (base == NULL)
			return NULL;
	}
	if (unlikely(gfp & __GFP_ZERO))
		return page_zero(base, n);
	return base;
}

/* From the node of the CPU that runs here now: a hint, soon out of date. */
__noinline struct page *
page_alloc_general(gfp_t gfp, size_t n, uintptr_t caller)
{
	unsigned home = nr_page_nodes == 1 ? 0 : node_of_cpu[arch_cpu_id()];

	return alloc_from(home, gfp, n, caller);
}

struct page *
alloc_pages_node(unsigned node, gfp_t gfp, size_t n)
{
	if (node == NODE_ANY)
		return alloc_pages_gfp(gfp, n);
	assert(node < nr_page_nodes);
	return alloc_from(node, gfp, n, CALLER);
}

__noinline void
page_free_general(struct page *base, size_t n, uintptr_t caller)
{
	struct page_node *node;
	const struct page *bad = base;
	const char *wrong = "out of range";
	irq_state_t state;

	if (unlikely(n == 0)) {
		complain_zero("free", caller);
		return;
	}
	if (likely(page_is_mapped(base))) {
		node = &page_nodes[base->node];
		state = spin_lock_irqsave(&node->lock);
		wrong = pool_free(&node->pool, base, n, &bad);
		spin_unlock_irqrestore(&node->lock, state);
	}
	if (unlikely(wrong != NULL))
		complain("free", base, n, bad, wrong, caller);
}

size_t
nr_free_pages(void)
{
	size_t nr = 0;

	for (unsigned i = 0; i < nr_page_nodes; i++)
		nr += page_nodes[i].pool.policy->nr_free(&page_nodes[i].pool);
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
		for (unsigned order = 0; order < HOT_ORDERS; order++)
			nr += (size_t)atomic_load_relaxed(
				      &page_hots[cpu].lists[order].nr)
			      << order;
	return nr;
}

size_t
nr_managed_pages(void)
{
	size_t nr = 0;

	for (unsigned i = 0; i < nr_page_nodes; i++)
		nr += page_nodes[i].pool.nr_managed;
	return nr;
}

unsigned
page_node_nearest(unsigned home, unsigned i)
{
	assert(home < nr_page_nodes && i < nr_page_nodes);
	return page_nodes[home].nearest[i];
}

const char *
pages_validate(void)
{
	const char *wrong = NULL;

	for (unsigned i = 0; i < nr_page_nodes && wrong == NULL; i++) {
		struct page_node *node = &page_nodes[i];
		irq_state_t state = spin_lock_irqsave(&node->lock);

		wrong = pool_validate(&node->pool);
		spin_unlock_irqrestore(&node->lock, state);
	}
	return wrong;
}

unsigned
page_ref(const struct page *page)
{
	/* Who finds itself alone sees what the others did before they went. */
	int ref = atomic_load(&page->ref);

	return ref > 0 ? (unsigned)ref : 0;
}

void
page_get(struct page *page)
{
	int ref = atomic_add(&page->ref, 1);

	debug_assert(ref > 0);
}

void
page_put(struct page *page)
{
	int ref = atomic_sub(&page->ref, 1);

	if (ref == 0) {
		free_page(page);
	} else if (unlikely(ref < 0)) {
		atomic_add(&page->ref, 1);
		complain("put", page, 1, page, "not in use", CALLER);
	}
}
