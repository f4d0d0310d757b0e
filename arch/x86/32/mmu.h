/*
 * i386: page tables, as seen inside the port.
 */
#ifndef X86_32_MMU_H
#define X86_32_MMU_H

#include <kernel/types.h>
#include <arch/mmu.h>

typedef uint32_t pde_t;
typedef uint32_t pte_t;

/*
 * The entry for linear address la, of the page table that `pgdir` names for
 * it. A missing table is made (zeroed, with GFP_ATOMIC) if `create` is set and
 * la is in the user part; the kernel part's tables are all made in advance.
 * NULL: no table, no memory for one, or a large page.
 */
pte_t *get_pte(pde_t *pgdir, uintptr_t la, bool create);

#endif /* X86_32_MMU_H */
