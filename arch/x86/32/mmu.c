/*
 * i386 page tables: the kernel's address space, and everybody else's.
 *
 * Two levels, no PAE: a page directory of 1,024 entries (PDE) for 4 MiB each,
 * which either map a large page or name a page table of 1,024 entries (PTE)
 * for 4 KiB each. The kernel owns the upper quarter:
 *
 *   0x00000000  user space (nothing in the kernel's own space)
 *   0xC0000000  direct map: physical 0 and up, at most 704 MiB
 *               first 4 MiB in small pages, for the image has permissions:
 *                   .boot .text  read, execute
 *                   .rodata      read
 *                   boot stack's guard: not mapped
 *                   the rest     read, write
 *               then large pages, as far as there is RAM
 *   0xEC000000  kernel stack slots, 16,384 of 16 KiB: guard below, stack above
 *   0xFC000000  window: mmu_peek() looks at firmware tables beyond the
 *               direct map
 *   0xFC400000  registers of devices, 4 MiB, never cached: arch_device_window()
 *   0xFC800000  free
 *
 * Invariants
 *   - All PDEs of the kernel's quarter are made before the second address
 *     space exists and never change, so arch_space_create() copies them and
 *     nothing has to be spread later. Hence the stack slots' page tables are
 *     made in advance, and mapping a stack never allocates.
 *   - The image is mapped once: the direct map is the same mapping. So no other
 *     one makes text writable. i386 without PAE cannot forbid execution: W^X
 *     holds for code of ours, not for data. What was asked for is kept in a
 *     PTE bit that the CPU ignores, so that arch_query() tells it.
 *   - Kernel mappings are global (they survive a load of cr3) and never
 *     have the user bit, in PDE or PTE.
 *   - Address 0 is not mapped, nor any of the user part, from
 *     mmu_init_early() on.
 *
 * TLB. Nothing here flushes on its own behalf: core says when (<arch/mmu.h>). One
 * page is forgotten by invlpg, all user pages by loading cr3 again, and really all,
 * global ones included, by turning CR4.PGE off and on. An entry that is present may
 * get its A and D bits from any CPU at any moment, hence it is changed by an
 * exchange, and its bits are cleared by an atomic and.
 *
 * Locking: the caller serialises changes to one space. The kernel's own stacks
 * are below the stack slots' lock; the window belongs to boot and to the
 * end (one CPU, interrupts off).
 *
 * Cost: map, unmap, query: two loads and a store each; no allocation in the
 * kernel's quarter.
 *
 * Failure: -E_NO_MEM when a page table of the user part cannot be had.
 */
#include <kernel/error.h>
#include <kernel/page.h>
#include <kernel/panic.h>
#include <kernel/string.h>
#include "desc.h"
#include "mmu.h"
#include "../x86.h"

#define PDE_SHIFT 22
#define LARGE_PAGE_SIZE (1u << PDE_SHIFT)
#define TABLE_ENTRIES 1024u
#define PDX(la) ((la) >> PDE_SHIFT)
#define PTX(la) (((la) >> PAGE_SHIFT) & (TABLE_ENTRIES - 1))
#define PTE_ADDRESS(entry) ((entry) & ~(uint32_t)(PAGE_SIZE - 1))

/* In a bit that the CPU leaves to us: meant to be executed. */
#define PTE_X 0x200u

#define KERNEL_PDE (KERNBASE >> PDE_SHIFT)
#define KSTACK_BASE (KERNBASE + DIRECT_MAP_MIB * 1024u * 1024u)
#define KSTACK_AREA_SIZE 0x10000000u
#define WINDOW_BASE (KSTACK_BASE + KSTACK_AREA_SIZE)
#define DEVICE_BASE (WINDOW_BASE + LARGE_PAGE_SIZE)
#define NR_KSTACKS_MAX (KSTACK_AREA_SIZE / ARCH_KSTACK_SLOT)

#define __page_table                                                           \
	__attribute__((section(".bss.page_aligned"), aligned(4096)))

/* boot.S made it and filled in the direct map. */
extern pde_t boot_pgdir[TABLE_ENTRIES];
static __page_table pte_t image_table[TABLE_ENTRIES];
static __page_table pte_t window_table[TABLE_ENTRIES];
static __page_table pte_t device_table[TABLE_ENTRIES];

