/*
 * The null port's address space: only what core may look at.
 */
#ifndef PORT_MMU_H
#define PORT_MMU_H

#include <kernel/types.h>

#define PAGE_SHIFT 12
#define ARCH_USER_END 0x80000000u

struct arch_space {
	phys_t root;
};

#endif /* PORT_MMU_H */
