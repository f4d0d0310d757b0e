/*
 * Checks of page tables: what page_insert and page_remove do, with their reference
 * counts, and what the kernel's own space must and must not allow.
 *
 * Addresses that the processor of every port really translates are those of the
 * kernel stacks' slots; the checks borrow the stacks of the last two slots,
 * which nobody has unless there are as many threads as there may be.
 */
#include <kernel/check.h>
#include <kernel/error.h>
#include <kernel/proc.h>
#include <kernel/space.h>
#include <kernel/string.h>

#include "check_kmem.h"

/* An address that is a process's on every port. */
#define USER_VA ((uintptr_t)0x01000000)

#define RW (MAP_READ | MAP_WRITE)
/* What of a mapping's flags was asked for by someone. */
#define ASKED (MAP_READ | MAP_WRITE | MAP_EXEC | MAP_USER)

/* The uppermost page of the n-th slot from the last. */
static uintptr_t
last_slot_va(size_t n)
{
	return arch_kstack_base() + (process_limit() - n) * ARCH_KSTACK_SLOT -
	       PAGE_SIZE;
}

/* -- check_pgdir ---------------------------------------------------------------- */

static void
check_insert_counts(struct space *space, struct page *page)
{
	const uintptr_t va = USER_VA, next = USER_VA + PAGE_SIZE;
	size_t nr_free;
	struct page *other;
	unsigned flags;

	EXPECT(page_lookup(space, va, &flags) == NULL);
	EXPECT_EQ(flags, 0);
	EXPECT_EQ(page_insert(space, page, va, MAP_READ | MAP_USER), 0);
	EXPECT_EQ(page_ref(page), 2);
	EXPECT(page_lookup(space, va, &flags) == page);
	EXPECT_EQ(flags & ASKED & ~MAP_EXEC, MAP_READ | MAP_USER);

	other = pgdir_alloc_page(space, next, RW | MAP_USER);
	if (!EXPECT(other != NULL))
		return;
	EXPECT_EQ(page_ref(other), 1);
	EXPECT(page_lookup(space, next, &flags) == other);
	EXPECT_EQ(flags & (RW | MAP_USER), RW | MAP_USER);
	EXPECT_EQ(*(unsigned char *)page_to_virt(other), 0);

	/* Over an older page, which goes: that was its only reference. */
	nr_free = nr_free_pages();
	EXPECT_EQ(page_insert(space, page, next, RW | MAP_USER), 0);
	EXPECT_EQ(page_ref(page), 3);
	EXPECT_EQ(nr_free_pages(), nr_free + 1);

	/* The same page again: only the flags change. */
	EXPECT_EQ(page_insert(space, page, va, RW | MAP_USER), 0);
	EXPECT_EQ(page_ref(page), 3);
	EXPECT(page_lookup(space, va, &flags) == page);
	EXPECT_EQ(flags & (RW | MAP_USER), RW | MAP_USER);

	page_remove(space, va);
	EXPECT_EQ(page_ref(page), 2);
	EXPECT_EQ(arch_query(&space->arch, va, NULL), 0);
	page_remove(space, va);
	EXPECT_EQ(page_ref(page), 2);
	page_remove(space, next);
	EXPECT_EQ(page_ref(page), 1);
	EXPECT_EQ(arch_query(&space->arch, next, NULL), 0);
}

static void
check_insert_refusals(struct space *space, struct page *page)
{
	struct space *kernel = &kernel_space;

	EXPECT_EQ(page_insert(space, page, USER_VA + 1, MAP_READ | MAP_USER),
		  -E_INVAL);
	EXPECT_EQ(page_insert(space, page, USER_VA, MAP_READ), -E_INVAL);
	EXPECT_EQ(page_insert(kernel, page, last_slot_va(0),
			      MAP_READ | MAP_USER),
		  -E_INVAL);
	EXPECT_EQ(page_ref(page), 1);
	EXPECT_EQ(arch_query(&space->arch, USER_VA, NULL), 0);
	EXPECT_EQ(arch_query(&kernel->arch, last_slot_va(0), NULL), 0);
}

