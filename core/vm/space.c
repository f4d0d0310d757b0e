/*
 * Pages in address spaces.
 *
 * PROBLEM.  A page must not be freed while it is mapped anywhere, neither in a table
 * nor in what a CPU remembers of one. That follows if every mapping is one reference
 * of the page, and if the reference lasts until the mapping is forgotten by the last
 * CPU: the page goes back to the allocator with its last reference (page_put).
 *
 * MODEL.
 *
 *	page_insert(space, page, va)	va -> page	page_ref + 1
 *	  ... over an older page	va -> page	its page_ref - 1, later
 *	page_remove(space, va)		va -> nothing	page_ref - 1, later
 *
 * "Later" is a batch (<kernel/tlb.h>): what goes is taken out of the tables under the
 * space's lock and noted in a batch; then the lock is released, all CPUs that may
 * remember it are made to forget it, and only then the references drop:
 *
 *	lock, tables change, batch fills, unlock | flush | references drop
 *
 * A range that is too long for one batch, or for one turn of the lock, goes in pieces
 * (unmap_some). Page tables themselves, and what a flag means in a table
 * entry, are the port's: get_pte of the classics is inside arch_map, tlb_invalidate is
 * core/vm/tlb.c. Here is what all machines have in common, the counting and the rule
 * about users:
 *
 * INVARIANTS.  MAP_USER is in every mapping of a process's space and in none of
 * the kernel's: page_insert refuses to mix them. An address maps a page only
 * while it holds a reference; the old page's is dropped after the TLBs have
 * forgotten it, so that nobody writes to a page that is somebody else's by now.
 *
 * LOCKING.  The lock of the space (LOCK_RANK_SPACE, interrupts off) serialises changes
 * to its tables. Nothing is flushed and no reference is dropped under it. Kernel
 * stacks are mapped under a lock of their own (core/proc/kstack.c): their tables
 * are made in advance, and no address is both a stack's and somebody else's, so
 * the two never write one entry.
 *
 * COSTS.  A change of one page table entry, and a flush if something was there.
 *
 * FAILURE.  arch_map may need a page table and not get it: -E_NO_MEM, and neither
 * mapping nor counts have changed. Tables that it did get stay until the space ends.
 *
 * TO CHANGE how a table looks: mmu.c of the port.
 */
#include <kernel/error.h>
#include <kernel/lock.h>
#include <kernel/space.h>

/* How many pages are looked at in one turn of the lock. */
#define PAGES_PER_TURN 256

static bool
is_valid(const struct space *space, uintptr_t va, unsigned flags)
{
	bool users = va < ARCH_USER_END;

	return va % PAGE_SIZE == 0 && users == (space != &kernel_space) &&
	       users == ((flags & MAP_USER) != 0);
}

/* Whole pages of one part, as in is_valid. A range that reached into the other part
 * would change the kernel's tables by way of a process. */
static bool
is_valid_range(const struct space *space, uintptr_t va, uintptr_t end)
{
	return va % PAGE_SIZE == 0 && end % PAGE_SIZE == 0 && va <= end &&
	       (space == &kernel_space ? va >= ARCH_USER_END
				       : end <= ARCH_USER_END);
}

int
space_create(struct space *space)
{
	spin_init(&space->lock, LOCK_RANK_SPACE, "space");
	space->cpus = 0;
	space->generation = 0;
	return arch_space_create(&space->arch);
}

void
space_destroy(struct space *space)
{
	assert(atomic_load(&space->cpus) == 0 && space != &kernel_space);
	if (KERNEL_DEBUG) {
		struct mapping left;
		uintptr_t first =
			arch_unmap(&space->arch, 0, ARCH_USER_END, &left);

		assert(first == ARCH_USER_END);
	}
	arch_space_destroy(&space->arch);
}

struct page *
page_lookup(const struct space *space, uintptr_t va, unsigned *flags)
{
	phys_t pa;
	unsigned how = arch_query(&space->arch, va, &pa);

	if (flags != NULL)
		*flags = how;
	return how != 0 ? phys_to_page(pa) : NULL;
}

/* Into the batch goes what was mapped at va until now, if anything was. */
static void
batch_old(struct tlb_batch *batch, uintptr_t va, const struct mapping *old)
{
	if (old->flags != 0)
		tlb_batch_add_page(batch, va, phys_to_page(old->pa));
}

int
page_insert(struct space *space, struct page *page, uintptr_t va,
	    unsigned flags)
{
	struct tlb_batch batch;
	struct mapping old;
	irq_state_t irqs;
	int err;

	if (!is_valid(space, va, flags))
		return -E_INVAL;

	tlb_batch_init(&batch, space);
	page_get(page);
	irqs = spin_lock_irqsave(&space->lock);
	err = arch_map(&space->arch, va, page_to_phys(page), flags, &old);
	if (err == 0)
		batch_old(&batch, va, &old);
	spin_unlock_irqrestore(&space->lock, irqs);

	if (err != 0)
		page_put(page);
	tlb_batch_flush(&batch);
	return err;
}

/* Unmaps pages from va on until the batch is full, or a turn of the lock is over, or
 * `end` is reached. Returns where to go on. */
static uintptr_t
unmap_some(struct tlb_batch *batch, uintptr_t va, uintptr_t end)
{
	struct space *space = batch->space;
	irq_state_t irqs = spin_lock_irqsave(&space->lock);

	for (unsigned n = 0; n < PAGES_PER_TURN && !tlb_batch_is_full(batch);
	     n++) {
		struct mapping old;

		va = arch_unmap(&space->arch, va, end, &old);
		if (va == end)
			break;
		batch_old(batch, va, &old);
		va += PAGE_SIZE;
	}
	spin_unlock_irqrestore(&space->lock, irqs);
	return va;
}

void
space_unmap(struct space *space, uintptr_t va, uintptr_t end)
{
	struct tlb_batch batch;

	assert(is_valid_range(space, va, end));
	tlb_batch_init(&batch, space);
	while (va < end) {
		va = unmap_some(&batch, va, end);
		tlb_batch_flush(&batch);
	}
}

void
page_remove(struct space *space, uintptr_t va)
{
	space_unmap(space, va, va + PAGE_SIZE);
}

void
space_protect(struct space *space, uintptr_t va, uintptr_t end, unsigned flags)
{
	struct tlb_batch batch;

	assert(is_valid(space, va, flags));
	assert(is_valid_range(space, va, end));
	tlb_batch_init(&batch, space);
	while (va < end) {
		size_t nr = MIN((end - va) / PAGE_SIZE, (size_t)PAGES_PER_TURN);
		uintptr_t next = va + nr * PAGE_SIZE;
		irq_state_t irqs = spin_lock_irqsave(&space->lock);

		if (arch_protect(&space->arch, va, next, flags) > 0)
			tlb_batch_add_range(&batch, va, nr);
		spin_unlock_irqrestore(&space->lock, irqs);
		va = next;
	}
	tlb_batch_flush(&batch);
}

unsigned
page_harvest(struct tlb_batch *batch, uintptr_t va, unsigned bits)
{
	struct space *space = batch->space;
	irq_state_t irqs = spin_lock_irqsave(&space->lock);
	unsigned had = arch_harvest(&space->arch, va, bits);

	if (had != 0)
		tlb_batch_add_range(batch, va, 1);
	spin_unlock_irqrestore(&space->lock, irqs);
	return had;
}

struct page *
pgdir_alloc_page(struct space *space, uintptr_t va, unsigned flags)
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
