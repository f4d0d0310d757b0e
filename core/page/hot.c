/*
 * Hot pages: each CPU keeps some free blocks of its own, the one freed last on
 * top.
 *
 * Most requests are for one page or a small power of two (stacks, slabs), and
 * most that is freed is soon wanted again by the same CPU, whose cache still
 * holds it. So for 1, 2, 4 and 8 frames each CPU has a small stack of blocks:
 * with nothing but this CPU's interrupts turned off, no lock, no policy, no
 * shared cache line. When a stack is empty (full), half a stack is taken from
 * (given to) the node under one acquisition of its lock; what goes is the bottom
 * half, the coldest.
 *
 *	alloc        free
 *	   ^           |
 *	   |           v
 *	+---------------+  max
 *	|  hot          |
 *	|  ...          |   <-- refill: half a stack, as the policy chooses
 *	|  cold         |   --> flush: the coldest half
 *	+---------------+  0
 *
 * A hot frame is free: it counts as such, and freeing it again is the same
 * mistake. Only frames of the CPU's own node are kept, those in the longest
 * run of mem_map without another node's frames (all of them, on most
 * machines): the check that the pointer lies in that run is the check that it
 * is a frame at all, and everything else takes the general way. A block is
 * whatever 2^order frames were freed at once, aligned or not, and goes back as
 * such: nobody is promised more than contiguous frames.
 *
 * A refill leaves the node's reserve alone: the reserve is for GFP_ATOMIC, not
 * for a hoard. Who finds no memory drains these lists before he gives up.
 *
 * No thread can be woken inside these sections, and whoever sets need_resched
 * from elsewhere interrupts this CPU: so they end with arch_irq_restore and need
 * not look whether to schedule.
 *
 * The code of alloc_page and free_page is written for few instructions: what is
 * seldom needed stands out of line, in functions that are called last.
 */
#include <kernel/failpoint.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#include "internal.h"

struct page_hot page_hots[MAX_CPUS];
unsigned char node_of_cpu[MAX_CPUS];

void
hot_init(unsigned cpu, unsigned node, struct page *start, size_t nr,
	 unsigned max_frames)
{
	struct page_hot *hot = &page_hots[cpu];

	node_of_cpu[cpu] = (unsigned char)node;
	hot->start = (uintptr_t)start;
	hot->size = nr * sizeof(struct page);
	/* Too few for the largest block: none are kept. */
	if (nr < (size_t)1 << (HOT_ORDERS - 1))
		max_frames = 0;
	for (unsigned order = 0; order < HOT_ORDERS; order++) {
		hot->lists[order].nr = 0;
		hot->lists[order].max = max_frames >> order;
	}
}

/* Interrupts off. */
static __always_inline struct page_hot *
hot_here(void)
{
	/* By a load, in place of arithmetic with the CPU's number. */
	static struct page_hot *const hot_of_cpu[] = {
		&page_hots[0],	&page_hots[1],	&page_hots[2],	&page_hots[3],
		&page_hots[4],	&page_hots[5],	&page_hots[6],	&page_hots[7],
		&page_hots[8],	&page_hots[9],	&page_hots[10], &page_hots[11],
		&page_hots[12], &page_hots[13], &page_hots[14], &page_hots[15],
	};

	BUILD_ASSERT(ARRAY_SIZE(hot_of_cpu) == MAX_CPUS);
	return hot_of_cpu[arch_cpu_id()];
}

/* Whether n frames from page on are this CPU's to keep. */
static inline bool
hot_covers(const struct page_hot *hot, const struct page *page, size_t n)
{
	return (uintptr_t)page - hot->start <
	       hot->size - (n - 1) * sizeof(struct page);
}

/*
 * Interrupts off. Half a list of blocks out of the node, none if that is down to
 * its reserve.
 */
static void
hot_refill(struct page_hot *hot, unsigned order)
{
	struct page_node *node = &page_nodes[node_of_cpu[arch_cpu_id()]];
	struct hot_list *list = &hot->lists[order];
	unsigned want = (list->max + 1) / 2, nr = 0;
	size_t n = (size_t)1 << order;
	struct page_pool *pool = &node->pool;
	struct page *block;
	irq_state_t state;

	state = spin_lock_irqsave(&node->lock);
	while (nr < want && pool->nr_free >= node->min + n) {
		block = pool->policy->alloc(pool, n);
		if (block == NULL)
			break;
		if (unlikely(!hot_covers(hot, block, n))) {
			/* Not to be kept here; the general way finds it. */
			pool->policy->free(pool, block, n);
			break;
		}
		if (order == 0)
			page_ref_write(block, PAGE_HOT);
		else
			pages_mark(block, n, PAGE_HOT);
		list->blocks[nr++] = block;
	}
	spin_unlock_irqrestore(&node->lock, state);
	atomic_store_relaxed(&list->nr, nr);
}

/* Interrupts off. The nr coldest blocks go back to the node. */
static void
hot_flush(struct hot_list *list, unsigned order, unsigned nr)
{
	struct page_node *node = &page_nodes[node_of_cpu[arch_cpu_id()]];
	const struct page_policy *policy = node->pool.policy;
	size_t n = (size_t)1 << order;
	unsigned left = list->nr - nr;
	irq_state_t state;

	state = spin_lock_irqsave(&node->lock);
	for (unsigned i = 0; i < nr; i++) {
		struct page *block = list->blocks[i];

		if (order == 0)
			page_ref_write(block, PAGE_FREE);
		else
			pages_mark(block, n, PAGE_FREE);
		policy->free(&node->pool, block, n);
	}
	spin_unlock_irqrestore(&node->lock, state);
	memmove(list->blocks, list->blocks + nr,
		left * sizeof(list->blocks[0]));
	atomic_store_relaxed(&list->nr, left);
}

