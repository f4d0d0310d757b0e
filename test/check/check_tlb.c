/*
 * Checks of spaces in use: one thread that has borrowed one. What it may access, and
 * what it still could when it may no more; which marks its accesses leave; what
 * becomes of pages, in batches of any size.
 */
#include <kernel/check.h>
#include <kernel/error.h>
#include <kernel/proc.h>
#include <kernel/space.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include <kernel/trap.h>
#include <arch/user.h>

#include "check_kmem.h"
#include "check_threads.h"

/* An address that is a process's on every port. */
#define USER_VA ((uintptr_t)0x01000000)
#define READ_ONLY (MAP_READ | MAP_USER)
#define READ_WRITE (MAP_READ | MAP_WRITE | MAP_USER)
#define MARKS (MAP_ACCESSED | MAP_DIRTY)

static int
put(uintptr_t va, unsigned value)
{
	return arch_copy_to_user(va, &value, sizeof(value));
}

/* What is at va, or ~0 if it cannot be read. */
static unsigned
get(uintptr_t va)
{
	unsigned value;

	return arch_copy_from_user(&value, va, sizeof(value)) == 0 ? value
								   : ~0u;
}

/* -- accesses ------------------------------------------------------------------- */

/* Page 0 is there, page 1 not. */
static void
check_copies(struct space *space)
{
	static const char text[] = "across the end of a page";
	const uintptr_t edge = USER_VA + PAGE_SIZE - 4;
	char buf[sizeof(text)];

	EXPECT_EQ(put(USER_VA, 1), -E_FAULT);
	EXPECT(pgdir_alloc_page(space, USER_VA, READ_WRITE) != NULL);
	EXPECT_EQ(put(USER_VA, 0x5eed), 0);
	EXPECT_EQ(get(USER_VA), 0x5eed);
	EXPECT_EQ(*(unsigned *)page_to_virt(page_lookup(space, USER_VA, NULL)),
		  0x5eed);
	EXPECT_EQ(arch_copy_to_user(edge, text, sizeof(text)), -E_FAULT);
	EXPECT_EQ(arch_copy_from_user(buf, edge, sizeof(text)), -E_FAULT);
	EXPECT_EQ(arch_copy_from_user(buf, edge, 4), 0);
	EXPECT_EQ(arch_copy_from_user(buf, edge + 4, 0), 0);

	EXPECT(pgdir_alloc_page(space, USER_VA + PAGE_SIZE, READ_WRITE) !=
	       NULL);
	EXPECT_EQ(arch_copy_to_user(edge, text, sizeof(text)), 0);
	EXPECT_EQ(arch_copy_from_user(buf, edge, sizeof(text)), 0);
	EXPECT_EQ(strcmp(buf, text), 0);
	page_remove(space, USER_VA);
	page_remove(space, USER_VA + PAGE_SIZE);
	EXPECT_EQ(get(USER_VA), ~0u);
}

static void
check_strings(struct space *space)
{
	static const char text[] = "0123456789";
	const long length = sizeof(text) - 1;
	const uintptr_t edge = USER_VA + PAGE_SIZE;
	char buf[32];

	EXPECT(pgdir_alloc_page(space, USER_VA, READ_WRITE) != NULL);
	/* Ends where the next page, which is not there, begins. */
	EXPECT_EQ(arch_copy_to_user(edge - sizeof(text), text, sizeof(text)),
		  0);
	EXPECT_EQ(arch_strncpy_from_user(buf, edge - sizeof(text), sizeof(buf)),
		  length);
	EXPECT_EQ(strcmp(buf, text), 0);
	EXPECT_EQ(arch_strncpy_from_user(buf, edge - sizeof(text), 4), 4);
	EXPECT_EQ(arch_strncpy_from_user(buf, edge - 1, sizeof(buf)), 0);
	/* Without an end. */
	EXPECT_EQ(arch_copy_to_user(edge - 1, "x", 1), 0);
	EXPECT_EQ(arch_strncpy_from_user(buf, edge - 1, sizeof(buf)), -E_FAULT);
	EXPECT_EQ(arch_strncpy_from_user(buf, edge - 1, 1), 1);
	EXPECT_EQ(arch_strncpy_from_user(buf, USER_VA - 1, sizeof(buf)),
		  -E_FAULT);
	page_remove(space, USER_VA);
}

