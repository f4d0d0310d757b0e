/*
 * Host: RAM is an arena, mapped once at a fixed address. mmu.c has the picture.
 */
#ifndef PORT_MMU_H
#define PORT_MMU_H

#include <port/layout.h>

#define PAGE_SHIFT 12
#define ARCH_USER_END HOST_USER_END

struct arch_space {
	phys_t root; /* physical address of the topmost page table */
};

PORT_INLINE void *
arch_phys_to_virt(phys_t pa)
{
	return (void *)(pa.addr + HOST_RAM_BASE);
}

PORT_INLINE phys_t
arch_virt_to_phys(const void *va)
{
	return (phys_t){ (uintptr_t)va - HOST_RAM_BASE };
}

PORT_INLINE uintptr_t
arch_kstack_base(void)
{
	return HOST_KSTACK_BASE;
}

#endif /* PORT_MMU_H */
