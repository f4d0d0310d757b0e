/*
 * Address spaces.
 *
 * PROBLEM. Core maps pages at virtual addresses: stacks into slots with a guard
 * below, later the pages of processes. The process that we are has a real
 * address space, but Linux's, slow to change (a system call) and short of pieces
 * (65,530 mappings).
 *
 * MODEL. Page tables are our own and lie in RAM like on any machine: four levels
 * of 512 entries, each table one page, an entry the physical address of the
 * next table or page with flags in its low bits:
 *
 *	address:  | 9 bits | 9 bits | 9 bits | 9 bits | 12 bits |
 *	           root -> table -> table -> table -> page
 *
 * Only software walks them. The one part that the processor must see as well are the
 * kernel stacks: for their addresses each change of the tables is repeated
 * with mmap(), of the same pages of the file that is our RAM:
 *
 *	slot i:  | guard: PROT_NONE            | stack: pages of the file |
 *	         ^ base + i * ARCH_KSTACK_SLOT                            ^ its end
 *
 * A stack whose pages are contiguous is one mapping, so a thread costs two of
 * Linux's pieces, and 16,384 threads fit.
 *
 * WHOSE TABLES. Addresses below HOST_USER_END are looked up in the space's own
 * tables, all others in the kernel's: so the kernel part of every space is the
 * kernel's, without a copy. The direct map is known by arithmetic and in no
 * table; the program's own text and data are Linux's business and not mapped as
 * far as these tables go.
 *
 * INVARIANTS. An entry that is not 0 is present. The tables of all stack slots
 * are there from arch_mmu_init() on. An entry that is present may get MAP_ACCESSED and
 * MAP_DIRTY from any virtual CPU at any moment (host_walk), so it is changed by an
 * exchange.
 *
 * WHO WALKS. Virtual CPUs do, for user addresses, through a TLB each: tlb.c. What
 * Linux maps is true at once for all of them: Linux flushes the real TLBs.
 *
 * LOCKING. The caller's, per space. Failure: -E_NO_MEM, from our own RAM for a
 * table or from Linux for a mapping; then nothing has changed, but tables that
 * were made stay.
 *
 * TO CHANGE what an address means: table_of_root() and host_map().
 */
#include "host.h"
#include <kernel/error.h>
#include <kernel/page.h>
#include <kernel/panic.h>
#include <sys/mman.h>

typedef uint64_t entry_t;

#define LEVELS 4
#define INDEX_BITS 9
#define NR_ENTRIES ((size_t)1 << INDEX_BITS)
#define LEAF_BYTES (NR_ENTRIES * PAGE_SIZE) /* what one lowest table maps */

BUILD_ASSERT(NR_ENTRIES * sizeof(entry_t) == (size_t)1 << PAGE_SHIFT);

/* The low bits of an entry: enum map_flags, and this. */
#define ENTRY_PRESENT ((entry_t)1 << 8)
#define ENTRY_FLAGS (PAGE_SIZE - 1)
#define MAP_FLAGS_ASKED                                                        \
	(MAP_READ | MAP_WRITE | MAP_EXEC | MAP_USER | MAP_DEVICE)
#define MAP_FLAGS_ALL (MAP_FLAGS_ASKED | MAP_ACCESSED | MAP_DIRTY)

static phys_t kernel_root;
static size_t nr_slots;

/* Nothing here is reached through registers in memory. */
uintptr_t
arch_device_window(size_t *nr_pages)
{
	*nr_pages = 0;
	return 0;
}

/* -- walking ---------------------------------------------------------------- */

static entry_t *
table_of_root(const struct arch_space *space, uintptr_t va)
{
	return arch_phys_to_virt(va < HOST_USER_END ? space->root
						    : kernel_root);
}

static entry_t *
table_of_entry(entry_t entry)
{
	return arch_phys_to_virt((phys_t){ entry & ~ENTRY_FLAGS });
}

static size_t
entry_index(uintptr_t va, unsigned level)
{
	return va >> (PAGE_SHIFT + level * INDEX_BITS) & (NR_ENTRIES - 1);
}

/* A zeroed page for a table, as an entry that points to it; 0: no memory. */
static entry_t
table_create(void)
{
	struct page *page = alloc_page(GFP_ATOMIC | __GFP_ZERO);

	return page == NULL ? 0 : page_to_phys(page).addr | ENTRY_PRESENT;
}

/* The entry for the page at va, whose table is made if it is missing. NULL: there is
 * no memory for a table. */
static entry_t *
entry_make(const struct arch_space *space, uintptr_t va)
{
	entry_t *table = table_of_root(space, va);

	for (unsigned level = LEVELS - 1; level > 0; level--) {
		entry_t *entry = &table[entry_index(va, level)];

		if (*entry == 0)
			atomic_store(entry, table_create());
		if (*entry == 0)
			return NULL;
		table = table_of_entry(*entry);
	}
	return &table[entry_index(va, 0)];
}