/* The kernel's memory is not the user's, whatever the number. */
static void
check_no_user_address(void)
{
	unsigned secret = 0x5ec2e7, value;

	EXPECT_EQ(get((uintptr_t)&secret), ~0u);
	EXPECT_EQ(put((uintptr_t)&secret, 0), -E_FAULT);
	EXPECT_EQ(secret, 0x5ec2e7);
	EXPECT_EQ(get(ARCH_USER_END - 2), ~0u);
	EXPECT_EQ(get(~(uintptr_t)0 - 1), ~0u);
	EXPECT_EQ(arch_copy_from_user(&value, USER_VA, ~(size_t)0), -E_FAULT);
	EXPECT_EQ(arch_strncpy_from_user((char *)&value, (uintptr_t)&secret,
					 sizeof(value)),
		  -E_FAULT);
	EXPECT_EQ(get(0), ~0u);
}

/* -- faults ------------------------------------------------------------------------ */

static struct space *fault_space;
static unsigned nr_faults;

/* Maps the page at USER_VA and its neighbour, after a sleep; refuses all others. */
static int
map_on_demand(struct page_fault *fault)
{
	uintptr_t va = ALIGN_DOWN(fault->address, PAGE_SIZE);

	nr_faults++;
	EXPECT(fault->no_sleep == NULL);
	(void)sleep_ticks(1);
	if (va != USER_VA && va != USER_VA + PAGE_SIZE)
		return -E_NO_MEM;
	if (!(fault->access & PAGE_FAULT_WRITE))
		return -E_FAULT;
	EXPECT_EQ(fault->access & PAGE_FAULT_PRESENT, 0);
	return pgdir_alloc_page(fault_space, va, READ_WRITE) != NULL
		       ? 0
		       : -E_NO_MEM;
}

/* Accesses fault; the handler, which sleeps, repairs some and refuses others. */
static void
check_faults(struct space *space)
{
	const uintptr_t edge = USER_VA + PAGE_SIZE - 4;
	const long long value = 0x5eed5eed5eed;
	page_fault_fn *before = trap_set_page_fault_handler(map_on_demand);
	long long back = 0;

	fault_space = space;
	nr_faults = 0;
	EXPECT_EQ(get(USER_VA), ~0u);
	EXPECT_EQ(nr_faults, 1);
	EXPECT_EQ(arch_copy_to_user(edge, &value, sizeof(value)), 0);
	EXPECT_EQ(nr_faults, 3);
	EXPECT_EQ(arch_copy_from_user(&back, edge, sizeof(back)), 0);
	EXPECT_EQ(back, value);
	EXPECT_EQ(put(USER_VA + 2 * PAGE_SIZE, 1), -E_NO_MEM);
	EXPECT_EQ(nr_faults, 4);
	EXPECT_EQ(arch_strncpy_from_user((char *)&back, USER_VA + 2 * PAGE_SIZE,
					 sizeof(back)),
		  -E_NO_MEM);
	EXPECT_EQ(nr_faults, 5);
	(void)trap_set_page_fault_handler(before);
	page_remove(space, USER_VA);
	page_remove(space, USER_VA + PAGE_SIZE);
}

/* -- forgetting ------------------------------------------------------------------ */

