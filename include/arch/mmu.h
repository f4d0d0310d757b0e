/*
 * Port contract: address spaces, translation caches, and the direct map.
 *
 * A port edits page tables, and makes the CPU that calls forget what it remembers
 * of them. It does not decide who has to forget what: no function that changes a
 * table flushes anything, here or elsewhere; each one reports what it replaced, and
 * core knows which CPUs may remember it (core/vm/tlb.c).
 *
 * WHAT A CPU REMEMBERS. The copy of table entries that a CPU keeps is its TLB. Core
 * relies on four rules, which a port that walks tables in software obeys as well:
 *   1. A CPU may use any mapping of the kernel's space, and any of the space that
 *	it has loaded, from the moment it is in the tables until arch_tlb_flush_*
 *	after it was changed there. Whether it does is a matter of luck.
 *   2. A CPU never remembers that nothing is mapped. A new mapping where there was
 *	none needs no flush.
 *   3. Loading a space (arch_space_activate) forgets every user mapping.
 *   4. A CPU marks an entry accessed or dirty in the table itself, in one atomic
 *	step, and only while the entry is present. It remembers that it has done so:
 *	a mark that was cleared comes again for certain only after a flush.
 *
 * `va` and `end` are multiples of PAGE_SIZE unless it is said otherwise. User
 * addresses are those below ARCH_USER_END.
 *
 * <port/mmu.h>, included at the end, gives PAGE_SHIFT, ARCH_USER_END and struct
 * arch_space, and may define any function again as PORT_INLINE.
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
	MAP_ACCESSED = 1 << 4, /* only reported */
	MAP_DIRTY = 1 << 5,    /* only reported */
	MAP_DEVICE = 1 << 6,   /* a device's registers: never cached */
};

/* One entry of the tables. */
struct mapping {
	phys_t pa;
	unsigned flags; /* enum map_flags; 0: nothing is mapped */
};

/* Direct map: kernel address of RAM that boot_info calls BOOT_RAM, and back. */
void *arch_phys_to_virt(phys_t pa);
phys_t arch_virt_to_phys(const void *va);

/* -- spaces ---------------------------------------------------------------------- */

/*
 * Makes the kernel's own address space final: text read-only, NULL unmapped,
 * page tables of the `nr_kstacks` stack slots made in advance, so that
 * mapping a stack never allocates. Fills in *kernel, which the port remembers.
 * Called once, physical pages working, interrupts off. 0 or -E_NO_MEM.
 */
int arch_mmu_init(struct arch_space *kernel, size_t nr_kstacks) __must_check;

/* Lowest address of the stack slots; slot i is ARCH_KSTACK_SLOT bytes at
 * base + i * ARCH_KSTACK_SLOT, its stack in the upper end, guard below. */
uintptr_t arch_kstack_base(void);

/* Lowest of the kernel addresses that are set aside for devices' registers, and in
 * *nr_pages how many pages there are. Their tables exist. 0 pages: the port has no
 * device that is reached through memory. */
uintptr_t arch_device_window(size_t *nr_pages);

/* An empty space whose kernel part is the kernel's. 0 or -E_NO_MEM. May sleep. */
int arch_space_create(struct arch_space *space) __must_check;

/* Frees all page tables of a space that nothing is mapped in, and that no CPU has
 * loaded. Any context. */
void arch_space_destroy(struct arch_space *space);

/* This CPU translates user addresses by these tables from now on, and has forgotten
 * all user mappings. Interrupts off. */
void arch_space_activate(const struct arch_space *space);

/* -- tables ----------------------------------------------------------------------
 *
 * The caller's lock serialises changes to one space. All of these may be called in
 * any context; those that may need a page table allocate it with GFP_ATOMIC.
 */

/* Maps the page at va to pa. *old is what was mapped there. 0; or -E_NO_MEM for a
 * page table, then nothing has changed and *old is undefined. */
int arch_map(struct arch_space *space, uintptr_t va, phys_t pa, unsigned flags,
	     struct mapping *old) __must_check;

/* Maps nr pages, physically contiguous from pa, at va, where nothing is mapped: all
 * of them, or none and -E_NO_MEM. */
int arch_map_range(struct arch_space *space, uintptr_t va, phys_t pa, size_t nr,
		   unsigned flags) __must_check;

/* Removes the lowest mapping in [va, end). Its address is returned and *old is what
 * was mapped; if there was none, `end`. Missing tables are skipped as a whole. */
uintptr_t arch_unmap(struct arch_space *space, uintptr_t va, uintptr_t end,
		     struct mapping *old);

/* Removes nr mappings that one call of arch_map_range made, in one step. */
void arch_unmap_range(struct arch_space *space, uintptr_t va, size_t nr);

/* Gives all mappings in [va, end) these flags, but for MAP_ACCESSED and MAP_DIRTY,
 * which stay as they are. Returns how many mappings there were. */
size_t arch_protect(struct arch_space *space, uintptr_t va, uintptr_t end,
		    unsigned flags);

/* Clears those of MAP_ACCESSED and MAP_DIRTY that `bits` names in the mapping at va,
 * and returns which of them were set. 0 if nothing is mapped there. */
unsigned arch_harvest(struct arch_space *space, uintptr_t va, unsigned bits);

/* enum map_flags of the mapping at va, which need not be aligned, and the address
 * that it leads to in *pa (may be NULL); 0: not mapped. Takes no lock: the answer
 * is one that was right during the call. */
unsigned arch_query(const struct arch_space *space, uintptr_t va, phys_t *pa);

/* -- what this CPU remembers --------------------------------------------------------
 *
 * Interrupts off, so that it is clear which CPU that is.
 */

/* Forgets nr pages from va on: user addresses of the loaded space, or the kernel's. */
void arch_tlb_flush_range(uintptr_t va, size_t nr);

/* Forgets all user mappings. */
void arch_tlb_flush_user(void);

/* Forgets all mappings. */
void arch_tlb_flush_all(void);

#include <port/mmu.h>

#endif /* ARCH_MMU_H */