/* Physical end of what is directly mapped. */
static uint32_t direct_map_end = DIRECT_MAP_MIB * 1024u * 1024u;

uintptr_t
arch_kstack_base(void)
{
	return KSTACK_BASE;
}

uintptr_t
arch_device_window(size_t *nr_pages)
{
	*nr_pages = TABLE_ENTRIES;
	return DEVICE_BASE;
}

static pde_t *
space_pgdir(const struct arch_space *space)
{
	return arch_phys_to_virt(space->root);
}

static void
invlpg(uintptr_t la)
{
	__asm__ volatile("invlpg (%0)" : : "r"(la) : "memory");
}

void
arch_tlb_flush_range(uintptr_t va, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		invlpg(va + i * PAGE_SIZE);
}

void
arch_tlb_flush_user(void)
{
	__asm__ volatile("movl %0, %%cr3" : : "r"(read_cr3()) : "memory");
}

/* Global entries survive a load of cr3, but not PGE going off. */
void
arch_tlb_flush_all(void)
{
	uintptr_t cr4;

	__asm__ volatile("movl %%cr4, %0\n\t"
			 "andl %1, %0\n\t"
			 "movl %0, %%cr4\n\t"
			 "orl %2, %0\n\t"
			 "movl %0, %%cr4"
			 : "=&r"(cr4)
			 : "i"(~CR4_PGE), "i"(CR4_PGE)
			 : "memory");
}

pte_t *
get_pte(pde_t *pgdir, uintptr_t la, bool create)
{
	pde_t *pde = &pgdir[PDX(la)];
	struct page *table;

	if (unlikely(!(*pde & PTE_P))) {
		if (!create || la >= KERNBASE)
			return NULL;
		table = alloc_page(GFP_ATOMIC | __GFP_ZERO);
		if (!table)
			return NULL;
		*pde = page_to_phys(table).addr | PTE_P | PTE_W | PTE_U;
	} else if (unlikely(*pde & PTE_PS)) {
		return NULL;
	}
	return (pte_t *)arch_phys_to_virt((phys_t){ PTE_ADDRESS(*pde) }) +
	       PTX(la);
}

static pte_t
pte_bits(uintptr_t la, unsigned flags)
{
	pte_t bits = PTE_P;

	if (flags & MAP_WRITE)
		bits |= PTE_W;
	if (flags & MAP_EXEC)
		bits |= PTE_X;
	if (la >= KERNBASE)
		bits |= PTE_G;
	else if (flags & MAP_USER)
		bits |= PTE_U;
	if (flags & MAP_DEVICE)
		bits |= PTE_PCD | PTE_PWT;
	return bits;
}

/* enum map_flags of an entry of either level. */
static unsigned
entry_flags(uint32_t entry)
{
	unsigned flags = MAP_READ;

	if (!(entry & PTE_P))
		return 0;
	if (entry & PTE_W)
		flags |= MAP_WRITE;
	if (entry & PTE_U)
		flags |= MAP_USER;
	if (entry & PTE_X)
		flags |= MAP_EXEC;
	if (entry & PTE_A)
		flags |= MAP_ACCESSED;
	if (entry & PTE_D)
		flags |= MAP_DIRTY;
	if (entry & PTE_PCD)
		flags |= MAP_DEVICE;
	return flags;
}

/* The first address that the page table of la does not map. */
static uintptr_t
next_table(uintptr_t la)
{
	return ALIGN_DOWN(la, LARGE_PAGE_SIZE) + LARGE_PAGE_SIZE;
}

/* The entry for a page in [la, end), the lowest one that is present, and the page in
 * *la; NULL: there is none. (`end` is below the uppermost 4 MiB: no overflow.) */
static pte_t *
next_present(pde_t *pgdir, uintptr_t *la, uintptr_t end)
{
	while (*la < end) {
		pte_t *pte = get_pte(pgdir, *la, false);

		if (pte && (atomic_load_relaxed(pte) & PTE_P))
			return pte;
		*la = pte ? *la + PAGE_SIZE : next_table(*la);
	}
	return NULL;
}

int
arch_map(struct arch_space *space, uintptr_t va, phys_t pa, unsigned flags,
	 struct mapping *old)
{
	pte_t *pte = get_pte(space_pgdir(space), va, true);
	pte_t before;