/* The processor sees what the tables say, and forgets what they said before. */
static void
check_seen_by_cpu(struct page *page)
{
	struct space *kernel = &kernel_space;
	uintptr_t va = last_slot_va(0);
	volatile unsigned *through = (volatile unsigned *)va;
	struct page *other = pgdir_alloc_page(kernel, va, RW);
	phys_t pa = { 0 };

	if (!EXPECT(other != NULL))
		return;
	EXPECT_EQ(arch_query(&kernel->arch, va, &pa) & (RW | MAP_USER), RW);
	EXPECT(pa.addr == page_to_phys(other).addr);
	EXPECT_EQ(*through, 0);
	*through = 0x5eed;
	EXPECT_EQ(*(unsigned *)page_to_virt(other), 0x5eed);

	*(unsigned *)page_to_virt(page) = 0xfeed;
	EXPECT_EQ(page_insert(kernel, page, va, RW), 0);
	EXPECT_EQ(*through, 0xfeed);
	page_remove(kernel, va);
	EXPECT_EQ(arch_query(&kernel->arch, va, NULL), 0);
	EXPECT_EQ(page_ref(page), 1);
}

void
check_pgdir(void)
{
	size_t before = nr_free_pages();
	struct space space;
	struct page *page = alloc_page(GFP_KERNEL);

	if (!EXPECT(page != NULL))
		return;
	if (EXPECT_EQ(space_create(&space), 0)) {
		check_insert_counts(&space, page);
		check_insert_refusals(&space, page);
		space_destroy(&space);
	}
	if (arch_query(&kernel_space.arch, last_slot_va(0), NULL) == 0)
		check_seen_by_cpu(page);
	else
		check_skip("the last stack slot is taken");
	EXPECT_EQ(page_ref(page), 1);
	free_page(page);
	EXPECT_EQ(nr_free_pages(), before);
}

/* -- check_boot_pgdir -------------------------------------------------------------- */

static int writable_data = 1;

/* Whether the address is mapped for the kernel only, and in this way at least /
 * not at all in that. Ports whose text is not in their tables say 0. */
static void
expect_kernel_mapping(const void *address, unsigned must, unsigned must_not)
{
	unsigned flags = arch_query(&kernel_space.arch,
				    ALIGN_DOWN((uintptr_t)address, PAGE_SIZE),
				    NULL);

	if (flags == 0)
		return;
	EXPECT_EQ(flags & must, must);
	EXPECT_EQ(flags & (must_not | MAP_USER), 0);
}

/* RAM is where the direct map says. */
static void
check_direct_map(void)
{
	struct page *pages[16];
	size_t nr = 0;

	while (nr < ARRAY_SIZE(pages) &&
	       (pages[nr] = alloc_pages_gfp(GFP_KERNEL, 1 + nr)) != NULL)
		nr++;
	EXPECT(nr > 0);
	while (nr-- > 0) {
		void *va = page_to_virt(pages[nr]);
		phys_t pa = { 0 };
		unsigned flags =
			arch_query(&kernel_space.arch, (uintptr_t)va, &pa);

		EXPECT_EQ(flags & (RW | MAP_USER), RW);
		EXPECT(pa.addr == page_to_phys(pages[nr]).addr);
		EXPECT(virt_to_page(va) == pages[nr]);
		free_pages(pages[nr], 1 + nr);
	}
}

/* One page at two addresses. */
static void
check_alias(void)
{
	static const char text[] = "one page, two addresses";
	struct space *kernel = &kernel_space;
	uintptr_t here = last_slot_va(0), there = last_slot_va(1);
	struct page *page = alloc_page(GFP_KERNEL);

	if (!EXPECT(page != NULL))
		return;
	if (EXPECT_EQ(page_insert(kernel, page, here, RW), 0) &&
	    EXPECT_EQ(page_insert(kernel, page, there, RW), 0)) {
		EXPECT_EQ(page_ref(page), 3);
		memcpy((void *)here, text, sizeof(text));
		EXPECT_EQ(strcmp((const char *)there, text), 0);
		EXPECT_EQ(strcmp(page_to_virt(page), text), 0);
		*(char *)page_to_virt(page) = '\0';
		EXPECT_EQ(*(volatile char *)here, '\0');
	}
	page_remove(kernel, here);
	page_remove(kernel, there);
	EXPECT_EQ(page_ref(page), 1);
	free_page(page);
}