/* What was accessed a moment ago is not, when it is gone, replaced or protected. */
static void
check_forgotten(struct space *space)
{
	struct page *first = alloc_page(GFP_KERNEL | __GFP_ZERO);
	struct page *second = alloc_page(GFP_KERNEL | __GFP_ZERO);

	if (!EXPECT(first != NULL && second != NULL))
		return;
	EXPECT_EQ(page_insert(space, first, USER_VA, READ_WRITE), 0);
	EXPECT_EQ(put(USER_VA, 1), 0);
	EXPECT_EQ(page_insert(space, second, USER_VA, READ_WRITE), 0);
	EXPECT_EQ(get(USER_VA), 0);
	EXPECT_EQ(put(USER_VA, 2), 0);
	EXPECT_EQ(*(unsigned *)page_to_virt(first), 1);
	EXPECT_EQ(*(unsigned *)page_to_virt(second), 2);

	space_protect(space, USER_VA, USER_VA + PAGE_SIZE, READ_ONLY);
	EXPECT_EQ(put(USER_VA, 3), -E_FAULT);
	EXPECT_EQ(get(USER_VA), 2);
	space_protect(space, USER_VA, USER_VA + PAGE_SIZE, READ_WRITE);
	EXPECT_EQ(put(USER_VA, 4), 0);
	EXPECT_EQ(page_insert(space, second, USER_VA, READ_ONLY), 0);
	EXPECT_EQ(put(USER_VA, 5), -E_FAULT);

	page_remove(space, USER_VA);
	EXPECT_EQ(get(USER_VA), ~0u);
	EXPECT_EQ(*(unsigned *)page_to_virt(second), 4);
	EXPECT(page_ref(first) == 1 && page_ref(second) == 1);
	free_page(first);
	free_page(second);
}

/* The numbers of flushes wrap, and each flush still counts. */
static void
check_wrap(struct space *space)
{
	space_unuse();
	space->generation = ~0u - 1;
	space_use(space);
	for (unsigned i = 0; i < 4; i++) {
		EXPECT(pgdir_alloc_page(space, USER_VA, READ_WRITE) != NULL);
		EXPECT_EQ(put(USER_VA, 1), 0);
		page_remove(space, USER_VA);
		EXPECT_EQ(get(USER_VA), ~0u);
	}
	EXPECT_EQ(space->generation, 2);
}

/* Two spaces, the same address: each switch changes what is there. */
static void
check_two_spaces(struct space *mine, struct space *other)
{
	EXPECT(pgdir_alloc_page(mine, USER_VA, READ_WRITE) != NULL);
	EXPECT(pgdir_alloc_page(other, USER_VA, READ_WRITE) != NULL);
	EXPECT_EQ(put(USER_VA, 1), 0);
	space_unuse();
	EXPECT_EQ(get(USER_VA), ~0u);
	space_use(other);
	EXPECT_EQ(get(USER_VA), 0);
	EXPECT_EQ(put(USER_VA, 2), 0);
	/* Nobody has it loaded; it changes all the same. */
	page_remove(mine, USER_VA);
	EXPECT(pgdir_alloc_page(mine, USER_VA, READ_WRITE) != NULL);
	EXPECT_EQ(get(USER_VA), 2);
	space_unuse();
	space_use(mine);
	EXPECT_EQ(get(USER_VA), 0);
	page_remove(mine, USER_VA);
	page_remove(other, USER_VA);
}

/* -- marks ------------------------------------------------------------------------- */

static __noinline unsigned
harvest(struct space *space)
{
	struct tlb_batch batch;
	unsigned had;

	tlb_batch_init(&batch, space);
	had = page_harvest(&batch, USER_VA, MARKS);
	tlb_batch_flush(&batch);
	return had;
}