	assert(va < KERNBASE || !(flags & MAP_USER));
	if (!pte) {
		assert(va < KERNBASE);
		return -E_NO_MEM;
	}
	before = atomic_exchange(pte, pa.addr | pte_bits(va, flags));
	old->pa.addr = PTE_ADDRESS(before);
	old->flags = entry_flags(before);
	return 0;
}

int
arch_map_range(struct arch_space *space, uintptr_t va, phys_t pa, size_t nr,
	       unsigned flags)
{
	pde_t *pgdir = space_pgdir(space);
	uintptr_t end = va + nr * PAGE_SIZE;
	pte_t bits = pte_bits(va, flags);
	pte_t *pte = NULL;

	/* All tables first, so that nothing is mapped when one is missing. */
	for (uintptr_t la = va; la < end; la = next_table(la))
		if (!get_pte(pgdir, la, true)) {
			assert(la < KERNBASE);
			return -E_NO_MEM;
		}
	for (size_t i = 0; i < nr; i++, pte++) {
		uintptr_t la = va + i * PAGE_SIZE;

		if (i == 0 || PTX(la) == 0) {
			pte = get_pte(pgdir, la, false);
			assert(pte != NULL);
		}
		debug_assert(!(*pte & PTE_P));
		atomic_store_relaxed(pte, (pa.addr + i * PAGE_SIZE) | bits);
	}
	return 0;
}

uintptr_t
arch_unmap(struct arch_space *space, uintptr_t va, uintptr_t end,
	   struct mapping *old)
{
	pte_t *pte = next_present(space_pgdir(space), &va, end);
	pte_t before;

	if (!pte)
		return end;
	before = atomic_exchange(pte, 0);
	old->pa.addr = PTE_ADDRESS(before);
	old->flags = entry_flags(before);
	return va;
}

void
arch_unmap_range(struct arch_space *space, uintptr_t va, size_t nr)
{
	pde_t *pgdir = space_pgdir(space);

	for (uintptr_t end = va + nr * PAGE_SIZE; va < end; va += PAGE_SIZE) {
		pte_t *pte = get_pte(pgdir, va, false);

		assert(pte != NULL);
		atomic_store_relaxed(pte, 0u);
	}
}

size_t
arch_protect(struct arch_space *space, uintptr_t va, uintptr_t end,
	     unsigned flags)
{
	pte_t bits = pte_bits(va, flags);
	pte_t *pte;
	size_t nr = 0;

	while ((pte = next_present(space_pgdir(space), &va, end)) != NULL) {
		pte_t before = atomic_load_relaxed(pte), after;

		do
			after = PTE_ADDRESS(before) | bits |
				(before & (PTE_A | PTE_D));
		while (!atomic_compare_exchange(pte, &before, after));
		va += PAGE_SIZE;
		nr++;
	}
	return nr;
}

unsigned
arch_harvest(struct arch_space *space, uintptr_t va, unsigned bits)
{
	pte_t *pte = get_pte(space_pgdir(space), va, false);
	pte_t clear = 0;

	if (!pte || !(atomic_load_relaxed(pte) & PTE_P))
		return 0;
	if (bits & MAP_ACCESSED)
		clear |= PTE_A;
	if (bits & MAP_DIRTY)
		clear |= PTE_D;
	return entry_flags(atomic_and(pte, ~clear)) & bits &
	       (MAP_ACCESSED | MAP_DIRTY);
}

/* The entry that maps la, of either level; 0 if there is none. */
static uint32_t
lookup(const struct arch_space *space, uintptr_t la, phys_t *pa)
{
	pde_t pde = space_pgdir(space)[PDX(la)];
	pte_t *pte, entry;

	if ((pde & PTE_P) && (pde & PTE_PS)) {
		pa->addr = (pde & ~(LARGE_PAGE_SIZE - 1)) |
			   (la & (LARGE_PAGE_SIZE - 1));
		return pde;
	}
	pte = get_pte(space_pgdir(space), la, false);
	entry = pte ? atomic_load_relaxed(pte) : 0;
	pa->addr = PTE_ADDRESS(entry) | (la & (PAGE_SIZE - 1));
	return entry;
}

