/*
 * i386: two-level page tables, without PAE. mmu.c has the picture.
 */
#ifndef PORT_MMU_H
#define PORT_MMU_H

#define PAGE_SHIFT 12

/* Where the kernel's quarter begins: physical address 0 is mapped here. */
#define KERNBASE 0xC0000000u
#define ARCH_USER_END KERNBASE

struct arch_space {
	phys_t root; /* physical address of the page directory: cr3 */
};

PORT_INLINE void *
arch_phys_to_virt(phys_t pa)
{
	return (void *)(pa.addr + KERNBASE);
}

PORT_INLINE phys_t
arch_virt_to_phys(const void *va)
{
	return (phys_t){ (uintptr_t)va - KERNBASE };
}

/* The kernel's mappings are global: they stay. */
PORT_INLINE void
arch_space_activate(const struct arch_space *space)
{
	__asm__ volatile("movl %0, %%cr3" : : "r"(space->root.addr) : "memory");
}

#endif /* PORT_MMU_H */