static void
check_marks(struct space *space)
{
	struct tlb_batch batch;
	unsigned flags;

	EXPECT_EQ(harvest(space), 0);
	EXPECT(pgdir_alloc_page(space, USER_VA, READ_WRITE) != NULL);
	EXPECT_EQ(harvest(space), 0);
	EXPECT_EQ(get(USER_VA), 0);
	EXPECT_EQ(harvest(space), MAP_ACCESSED);
	EXPECT_EQ(harvest(space), 0);
	EXPECT_EQ(put(USER_VA, 1), 0);
	EXPECT_EQ(harvest(space), MARKS);
	/* After a flush they come again. */
	EXPECT_EQ(put(USER_VA, 2), 0);
	space_protect(space, USER_VA, USER_VA + PAGE_SIZE, READ_ONLY);
	(void)page_lookup(space, USER_VA, &flags);
	EXPECT_EQ(flags & (MARKS | MAP_WRITE), MARKS);
	/* One may be asked for without the other. */
	tlb_batch_init(&batch, space);
	EXPECT_EQ(page_harvest(&batch, USER_VA, MAP_ACCESSED), MAP_ACCESSED);
	tlb_batch_flush(&batch);
	EXPECT_EQ(harvest(space), MAP_DIRTY);
	page_remove(space, USER_VA);
}

/* -- batches ----------------------------------------------------------------------- */

/* Maps n pages, `step` pages apart, reads them all, and unmaps the whole range. */
static void
check_range(struct space *space, unsigned n, unsigned step)
{
	uintptr_t end = USER_VA + (uintptr_t)n * step * PAGE_SIZE;
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	size_t before;

	if (!EXPECT(page != NULL))
		return;
	for (uintptr_t va = USER_VA; va < end; va += step * PAGE_SIZE) {
		EXPECT_EQ(page_insert(space, page, va, READ_WRITE), 0);
		EXPECT_EQ(get(va), 0);
	}
	EXPECT_EQ(page_ref(page), n + 1);
	before = nr_free_pages();
	space_protect(space, USER_VA, end, READ_ONLY);
	EXPECT_EQ(put(end - step * PAGE_SIZE, 1), -E_FAULT);
	EXPECT_EQ(get(end - step * PAGE_SIZE), 0);
	space_unmap(space, USER_VA, end);
	EXPECT_EQ(page_ref(page), 1);
	for (uintptr_t va = USER_VA; va < end; va += step * PAGE_SIZE)
		if (!EXPECT_EQ(get(va), ~0u))
			break;
	space_unmap(space, 0, ARCH_USER_END);
	EXPECT_EQ(nr_free_pages(), before);
	free_page(page);
}

static void
check_batches(struct space *space)
{
	for (unsigned step = 1; step <= 3; step += 2) {
		check_range(space, 1, step);
		check_range(space, TLB_BATCH_RANGES, step);
		check_range(space, TLB_BATCH_RANGES + 1, step);
		check_range(space, TLB_BATCH_PAGES, step);
		check_range(space, TLB_BATCH_PAGES + 1, step);
		check_range(space, 10 * TLB_BATCH_PAGES + 7, step);
	}
	/* Far apart: a table each. */
	check_range(space, 5, 2500);
}

static void
check_refusals(struct space *space)
{
	struct page *page = alloc_page(GFP_KERNEL);

	if (!EXPECT(page != NULL))
		return;
	EXPECT_EQ(page_insert(space, page, ARCH_USER_END, READ_WRITE),
		  -E_INVAL);
	EXPECT_EQ(page_insert(&kernel_space, page, USER_VA, MAP_READ),
		  -E_INVAL);
	EXPECT_EQ(page_ref(page), 1);
	free_page(page);
}

/* ------------------------------------------------------------------------------- */

void
check_tlb(void)
{
	struct quiet_state before = quiet_state_take();
	static struct space space, other;

	if (!EXPECT_EQ(space_create(&space), 0))
		return;
	if (!EXPECT_EQ(space_create(&other), 0)) {
		space_destroy(&space);
		return;
	}
	EXPECT_EQ(get(USER_VA), ~0u);
	space_use(&space);
	check_copies(&space);
	check_strings(&space);
	check_no_user_address();
	check_faults(&space);
	check_forgotten(&space);
	check_wrap(&space);
	check_two_spaces(&space, &other);
	check_marks(&space);
	check_batches(&space);
	check_refusals(&space);
	space_unuse();
	EXPECT_EQ(space.cpus, 0);
	EXPECT_EQ(other.cpus, 0);
	space_destroy(&space);
	space_destroy(&other);
	quiet_state_expect(&before);
}
