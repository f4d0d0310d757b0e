/*
 * Port contract: address spaces and the direct map.
 *
 * <port/mmu.h>, included at the end, gives PAGE_SHIFT, struct arch_space (its
 * member `root` is a phys_t: cr3 of a process), and may define any function
 * again as PORT_INLINE.
 */
#ifndef ARCH_MMU_H
#define ARCH_MMU_H

#include <kernel/types.h>
#include <arch/cpu.h>

struct arch_space;

#define PAGE_SIZE ((size_t)1 << PAGE_SHIFT)

/* What may be done to a mapped page. Kernel mappings never have MAP_USER. */
enum map_flags {
	MAP_READ = 1 << 0,
	MAP_WRITE = 1 << 1,
	MAP_EXEC = 1 << 2,
	MAP_USER = 1 << 3,
	MAP_ACCESSED = 1 << 4, /* only reported, by arch_query */
	MAP_DIRTY = 1 << 5,    /* only reported, by arch_query */
};

/* Direct map: kernel address of RAM that boot_info calls BOOT_RAM, and back. */
void *arch_phys_to_virt(phys_t pa);
phys_t arch_virt_to_phys(const void *va);

/*
 * Makes the kernel's own address space final: text read-only, NULL unmapped,
 * page tables of the `nr_kstacks` stack slots made in advance, so that
 * mapping a stack never allocates. Called once, physical pages working,
 * interrupts off. Returns 0 or -E_NO_MEM.
 */
int arch_mmu_init(size_t nr_kstacks) __must_check;

/* The kernel's address space: boot_cr3 is its root. */
struct arch_space *arch_kernel_space(void);

/* Lowest address of the stack slots; slot i is ARCH_KSTACK_SLOT bytes at
 * base + i * ARCH_KSTACK_SLOT, its stack in the upper end, guard below. */
uintptr_t arch_kstack_base(void);

/* An empty space whose kernel part is the kernel's. 0 or -E_NO_MEM. May sleep. */
int arch_space_create(struct arch_space *space) __must_check;

/* Frees the page tables; user pages must have been unmapped before. */
void arch_space_destroy(struct arch_space *space);

/* Loads the page tables with this root. Interrupts off; the caller skips the
 * call when they are loaded already. */
void arch_space_activate(phys_t root);

/*
 * Maps the page at va to pa; an older mapping there is replaced and every TLB
 * that may hold it is flushed. 0 or -E_NO_MEM (a page table was needed).
 * The caller's lock serialises changes to one space; any context that may
 * allocate with GFP_ATOMIC.
 */
int arch_map(struct arch_space *space, uintptr_t va, phys_t pa, unsigned flags)
	__must_check;

/* Maps nr pages, physically contiguous from pa, at va, all or nothing. */
int arch_map_range(struct arch_space *space, uintptr_t va, phys_t pa, size_t nr,
		   unsigned flags) __must_check;

/* Removes nr mappings from va on (those that exist), flushing the TLBs. */
void arch_unmap_range(struct arch_space *space, uintptr_t va, size_t nr);

/* enum map_flags of the mapping at va and its address in *pa (may be NULL);
 * 0: not mapped. */
unsigned arch_query(struct arch_space *space, uintptr_t va, phys_t *pa);

#include <port/mmu.h>

#endif /* ARCH_MMU_H */
