/*
 * Pages in address spaces: the page tables as the classics know them, over
 * what the port gives (<arch/mmu.h>).
 *
 * `va` and `end` are multiples of PAGE_SIZE. A page that is mapped here counts one
 * reference for each mapping. Mappings of the kernel's space are never the user's;
 * those of other spaces always are, and lie below ARCH_USER_END.
 *
 * "May wait" means: for other CPUs, until they have forgotten what was mapped before.
 * Interrupts are on and no spinlock is held (assert_may_wait_for_cpus); it does not
 * sleep.
 */
#ifndef KERNEL_SPACE_H
#define KERNEL_SPACE_H

#include <kernel/page.h>
#include <kernel/tlb.h>
#include <kernel/types.h>

/* An empty space. 0 or -E_NO_MEM. May sleep. */
int space_create(struct space *space) __must_check;

/* Frees the tables. Nothing is mapped any more (space_unmap), no thread has the space
 * (proc->space), so no CPU has it loaded. Any context. */
void space_destroy(struct space *space);

/*
 * Maps `page` at va with these enum map_flags and takes a reference. A page that
 * was mapped there goes, and its reference with it; mapping the same page again
 * changes its flags only. 0, -E_INVAL for an unaligned va, for one that belongs to the
 * other part of the space, or for MAP_USER where it must not (or is missing where it
 * must) be, -E_NO_MEM for a page table; then nothing has changed. May wait.
 */
int page_insert(struct space *space, struct page *page, uintptr_t va,
		unsigned flags) __must_check;

/* Unmaps what is at va, if anything, and drops its reference. May wait. */
void page_remove(struct space *space, uintptr_t va);

/* The same for all of [va, end), whole pages of the space's own part. What is unmapped
 * goes in batches: others may map pages in it meanwhile, which then may stay. May
 * wait. */
void space_unmap(struct space *space, uintptr_t va, uintptr_t end);

/* Gives all mappings in such a range these flags (MAP_USER as in page_insert). No CPU
 * uses the old ones any more when it returns. May wait. */
void space_protect(struct space *space, uintptr_t va, uintptr_t end,
		   unsigned flags);

/*
 * Tests and clears: which of MAP_ACCESSED and MAP_DIRTY, of those in `bits`, the mapping
 * at va in batch->space has had since it was asked last. They come again for certain
 * only after the batch was flushed: before, a CPU may remember that it has made the
 * mark. So a page is clean when it was harvested, the batch was flushed, and it was
 * found clean again. Any context.
 */
unsigned page_harvest(struct tlb_batch *batch, uintptr_t va, unsigned bits);

/* A new page, zeroed, mapped at va; the mapping has the only reference. NULL: no memory
 * (or arguments that page_insert refuses). May sleep. */
struct page *pgdir_alloc_page(struct space *space, uintptr_t va, unsigned flags)
	__must_check;

/* The page mapped at va, and how in *flags (may be NULL); NULL: none, or no
 * RAM of ours. Without a reference: the caller sees to it that it stays. Any
 * context. */
struct page *page_lookup(const struct space *space, uintptr_t va,
			 unsigned *flags);

/*
 * Kernel address of nr bytes of a device's registers from physical address `pa` on,
 * which CPUs do not cache. NULL: the port has no such devices, or no room is left.
 * device_unmap takes the same address and size. Any context; device_unmap may wait.
 */
void *device_map(phys_t pa, size_t nr) __must_check;
void device_unmap(void *registers, size_t nr);

#endif /* KERNEL_SPACE_H */
