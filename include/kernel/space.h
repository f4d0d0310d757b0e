/*
 * Pages in address spaces: the page tables as the classics know them, over
 * what the port gives (arch_map, arch_unmap_range, arch_query).
 *
 * `va` is the address of a page (a multiple of PAGE_SIZE). A page that is
 * mapped here counts one reference for each mapping. Mappings of the kernel's
 * space are never the user's, those of other spaces always are. Changes to the
 * kernel's space are serialised here; changes to another space by its owner.
 */
#ifndef KERNEL_SPACE_H
#define KERNEL_SPACE_H

#include <kernel/page.h>
#include <kernel/types.h>
#include <arch/mmu.h>

/*
 * Maps `page` at va with these enum map_flags and takes a reference. A page that
 * was mapped there goes, and its reference with it; mapping the same page again
 * changes its flags only. 0, -E_INVAL for an unaligned va or MAP_USER where it
 * must not (or is missing where it must) be, -E_NO_MEM for a page table; then
 * nothing has changed. Any context.
 */
int page_insert(struct arch_space *space, struct page *page, uintptr_t va,
		unsigned flags) __must_check;

/* Unmaps what is at va, if anything, and drops its reference. Any context. */
void page_remove(struct arch_space *space, uintptr_t va);

/* A new page, zeroed, mapped at va; the mapping has the only reference. NULL: no memory
 * (or arguments that page_insert refuses). May sleep. */
struct page *pgdir_alloc_page(struct arch_space *space, uintptr_t va,
			      unsigned flags) __must_check;

/* The page mapped at va, and how in *flags (may be NULL); NULL: none, or no
 * RAM of ours. Without a reference: the caller sees to it that it stays. */
struct page *page_lookup(struct arch_space *space, uintptr_t va,
			 unsigned *flags);

#endif /* KERNEL_SPACE_H */
