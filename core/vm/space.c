/*
 * Pages in address spaces.
 *
 * PROBLEM.  Who maps a page must not lose it, and who frees it must not leave a
 * mapping behind. Both follow if every mapping is one reference of the page:
 * the page goes back to the allocator with the last one (page_put).
 *
 * MODEL.
 *
 *	page_insert(space, page, va)	va -> page	page_ref + 1
 *	  ... over an older page	va -> page	its page_ref - 1
 *	page_remove(space, va)		va -> nothing	page_ref - 1
 *
 * Page tables themselves, TLBs, and what a flag means in a table entry are the
 * port's: get_pte and tlb_invalidate of the classics are inside arch_map and
 * arch_unmap_range. Here is what all machines have in common, the counting and
 * the rule about users:
 *
 * INVARIANTS.  MAP_USER is in every mapping of a process's space and in none of
 * the kernel's: page_insert refuses to mix them. An address maps a page only
 * while it holds a reference; the old page's is dropped after the TLBs have
 * forgotten it, so that nobody writes to a page that is somebody else's by now.
 *
 * LOCKING.  kernel_space_lock (LOCK_RANK_SPACE, interrupts off) for the kernel's
 * space; the owner's lock for any other. References are dropped outside. Kernel
 * stacks are mapped under a lock of their own (core/proc/kstack.c): their tables
 * are made in advance, and no address is both a stack's and somebody else's, so
 * the two never write one entry.
 *
 * COSTS.  A query and a change of one page table entry.
 *
 * FAILURE.  arch_map may need a page table and not get it: -E_NO_MEM, and neither
 * mapping nor counts have changed.
 *
 * TO CHANGE how a table looks: mmu.c of the port.
 */
#include <kernel/error.h>
#include <kernel/lock.h>
#include <kernel/space.h>

static struct spinlock kernel_space_lock =
	SPINLOCK_INIT(LOCK_RANK_SPACE, "kernel space");

static irq_state_t
space_lock(const struct arch_space *space) NO_THREAD_SAFETY
{
	if (space == arch_kernel_space())
		return spin_lock_irqsave(&kernel_space_lock);
	return false;
}

static void
space_unlock(const struct arch_space *space, irq_state_t state) NO_THREAD_SAFETY
{
	if (space == arch_kernel_space())
		spin_unlock_irqrestore(&kernel_space_lock, state);
}

struct page *
page_lookup(struct arch_space *space, uintptr_t va, unsigned *flags)
{
	phys_t pa;
	unsigned how = arch_query(space, va, &pa);

	if (flags != NULL)
		*flags = how;
	return how != 0 ? phys_to_page(pa) : NULL;
}

int
page_insert(struct arch_space *space, struct page *page, uintptr_t va,
	    unsigned flags)
{
	bool users = (flags & MAP_USER) != 0;
	struct page *old;
	irq_state_t state;
	int err;

	if (va % PAGE_SIZE != 0 || users == (space == arch_kernel_space()))
		return -E_INVAL;

	page_get(page);
	state = space_lock(space);
	old = page_lookup(space, va, NULL);
	err = arch_map(space, va, page_to_phys(page), flags);
	space_unlock(space, state);

	if (err != 0)
		page_put(page);
	else if (old != NULL)
		page_put(old);
	return err;
}

void
page_remove(struct arch_space *space, uintptr_t va)
{
	irq_state_t state = space_lock(space);
	struct page *old = page_lookup(space, va, NULL);

	arch_unmap_range(space, va, 1);
	space_unlock(space, state);

	if (old != NULL)
		page_put(old);
}

struct page *
pgdir_alloc_page(struct arch_space *space, uintptr_t va, unsigned flags)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	int err;

	if (page == NULL)
		return NULL;
	err = page_insert(space, page, va, flags);
	/* The mapping has its own reference, or there is none. */
	page_put(page);
	return err == 0 ? page : NULL;
}
