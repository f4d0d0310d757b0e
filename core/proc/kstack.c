/*
 * Kernel stacks.
 *
 * Every stack lies in a slot of its own in kernel address space, at the upper
 * end; the rest of the slot is never mapped, so that an overflow hits a hole
 * and is named instead of eating a neighbour:
 *
 *	slot i                    slot i+1
 *	| guard . . | stack      || guard . . | stack      |
 *	              ^ kstack                  ^ + ARCH_KSTACK_PAGES pages
 *
 * A stack that is given back stays mapped for a while: up to KSTACK_KEEP of
 * them hang in a LIFO list that runs through the stacks themselves, so that the next
 * thread gets the warmest one without touching a page table. Beyond that,
 * and when memory is short (reclaimer), pages and slot are given back.
 *
 * The page tables of all slots exist from the start (arch_mmu_init): mapping
 * a stack needs its pages and nothing else.
 *
 * LOCKING. kstack_lock (rank KSTACK) guards the list and the slots' bitmap,
 * and serialises changes to the slots' page tables. Pages are allocated and freed
 * outside it.
 */
#include <kernel/bitmap.h>
#include <kernel/failpoint.h>
#include <kernel/page.h>
#include "internal.h"

#define KSTACK_KEEP 64
#define KSTACK_SIZE (ARCH_KSTACK_PAGES * PAGE_SIZE)

/* Lies at the lowest address of a stack that is kept. */
struct kept_stack {
	struct kept_stack *next;
};

BITMAP_TREE_DEFINE(slots_taken, MAX_PROCESS);

static struct spinlock kstack_lock = SPINLOCK_INIT(LOCK_RANK_KSTACK, "kstack");
static struct kept_stack *kept GUARDED_BY(kstack_lock);
static size_t nr_kept GUARDED_BY(kstack_lock);
static size_t nr_slots;

static uintptr_t
slot_to_kstack(size_t slot)
{
	return arch_kstack_base() + (slot + 1) * ARCH_KSTACK_SLOT - KSTACK_SIZE;
}

static size_t
kstack_to_slot(uintptr_t kstack)
{
	return (kstack - arch_kstack_base()) / ARCH_KSTACK_SLOT;
}

static uintptr_t
take_kept(void) REQUIRES(kstack_lock)
{
	struct kept_stack *stack = kept;

	if (stack == NULL)
		return 0;
	kept = stack->next;
	nr_kept--;
	return (uintptr_t)stack;
}

/* Maps the pages into a free slot. */
static int
map_slot(struct page *pages, uintptr_t *kstack) REQUIRES(kstack_lock)
{
	size_t slot = bitmap_tree_next_zero(&slots_taken, 0);
	int err;

	if (slot >= nr_slots)
		return -E_NO_FREE_PROC;
	if (KERNEL_DEBUG && failpoint())
		return -E_NO_MEM;
	*kstack = slot_to_kstack(slot);
	err = arch_map_range(arch_kernel_space(), *kstack, page_to_phys(pages),
			     ARCH_KSTACK_PAGES, MAP_READ | MAP_WRITE);
	if (err != 0)
		return err;
	bitmap_tree_set(&slots_taken, slot);
	return 0;
}

static struct page *
unmap_slot(uintptr_t kstack) REQUIRES(kstack_lock)
{
	phys_t pa;
	unsigned flags = arch_query(arch_kernel_space(), kstack, &pa);

	assert(flags != 0);
	arch_unmap_range(arch_kernel_space(), kstack, ARCH_KSTACK_PAGES);
	bitmap_tree_clear(&slots_taken, kstack_to_slot(kstack));
	return phys_to_page(pa);
}

int
kstack_alloc(uintptr_t *kstack)
{
	struct page *pages;
	int err;

	spin_lock(&kstack_lock);
	*kstack = take_kept();
	spin_unlock(&kstack_lock);
	if (likely(*kstack != 0))
		return 0;
	pages = alloc_pages(ARCH_KSTACK_PAGES);
	if (pages == NULL)
		return -E_NO_MEM;
	spin_lock(&kstack_lock);
	err = map_slot(pages, kstack);
	spin_unlock(&kstack_lock);
	if (err != 0)
		free_pages(pages, ARCH_KSTACK_PAGES);
	return err;
}

void
kstack_free(uintptr_t kstack)
{
	struct kept_stack *stack = (struct kept_stack *)kstack;
	struct page *pages = NULL;

	spin_lock(&kstack_lock);
	if (likely(nr_kept < KSTACK_KEEP)) {
		stack->next = kept;
		kept = stack;
		nr_kept++;
	} else {
		pages = unmap_slot(kstack);
	}
	spin_unlock(&kstack_lock);
	if (pages != NULL)
		free_pages(pages, ARCH_KSTACK_PAGES);
}

size_t
kstack_drain(void)
{
	size_t nr_freed = 0;

	for (;;) {
		struct page *pages;
		uintptr_t kstack;

		spin_lock(&kstack_lock);
		kstack = take_kept();
		pages = kstack != 0 ? unmap_slot(kstack) : NULL;
		spin_unlock(&kstack_lock);
		if (pages == NULL)
			return nr_freed;
		free_pages(pages, ARCH_KSTACK_PAGES);
		nr_freed += ARCH_KSTACK_PAGES;
	}
}

size_t
kstack_nr_cached(void)
{
	size_t nr;

	spin_lock(&kstack_lock);
	nr = nr_kept;
	spin_unlock(&kstack_lock);
	return nr;
}

static size_t
kstack_reclaim(size_t nr_wanted, gfp_t gfp)
{
	return kstack_drain();
}

static struct reclaimer kstack_reclaimer = {
	.name = "kernel stacks",
	.reclaim = kstack_reclaim,
};

void
kstack_init(size_t nr)
{
	assert(nr <= MAX_PROCESS);
	nr_slots = nr;
	reclaimer_register(&kstack_reclaimer);
}
