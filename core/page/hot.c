/*
 * Hot pages: each CPU keeps some single free frames of its own, the one freed
 * last on top.
 *
 * Most requests are for one page, and most pages that are freed are soon wanted
 * again by the same CPU, whose cache still holds them. So alloc_page takes from
 * a small stack and free_page puts there, with nothing but this CPU's
 * interrupts turned off: no lock, no policy, no shared cache line. When the
 * stack is empty (full), half a stack is taken from (given to) the node under
 * one acquisition of its lock; what goes is the bottom half, the coldest.
 *
 *	alloc_page   free_page
 *	      ^         |
 *	      |         v
 *	   +---------------+  max
 *	   |  hot          |
 *	   |  ...          |   <-- refill: half a stack of single frames
 *	   |  cold         |   --> flush: the coldest half
 *	   +---------------+  0
 *
 * A hot page is free: it counts as such, and freeing it again is the same
 * mistake. Only frames of the CPU's own node are kept, those in the longest
 * run of mem_map without another node's frames (all of them, on most
 * machines): the check that the pointer lies in that run is the check that it
 * is a frame at all, and everything else takes the general way.
 *
 * A refill leaves the node's reserve alone: the reserve is for GFP_ATOMIC, not
 * for a hoard.
 *
 * No thread can be woken inside these sections, and whoever sets need_resched
 * from elsewhere interrupts this CPU: so they end with arch_irq_restore and need
 * not look whether to schedule.
 */
#include <kernel/failpoint.h>
#include <kernel/sched.h>

#include "internal.h"

struct page_hot page_hots[MAX_CPUS];
unsigned char node_of_cpu[MAX_CPUS];

void
hot_init(unsigned cpu, unsigned node, struct page *start, size_t nr)
{
	struct page_hot *hot = &page_hots[cpu];

	node_of_cpu[cpu] = (unsigned char)node;
	hot->nr = 0;
	hot->start = (uintptr_t)start;
	hot->size = nr * sizeof(struct page);
}

struct page *
alloc_page(gfp_t gfp)
{
	struct page_hot *hot;
	struct page *page;
	irq_state_t state;
	unsigned nr;

	if (KERNEL_DEBUG && failpoint())
		return NULL;
	state = arch_irq_save();
	hot = &page_hots[arch_cpu_id()];
	nr = hot->nr;
	if (unlikely(nr == 0))
		return alloc_page_slow(gfp, state, CALLER);
	nr--;
	page = hot->pages[nr];
	atomic_store_relaxed(&hot->nr, nr);
	page_ref_write(page, 1);
	arch_irq_restore(state);
	if (unlikely(gfp & __GFP_ZERO))
		return page_zero(page, 1);
	return page;
}

void
free_page(struct page *page)
{
	irq_state_t state = arch_irq_save();
	struct page_hot *hot = &page_hots[arch_cpu_id()];
	unsigned nr = hot->nr;

	if (unlikely((uintptr_t)page - hot->start >= hot->size ||
		     page_ref_read(page) < 0 || nr >= hot->max)) {
		free_page_slow(page, state, CALLER);
		return;
	}
	page_ref_write(page, PAGE_HOT);
	hot->pages[nr] = page;
	atomic_store_relaxed(&hot->nr, nr + 1);
	arch_irq_restore(state);
}

struct page *
hot_refill(struct page_hot *hot)
{
	struct page_node *node = &page_nodes[node_of_cpu[arch_cpu_id()]];
	unsigned want = hot->max / 2, nr = 0;
	struct page *page = NULL;
	irq_state_t state;
	uintptr_t offset;

	state = spin_lock_irqsave(&node->lock);
	while (nr < want && node->pool.nr_free > node->min + 1) {
		page = pool_alloc(&node->pool, 1);
		offset = (uintptr_t)page - hot->start;
		/* Outside of the run: not to be kept, but good for now. */
		if (offset >= hot->size)
			break;
		page_ref_write(page, PAGE_HOT);
		hot->pages[nr++] = page;
		page = NULL;
	}
	spin_unlock_irqrestore(&node->lock, state);
	if (page == NULL && nr > 0) {
		page = hot->pages[--nr];
		page_ref_write(page, 1);
	}
	atomic_store_relaxed(&hot->nr, nr);
	return page;
}

void
hot_flush(struct page_hot *hot, unsigned nr)
{
	struct page_node *node = &page_nodes[node_of_cpu[arch_cpu_id()]];
	unsigned left = hot->nr - nr;
	irq_state_t state;

	state = spin_lock_irqsave(&node->lock);
	for (unsigned i = 0; i < nr; i++)
		pool_free_page(&node->pool, hot->pages[i]);
	spin_unlock_irqrestore(&node->lock, state);
	for (unsigned i = 0; i < left; i++)
		hot->pages[i] = hot->pages[nr + i];
	atomic_store_relaxed(&hot->nr, left);
}

void
page_drain_local(void)
{
	irq_state_t state = arch_irq_save();
	struct page_hot *hot = &page_hots[arch_cpu_id()];

	if (hot->nr > 0)
		hot_flush(hot, hot->nr);
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