/* -- taking and giving, `order` a constant where it is called ------------------ */

/* NULL: the list is empty. */
static __always_inline struct page *
hot_take(unsigned order)
{
	irq_state_t state = arch_irq_save();
	struct hot_list *list = &hot_here()->lists[order];
	int nr = (int)list->nr - 1;
	struct page *block = NULL;

	if (likely(nr >= 0)) {
		atomic_store_relaxed(&list->nr, (unsigned)nr);
		/* Then block can have list's register. */
		compiler_barrier();
		block = list->blocks[nr];
		pages_mark_allocated(block, (size_t)1 << order);
	}
	arch_irq_restore(likely(state));
	return block;
}

/* false: the list is full, or there is something wrong; nothing is done. */
static __always_inline bool
hot_give(struct page *base, unsigned order)
{
	size_t n = (size_t)1 << order;
	irq_state_t state = arch_irq_save();
	struct page_hot *hot = hot_here();
	struct hot_list *list = &hot->lists[order];
	bool ok = hot_covers(hot, base, n) && pages_allocated(base, n);
	unsigned nr;

	compiler_barrier(); /* then nr can have what the checks needed */
	nr = list->nr;
	ok = likely(ok) && nr < list->max;
	if (likely(ok)) {
		pages_mark(base, n, PAGE_HOT);
		list->blocks[nr] = base;
		atomic_store_relaxed(&list->nr, nr + 1);
	}
	arch_irq_restore(likely(state));
	return ok;
}

/* Takes from a list that was empty. NULL: it still is. */
static struct page *
hot_take_refilled(unsigned order)
{
	irq_state_t state = arch_irq_save();
	struct page_hot *hot = hot_here();
	struct page *block = NULL;

	if (hot->lists[order].nr == 0)
		hot_refill(hot, order);
	if (hot->lists[order].nr > 0)
		block = hot_take(order);
	arch_irq_restore(state);
	return block;
}

/* Gives to a list that was full. false: something else is wrong. */
static bool
hot_give_flushed(struct page *base, unsigned order)
{
	irq_state_t state = arch_irq_save();
	struct hot_list *list = &hot_here()->lists[order];
	bool ok;

	if (list->max > 0 && list->nr >= list->max)
		hot_flush(list, order, (list->max + 1) / 2);
	ok = hot_give(base, order);
	arch_irq_restore(state);
	return ok;
}

static __noinline struct page *
alloc_block_slow(gfp_t gfp, unsigned order, uintptr_t caller)
{
	size_t n = (size_t)1 << order;
	struct page *block = hot_take_refilled(order);

	if (block == NULL)
		return page_alloc_general(gfp, n, caller);
	return gfp & __GFP_ZERO ? page_zero(block, n) : block;
}

static __noinline void
free_block_slow(struct page *base, unsigned order, uintptr_t caller)
{
	if (!hot_give_flushed(base, order))
		page_free_general(base, (size_t)1 << order, caller);
}

/* -- one page ---------------------------------------------------------------- */

struct page *
alloc_page_hot(void)
{
	return hot_take(0);
}

struct page *
alloc_page_slow(struct page *page, gfp_t gfp)
{
	if (page == NULL)
		return alloc_block_slow(gfp, 0, CALLER);
	return page_zero(page, 1);
}

void
free_page(struct page *page)
{
	if (unlikely(!hot_give(page, 0)))
		free_block_slow(page, 0, CALLER);
}

/* -- n pages ------------------------------------------------------------------- */

static __always_inline struct page *
alloc_block(gfp_t gfp, unsigned order, uintptr_t caller)
{
	struct page *block;

	if (KERNEL_DEBUG && failpoint())
		return NULL;
	block = hot_take(order);
	if (unlikely(block == NULL))
		return alloc_block_slow(gfp, order, caller);
	if (unlikely(gfp & __GFP_ZERO))
		return page_zero(block, (size_t)1 << order);
	return block;
}

static __always_inline void
free_block(struct page *base, unsigned order, uintptr_t caller)
{
	if (unlikely(!hot_give(base, order)))
		free_block_slow(base, order, caller);
}

BUILD_ASSERT(HOT_ORDERS == 4); /* the cases below */

struct page *
alloc_pages_gfp(gfp_t gfp, size_t n)
{
	switch (n) {
	case 1:
		return alloc_block(gfp, 0, CALLER);
	case 2:
		return alloc_block(gfp, 1, CALLER);
	case 4:
		return alloc_block(gfp, 2, CALLER);
	case 8:
		return alloc_block(gfp, 3, CALLER);
	}
	return page_alloc_general(gfp, n, CALLER);
}

struct page *
alloc_pages(size_t n)
{
	return alloc_pages_gfp(GFP_KERNEL, n);
}

void
free_pages(struct page *base, size_t n)
{
	switch (n) {
	case 1:
		free_block(base, 0, CALLER);
		return;
	case 2:
		free_block(base, 1, CALLER);
		return;
	case 4:
		free_block(base, 2, CALLER);
		return;
	case 8:
		free_block(base, 3, CALLER);
		return;
	}
	page_free_general(base, n, CALLER);
}

/* -- giving it all back -------------------------------------------------------- */

void
page_drain_local(void)
{
	irq_state_t state = arch_irq_save();
	struct page_hot *hot = hot_here();

	for (unsigned order = 0; order < HOT_ORDERS; order++)
		if (hot->lists[order].nr > 0)
			hot_flush(&hot->lists[order], order,
				  hot->lists[order].nr);
	arch_irq_restore(state);
}

static void
drain_this_cpu(void *unused)
{
	page_drain_local();
}

void
page_drain_all(void)
{
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		cpu_call(cpu, drain_this_cpu, NULL);
}
