/*
 * Host: where the kernel's memory lies in the process's address space.
 *
 * The addresses are constants, so that a run can be repeated to the last
 * pointer and turning a physical address into a virtual one is one addition. They lie
 * where Linux puts nothing by itself: above what valgrind takes (from 64 GiB on),
 * below the end of what ThreadSanitizer leaves (512 GiB). AddressSanitizer wants
 * them above its shadow memory.
 *
 *	0                    user addresses, which only software walks
 *	HOST_USER_END        never mapped
 *	HOST_RAM_BASE        the arena: direct map of all RAM
 *	HOST_KSTACK_BASE     slots of kernel stacks
 */
#ifndef PORT_LAYOUT_H
#define PORT_LAYOUT_H

#if defined(__SANITIZE_ADDRESS__)
#define HOST_HIGH_LAYOUT 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HOST_HIGH_LAYOUT 1
#endif
#endif
#ifdef HOST_HIGH_LAYOUT
#define HOST_LAYOUT_BASE 0x550000000000ul
#else
#define HOST_LAYOUT_BASE 0ul
#endif

#define HOST_USER_END 0x0800000000ul /* 32 GiB */
#define HOST_RAM_MAX 0x1000000000ul  /* 64 GiB */
#define HOST_RAM_BASE (HOST_LAYOUT_BASE + 0x4000000000ul)
#define HOST_KSTACK_BASE (HOST_RAM_BASE + HOST_RAM_MAX)

#endif /* PORT_LAYOUT_H */