void
check_boot_pgdir(void)
{
	static const char constant[] = "read only";
	struct space *kernel = &kernel_space;
	size_t before = nr_free_pages();

	EXPECT_EQ(arch_query(&kernel->arch, 0, NULL), 0);
	EXPECT_EQ(arch_query(&kernel->arch, USER_VA, NULL), 0);
	expect_kernel_mapping((const void *)(uintptr_t)check_boot_pgdir,
			      MAP_READ | MAP_EXEC, MAP_WRITE);
	expect_kernel_mapping(constant, MAP_READ, MAP_WRITE | MAP_EXEC);
	expect_kernel_mapping(&writable_data, RW, MAP_EXEC);
	expect_kernel_mapping(&before, RW, MAP_EXEC);
	check_direct_map();
	if (arch_query(&kernel->arch, last_slot_va(0), NULL) == 0 &&
	    arch_query(&kernel->arch, last_slot_va(1), NULL) == 0)
		check_alias();
	else
		check_skip("the last stack slots are taken");
	/* What is below a stack in its slot is never mapped. */
	for (uintptr_t va = arch_kstack_base();
	     va < arch_kstack_base() + ARCH_KSTACK_SLOT -
			  ARCH_KSTACK_PAGES * PAGE_SIZE;
	     va += PAGE_SIZE)
		EXPECT_EQ(arch_query(&kernel->arch, va, NULL), 0);
	EXPECT_EQ(nr_free_pages(), before);
}

/* -- check_device_map ------------------------------------------------------------- */

/* The whole window, which is forgotten as a whole; then something else in it. */
static void
check_device_window(struct page *page, size_t window)
{
	struct page *other = alloc_page(GFP_KERNEL);
	volatile unsigned *registers, *again;

	if (!EXPECT(other != NULL))
		return;
	*(unsigned *)page_to_virt(page) = 1;
	*(unsigned *)page_to_virt(other) = 2;
	registers = device_map(page_to_phys(page), window * PAGE_SIZE);
	if (EXPECT(registers != NULL)) {
		EXPECT_EQ(*registers, 1);
		device_unmap((void *)registers, window * PAGE_SIZE);
		again = device_map(page_to_phys(other), sizeof(*again));
		EXPECT(again == registers);
		EXPECT_EQ(*again, 2);
		device_unmap((void *)again, sizeof(*again));
	}
	free_page(other);
}

/* A page of RAM plays the device. */
static void
check_device_page(struct page *page, size_t window)
{
	phys_t pa = page_to_phys(page), where = { 0 };
	const size_t offset = 16;
	char *registers, *other;
	unsigned flags;

	registers = device_map((phys_t){ pa.addr + offset }, sizeof(long));
	other = device_map(pa, PAGE_SIZE);
	if (EXPECT(registers != NULL && other != NULL && registers != other)) {
		flags = arch_query(&kernel_space.arch, (uintptr_t)registers,
				   &where);
		EXPECT_EQ(flags & (RW | MAP_DEVICE | MAP_USER),
			  RW | MAP_DEVICE);
		EXPECT(where.addr == pa.addr + offset);
		*(volatile long *)registers = 0x5eed;
		EXPECT_EQ(*(volatile long *)(other + offset), 0x5eed);
		EXPECT_EQ(*(long *)((char *)page_to_virt(page) + offset),
			  0x5eed);
	}
	/* Two pages for two bytes; all that are left; more than that. */
	device_unmap(registers, sizeof(long));
	registers = device_map((phys_t){ pa.addr + PAGE_SIZE - 1 }, 2);
	EXPECT_EQ((uintptr_t)registers % PAGE_SIZE, PAGE_SIZE - 1);
	EXPECT(device_map(pa, window * PAGE_SIZE) == NULL);
	device_unmap(registers, 2);
	device_unmap(other, PAGE_SIZE);
	EXPECT_EQ(arch_query(&kernel_space.arch, (uintptr_t)other, NULL), 0);
	check_device_window(page, window);
	EXPECT_EQ(page_ref(page), 1);
}

void
check_device_map(void)
{
	struct page *page = alloc_page(GFP_KERNEL);
	size_t window;

	(void)arch_device_window(&window);
	if (!EXPECT(page != NULL))
		return;
	if (window > 0) {
		check_device_page(page, window);
	} else {
		EXPECT(device_map(page_to_phys(page), 1) == NULL);
		check_skip("this port has no devices in memory");
	}
	free_page(page);
}