/* The entry for the page at va, and in *span the bytes that it maps; NULL if a table
 * is missing, *span is then how much that table and all below it would map. */
static entry_t *
entry_find(const struct arch_space *space, uintptr_t va, size_t *span)
{
	entry_t *table = table_of_root(space, va);

	for (unsigned level = LEVELS - 1; level > 0; level--) {
		entry_t entry = atomic_load(&table[entry_index(va, level)]);

		*span = PAGE_SIZE << level * INDEX_BITS;
		if (entry == 0)
			return NULL;
		table = table_of_entry(entry);
	}
	*span = PAGE_SIZE;
	return &table[entry_index(va, 0)];
}

/* The entry for a page in [*va, end), the lowest that is present, and the page in
 * *va; NULL: there is none. */
static entry_t *
next_present(const struct arch_space *space, uintptr_t *va, uintptr_t end)
{
	while (*va < end) {
		size_t span;
		entry_t *entry = entry_find(space, *va, &span);

		if (entry != NULL && atomic_load_relaxed(entry) != 0)
			return entry;
		*va = ALIGN_DOWN(*va, span) + span;
	}
	return NULL;
}

static entry_t
entry_for(phys_t pa, unsigned flags)
{
	return pa.addr | (flags & MAP_FLAGS_ASKED) | ENTRY_PRESENT;
}

static struct mapping
mapping_of(entry_t entry)
{
	return (struct mapping){ .pa = { entry & ~ENTRY_FLAGS },
				 .flags = entry & MAP_FLAGS_ALL };
}

unsigned
host_walk(const struct arch_space *space, uintptr_t va, unsigned need,
	  phys_t *pa)
{
	unsigned marks = MAP_ACCESSED | (need & MAP_WRITE ? MAP_DIRTY : 0);
	size_t span;
	entry_t *entry = entry_find(space, va, &span), old, marked;

	if (entry == NULL)
		return 0;
	/* Who gets there by the entry sees what the page held when it was mapped. */
	old = atomic_load(entry);
	do {
		marked = old | marks;
		if ((old & need) != need)
			return 0;
	} while (marked != old &&
		 !atomic_compare_exchange(entry, &old, marked));
	*pa = mapping_of(marked).pa;
	return mapping_of(marked).flags;
}

/* -- the part that the processor sees ------------------------------------------ */

bool
host_is_kstack(uintptr_t va)
{
	return va >= HOST_KSTACK_BASE &&
	       va < HOST_KSTACK_BASE + nr_slots * ARCH_KSTACK_SLOT;
}

static bool
in_direct_map(uintptr_t va)
{
	return va >= HOST_RAM_BASE && va < HOST_RAM_BASE + host_ram_bytes;
}

static int
linux_flags(unsigned flags)
{
	return (flags & MAP_WRITE) ? PROT_READ | PROT_WRITE : PROT_READ;
}

/* Linux maps nr pages of our RAM at va. */
static int
host_map(uintptr_t va, phys_t pa, size_t nr, unsigned flags)
{
	irq_state_t irqs = arch_irq_save();
	void *at = mmap((void *)va, nr * PAGE_SIZE, linux_flags(flags),
			MAP_SHARED | MAP_FIXED, host_ram_fd, (off_t)pa.addr);

	arch_irq_restore(irqs);
	return at == MAP_FAILED ? -E_NO_MEM : 0;
}

/* Linux maps nothing there; the range stays ours. */
static int
host_reserve(uintptr_t va, size_t bytes, int fixed)
{
	irq_state_t irqs = arch_irq_save();
	void *at = mmap((void *)va, bytes, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | fixed, -1,
			0);

	arch_irq_restore(irqs);
	return at == (void *)va ? 0 : -E_NO_MEM;
}

/* Linux refuses only for lack of memory: then a stray pointer may still write. */
static void
host_protect(uintptr_t va, unsigned flags)
{
	irq_state_t irqs = arch_irq_save();

	(void)mprotect((void *)va, PAGE_SIZE, linux_flags(flags));
	arch_irq_restore(irqs);
}

int
arch_mmu_init(struct arch_space *kernel, size_t nr_kstacks)
{
	size_t bytes = nr_kstacks * ARCH_KSTACK_SLOT;
	entry_t root = table_create();

	if (root == 0)
		return -E_NO_MEM;
	kernel_root = (phys_t){ root & ~ENTRY_FLAGS };
	kernel->root = kernel_root;
	if (nr_slots > 0)
		munmap((void *)HOST_KSTACK_BASE, nr_slots * ARCH_KSTACK_SLOT);
	nr_slots = 0;
	if (host_reserve(HOST_KSTACK_BASE, bytes, MAP_FIXED_NOREPLACE) != 0)
		return -E_NO_MEM;
	nr_slots = nr_kstacks;
	for (size_t done = 0; done < bytes; done += LEAF_BYTES)
		if (entry_make(kernel, HOST_KSTACK_BASE + done) == NULL)
			return -E_NO_MEM;
	return 0;
}