unsigned
arch_query(const struct arch_space *space, uintptr_t va, phys_t *pa)
{
	phys_t where;
	unsigned flags = entry_flags(lookup(space, va, &where));

	if (flags && pa)
		*pa = where;
	return flags;
}

int
arch_space_create(struct arch_space *space)
{
	struct page *page = alloc_page(GFP_KERNEL);
	pde_t *pgdir;

	if (!page)
		return -E_NO_MEM;
	pgdir = page_to_virt(page);
	memset(pgdir, 0, KERNEL_PDE * sizeof(*pgdir));
	memcpy(pgdir + KERNEL_PDE, boot_pgdir + KERNEL_PDE,
	       (TABLE_ENTRIES - KERNEL_PDE) * sizeof(*pgdir));
	space->root = page_to_phys(page);
	return 0;
}

void
arch_space_destroy(struct arch_space *space)
{
	pde_t *pgdir = space_pgdir(space);

	for (unsigned i = 0; i < KERNEL_PDE; i++)
		if (pgdir[i] & PTE_P)
			free_page(phys_to_page(
				(phys_t){ PTE_ADDRESS(pgdir[i]) }));
	free_page(phys_to_page(space->root));
}

/* Permissions of a page of the first 4 MiB. */
static pte_t
image_page_bits(uintptr_t va)
{
	if (va == (uintptr_t)bootstack_guard)
		return 0;
	if (va >= (uintptr_t)image_start && va < (uintptr_t)rodata_start)
		return PTE_P | PTE_G | PTE_X;
	if (va >= (uintptr_t)rodata_start && va < (uintptr_t)data_start)
		return PTE_P | PTE_G;
	return PTE_P | PTE_G | PTE_W;
}

void
mmu_init_early(void)
{
	for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
		uintptr_t pa = i * PAGE_SIZE;
		pte_t bits = image_page_bits(KERNBASE + pa);

		image_table[i] = bits ? pa | bits : 0;
	}
	boot_pgdir[0] = 0;
	boot_pgdir[KERNEL_PDE] = arch_virt_to_phys(image_table).addr | PTE_P |
				 PTE_W;
	boot_pgdir[PDX(WINDOW_BASE)] = arch_virt_to_phys(window_table).addr |
				       PTE_P | PTE_W;
	boot_pgdir[PDX(DEVICE_BASE)] = arch_virt_to_phys(device_table).addr |
				       PTE_P | PTE_W;
	arch_tlb_flush_all();
}

void
mmu_cut_direct_map(uint32_t ram_end)
{
	uint32_t end = ALIGN_UP(ram_end, LARGE_PAGE_SIZE);

	for (uint32_t pa = end; pa < direct_map_end; pa += LARGE_PAGE_SIZE)
		boot_pgdir[PDX(KERNBASE + pa)] = 0;
	direct_map_end = MIN(direct_map_end, end);
	arch_tlb_flush_all();
}

const void *
mmu_peek(uint32_t pa, size_t size)
{
	uint32_t offset = pa & (PAGE_SIZE - 1);

	if (pa < direct_map_end && size <= direct_map_end - pa)
		return arch_phys_to_virt((phys_t){ pa });
	if (size > MMU_WINDOW_SIZE || pa + size < pa)
		return NULL;
	for (uint32_t i = 0; i * PAGE_SIZE < offset + size; i++) {
		window_table[i] = (pa - offset + i * PAGE_SIZE) | PTE_P | PTE_G;
		invlpg(WINDOW_BASE + i * PAGE_SIZE);
	}
	return (const char *)WINDOW_BASE + offset;
}

int
arch_mmu_init(struct arch_space *kernel, size_t nr_kstacks)
{
	uintptr_t end;

	assert(nr_kstacks <= NR_KSTACKS_MAX);
	kernel->root = arch_virt_to_phys(boot_pgdir);
	end = KSTACK_BASE + nr_kstacks * ARCH_KSTACK_SLOT;
	for (uintptr_t va = KSTACK_BASE; va < end; va += LARGE_PAGE_SIZE) {
		struct page *table = alloc_page(GFP_ATOMIC | __GFP_ZERO);

		if (!table)
			return -E_NO_MEM;
		boot_pgdir[PDX(va)] = page_to_phys(table).addr | PTE_P | PTE_W;
	}
	return 0;
}
