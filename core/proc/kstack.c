/*
 * Kernel stacks: slots of kernel address space.
 *
 * Every stack lies in a slot of its own, at the upper end; the rest of the slot
 * is never mapped, so that an overflow hits a hole and is named instead of
 * eating a neighbour:
 *
 *	slot i                    slot i+1
 *	| guard . . | stack      || guard . . | stack      |
 *	              ^ kstack                  ^ + ARCH_KSTACK_PAGES pages
 *
 * The page tables of all slots exist from the start (arch_mmu_init): mapping
 * a stack needs its pages and nothing else. A stack's pages are contiguous,
 * so that a port can map them in one step.
 *
 * LOCKING. kstack_lock (rank KSTACK) guards the bitmap of slots and serialises
 * changes to their page tables. Pages are allocated and freed outside it.
 *
 * A slot that was unmapped may be mapped again at once, by another CPU, before this one
 * has flushed: the slot's next user touches it only after its own pages are in the
 * tables, and a CPU that remembers the old ones would write to those. So a slot stays
 * taken until all CPUs have forgotten it, which needs a second turn of the lock.
 */
#include <kernel/bitmap.h>
#include <kernel/failpoint.h>
#include <kernel/page.h>
#include <kernel/tlb.h>
#include "internal.h"

#define KSTACK_SIZE (ARCH_KSTACK_PAGES * PAGE_SIZE)

BITMAP_TREE_DEFINE(slots_taken, MAX_PROCESS);

static struct spinlock kstack_lock = SPINLOCK_INIT(LOCK_RANK_KSTACK, "kstack");
static size_t nr_slots;
size_t nr_kstacks;

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

/* Maps the pages into a free slot; *kstack is set only on success. */
static int
map_slot(struct page *pages, uintptr_t *kstack) REQUIRES(kstack_lock)
{
	size_t slot = bitmap_tree_next_zero(&slots_taken, 0);
	uintptr_t low = slot_to_kstack(slot);
	int err;

	if (slot >= nr_slots)
		return -E_NO_FREE_PROC;
	err = KERNEL_DEBUG && failpoint()
		      ? -E_NO_MEM
		      : arch_map_range(&kernel_space.arch, low,
				       page_to_phys(pages), ARCH_KSTACK_PAGES,
				       MAP_READ | MAP_WRITE);
	if (err != 0)
		return err;
	bitmap_tree_set(&slots_taken, slot);
	atomic_count(&nr_kstacks, 1);
	*kstack = low;
	return 0;
}

/* Returns the pages, which CPUs may still write to. */
static struct page *
unmap_slot(uintptr_t kstack, struct tlb_batch *batch) REQUIRES(kstack_lock)
{
	phys_t pa;
	unsigned flags = arch_query(&kernel_space.arch, kstack, &pa);

	assert(flags != 0);
	arch_unmap_range(&kernel_space.arch, kstack, ARCH_KSTACK_PAGES);
	tlb_batch_add_range(batch, kstack, ARCH_KSTACK_PAGES);
	return phys_to_page(pa);
}

static void
free_slot(uintptr_t kstack) REQUIRES(kstack_lock)
{
	bitmap_tree_clear(&slots_taken, kstack_to_slot(kstack));
	atomic_count(&nr_kstacks, -(size_t)1);
}

int
kstack_alloc(uintptr_t *kstack)
{
	struct page *pages = alloc_pages(ARCH_KSTACK_PAGES);
	int err;

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
	struct tlb_batch batch;
	struct page *pages;

	tlb_batch_init(&batch, &kernel_space);
	spin_lock(&kstack_lock);
	pages = unmap_slot(kstack, &batch);
	spin_unlock(&kstack_lock);
	tlb_forget(&batch);
	spin_lock(&kstack_lock);
	free_slot(kstack);
	spin_unlock(&kstack_lock);
	free_pages(pages, ARCH_KSTACK_PAGES);
}

void
kstack_init(size_t nr)
{
	assert(nr <= MAX_PROCESS);
	nr_slots = nr;
}