/* -- mapping ---------------------------------------------------------------- */

int
arch_map(struct arch_space *space, uintptr_t va, phys_t pa, unsigned flags,
	 struct mapping *old)
{
	entry_t *entry = entry_make(space, va);

	assert(!in_direct_map(va));
	if (entry == NULL ||
	    (host_is_kstack(va) && host_map(va, pa, 1, flags) != 0))
		return -E_NO_MEM;
	*old = mapping_of(atomic_exchange(entry, entry_for(pa, flags)));
	return 0;
}

int
arch_map_range(struct arch_space *space, uintptr_t va, phys_t pa, size_t nr,
	       unsigned flags)
{
	assert(!in_direct_map(va));
	for (size_t i = 0; i < nr; i++)
		if (entry_make(space, va + i * PAGE_SIZE) == NULL)
			return -E_NO_MEM;
	if (host_is_kstack(va) && host_map(va, pa, nr, flags) != 0)
		return -E_NO_MEM;
	for (size_t i = 0; i < nr; i++) {
		entry_t *entry = entry_make(space, va + i * PAGE_SIZE);

		debug_assert(*entry == 0);
		atomic_store(entry, entry_for(pa, flags));
		pa.addr += PAGE_SIZE;
	}
	return 0;
}

uintptr_t
arch_unmap(struct arch_space *space, uintptr_t va, uintptr_t end,
	   struct mapping *old)
{
	entry_t *entry = next_present(space, &va, end);

	if (entry == NULL)
		return end;
	*old = mapping_of(atomic_exchange(entry, (entry_t)0));
	/* Linux refuses only for lack of memory; then the page stays visible
	 * to a stray pointer, and what is mapped there next replaces it. */
	if (host_is_kstack(va))
		(void)host_reserve(va, PAGE_SIZE, MAP_FIXED);
	return va;
}

void
arch_unmap_range(struct arch_space *space, uintptr_t va, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		size_t span;
		entry_t *entry = entry_find(space, va + i * PAGE_SIZE, &span);

		assert(entry != NULL);
		atomic_store(entry, (entry_t)0);
	}
	if (host_is_kstack(va))
		(void)host_reserve(va, nr * PAGE_SIZE, MAP_FIXED);
}

size_t
arch_protect(struct arch_space *space, uintptr_t va, uintptr_t end,
	     unsigned flags)
{
	entry_t *entry;
	size_t nr = 0;

	while ((entry = next_present(space, &va, end)) != NULL) {
		entry_t old = atomic_load_relaxed(entry), marks;

		do
			marks = old & (MAP_ACCESSED | MAP_DIRTY);
		while (!atomic_compare_exchange(
			entry, &old,
			entry_for(mapping_of(old).pa, flags) | marks));
		if (host_is_kstack(va))
			host_protect(va, flags);
		va += PAGE_SIZE;
		nr++;
	}
	return nr;
}

unsigned
arch_harvest(struct arch_space *space, uintptr_t va, unsigned bits)
{
	size_t span;
	entry_t *entry = entry_find(space, va, &span);

	bits &= MAP_ACCESSED | MAP_DIRTY;
	if (entry == NULL || atomic_load_relaxed(entry) == 0)
		return 0;
	return atomic_and(entry, ~(entry_t)bits) & bits;
}

unsigned
arch_query(const struct arch_space *space, uintptr_t va, phys_t *pa)
{
	size_t span;
	entry_t *entry;
	struct mapping mapping;

	if (in_direct_map(va)) {
		if (pa != NULL)
			*pa = arch_virt_to_phys((void *)va);
		return MAP_READ | MAP_WRITE | MAP_ACCESSED | MAP_DIRTY;
	}
	entry = entry_find(space, va, &span);
	if (entry == NULL)
		return 0;
	mapping = mapping_of(atomic_load_relaxed(entry));
	if (mapping.flags != 0 && pa != NULL)
		*pa = (phys_t){ mapping.pa.addr + va % PAGE_SIZE };
	return mapping.flags;
}

/* -- spaces ------------------------------------------------------------------ */

int
arch_space_create(struct arch_space *space)
{
	entry_t root = table_create();

	if (root == 0)
		return -E_NO_MEM;
	space->root = (phys_t){ root & ~ENTRY_FLAGS };
	return 0;
}

static void
table_destroy(phys_t table, unsigned level)
{
	entry_t *entries = arch_phys_to_virt(table);

	for (size_t i = 0; level > 0 && i < NR_ENTRIES; i++)
		if (entries[i] != 0)
			table_destroy((phys_t){ entries[i] & ~ENTRY_FLAGS },
				      level - 1);
	free_page(phys_to_page(table));
}

void
arch_space_destroy(struct arch_space *space)
{
	table_destroy(space->root, LEVELS - 1);
	space->root = (phys_t){ 0 };
}
