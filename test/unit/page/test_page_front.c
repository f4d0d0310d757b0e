/*
 * The page allocator as everybody calls it: on a machine made for the test,
 * with any ranges, nodes and policy. Reports to the log are wanted here: they
 * are counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <kernel/option.h>
#include <kernel/error.h>
#include <kernel/sched.h>
#include <port/unit.h>

#include "../../../core/page/internal.h"

#include "random.h"

#define RAM ((size_t)64 << 20)
#define KIB 1024
#define MIB (1024 * 1024)

static struct boot_info boot;

static void
boot_start(unsigned nr_nodes)
{
	memset(&boot, 0, sizeof(boot));
	boot.command_line = "";
	boot.loader = "test";
	boot.nr_cpus = 1;
	boot.nr_nodes = nr_nodes;
	for (unsigned i = 0; i < nr_nodes; i++)
		for (unsigned j = 0; j < nr_nodes; j++)
			boot.node_distance[i][j] = i == j ? 10 : 20;
}

static void
boot_range(enum boot_range_kind kind, uint64_t start, uint64_t end,
	   unsigned node)
{
	static const char *const names[] = { "usable", "far", "reserved" };

	boot.ranges[boot.nr_ranges++] = (struct boot_range){
		.start = start,
		.end = end,
		.kind = kind,
		.node = node,
		.what = names[kind],
	};
}

/* A new machine with the ranges collected so far. */
static void
machine_start(const char *policy)
{
	host_unit_init(RAM);
	sched_init(1);
	assert_int_equal(option_set(&pages_option, policy), 0);
	assert_string_equal(option_get(&pages_option, NULL), policy);
	page_init(&boot);
	nr_page_complaints = 0;
	assert_null(pages_validate());
}

static void
simple_machine(const char *policy)
{
	boot_start(1);
	boot_range(BOOT_RAM, 0, RAM, 0);
	boot_range(BOOT_RESERVED, 0, PAGE_SIZE, 0);
	machine_start(policy);
}

static struct page *
frame(size_t nr)
{
	return phys_to_page((phys_t){ nr * PAGE_SIZE });
}

/* name: a const char * variable. */
#define for_each_policy_name(i, name)                                          \
	for (unsigned(i) = 0;                                                  \
	     ((name) = option_choice(&pages_option, i)) != NULL; (i)++)

static void
test_option(void **state)
{
	const char *name;
	unsigned nr = 0;

	(void)state;
	for_each_policy_name(i, name)
	{
		assert_int_equal(option_set(&pages_option, name), 0);
		assert_string_equal(page_policy_name(), name);
		nr++;
	}
	assert_int_equal(nr, 4);
	assert_int_equal(option_set(&pages_option, "bubby"), -E_INVAL);
	assert_string_equal(option_get(&pages_option, NULL), "worst-fit");
}

/* -- the map ---------------------------------------------------------------- */

/* Whether the ranges make this frame usable, by the definition. */
static bool
usable(size_t nr)
{
	uint64_t start = nr * PAGE_SIZE, end = start + PAGE_SIZE;
	bool ram = false;

	for (unsigned i = 0; i < boot.nr_ranges; i++) {
		const struct boot_range *range = &boot.ranges[i];

		if (range->kind == BOOT_RAM && range->start <= start &&
		    end <= range->end)
			ram = true;
		if (range->kind == BOOT_RESERVED && range->start < range->end &&
		    range->start < end && start < range->end)
			return false;
	}
	return ram;
}

static void
check_map(void)
{
	size_t map_frames = 0, nr = 0;
	uintptr_t first = arch_virt_to_phys(mem_map - 1).addr / PAGE_SIZE;
	uintptr_t last =
		(arch_virt_to_phys(mem_map + mem_map_nr + 1).addr - 1) /
		PAGE_SIZE;

	for (size_t i = 0; i < RAM / PAGE_SIZE + 10; i++) {
		bool in_map = i >= first && i <= last;
		struct page *page = frame(i);

		if (in_map) {
			assert_true(usable(i));
			map_frames++;
		}
		if (page == NULL) {
			assert_false(usable(i));
			continue;
		}
		assert_int_equal(page_to_phys(page).addr, i * PAGE_SIZE);
		assert_int_equal(page->ref, usable(i) && !in_map
						    ? PAGE_FREE
						    : PAGE_RESERVED);
		nr += page->ref == PAGE_FREE;
	}
	assert_int_equal(nr, nr_free_pages());
	assert_int_equal(nr, nr_managed_pages());
	assert_int_equal(map_frames, last - first + 1);
}

static void
test_map_of_a_pc(void **state)
{
	const char *name;

	(void)state;
	for_each_policy_name(i, name)
	{
		boot_start(1);
		boot_range(BOOT_RESERVED, 0x9fc00, 0x100000, 0);
		boot_range(BOOT_RAM, 0x100000, 0x3fe0000, 0);
		boot_range(BOOT_RAM, 0, 0x9fc00, 0);
		boot_range(BOOT_RESERVED, 0, 0x1000, 0);
		boot_range(BOOT_RESERVED, 0x100000, 0x123456, 0);
		boot_range(BOOT_UNMAPPABLE, 0x100000000, 0x200000000, 0);
		boot_range(BOOT_RESERVED, 0xfffc0000, 0x100000000, 0);
		boot_range(BOOT_RESERVED, 0xfd00000000, UINT64_MAX, 0);
		boot_range(BOOT_RESERVED, 0x2000000, 0x2000000, 0);
		boot_range(BOOT_RESERVED, 0x2345678, 0x2345679, 0);
		machine_start(name);
		check_map();
		assert_int_equal(frame(0x2345)->ref, PAGE_RESERVED);
		assert_int_equal(frame(0x9f)->ref, PAGE_RESERVED);
		assert_int_equal(frame(0x2344)->ref, PAGE_FREE);
	}
}

static void
test_map_of_random_machines(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		boot_start(1 + (unsigned)random_below(MAX_NODES));
		boot_range(BOOT_RAM, 0, 0, 0);
		for (unsigned i = 0; i < 12; i++) {
			uint64_t start = random_below(RAM);
			uint64_t end = start + random_below(RAM / 4);
			bool ram = random_below(3) > 0;

			if (random_below(2) == 0) {
				start = ALIGN_DOWN(start, PAGE_SIZE * 256);
				end = ALIGN_DOWN(end, PAGE_SIZE * 256);
			}
			boot_range(ram ? BOOT_RAM : BOOT_RESERVED, start,
				   MIN(end, RAM),
				   (unsigned)random_below(boot.nr_nodes));
		}
		/* Room for mem_map, in any case, somewhere. */
		boot_range(BOOT_RAM, RAM - 8 * MIB, RAM, 0);
		for (unsigned i = 0; i < boot.nr_ranges; i++)
			if (boot.ranges[i].kind == BOOT_RESERVED &&
			    boot.ranges[i].end > RAM - 8 * MIB)
				boot.ranges[i].end = boot.ranges[i].start;
		machine_start(option_choice(&pages_option, round % 4));
		check_map();
	}
}

/* -- hot pages -------------------------------------------------------------- */

static void
test_hot_pages(void **state)
{
	struct page *page[200], *again;
	size_t nr_free, nr_pool;

	(void)state;
	simple_machine("buddy");
	nr_free = nr_free_pages();
	for (unsigned i = 0; i < 200; i++) {
		page[i] = alloc_page(GFP_KERNEL);
		assert_non_null(page[i]);
		assert_int_equal(page_ref(page[i]), 1);
		assert_int_equal(nr_free_pages(), nr_free - i - 1);
	}
	/* What was freed last comes back first. */
	free_page(page[17]);
	assert_int_equal(page[17]->ref, PAGE_HOT);
	again = alloc_page(GFP_KERNEL);
	assert_ptr_equal(again, page[17]);
	for (unsigned i = 0; i < 200; i++) {
		free_page(page[i]);
		assert_int_equal(nr_free_pages(), nr_free - 199 + i);
	}
	assert_null(pages_validate());
	assert_true(page_hots[0].lists[0].nr > 0);
	assert_true(page_hots[0].lists[0].nr <= HOT_PAGES_MAX);

	nr_pool = pool_nr_free(&page_nodes[0].pool);
	assert_int_equal(nr_pool + page_hots[0].lists[0].nr, nr_free);
	page_drain_all();
	assert_int_equal(page_hots[0].lists[0].nr, 0);
	assert_int_equal(pool_nr_free(&page_nodes[0].pool), nr_free);
	assert_null(pages_validate());
	assert_int_equal(nr_page_complaints, 0);
}

/* A request that only hot pages stand in the way of is met. */
static void
test_hot_pages_are_given_back(void **state)
{
	struct page *page, *all;
	const char *name;

	(void)state;
	for_each_policy_name(i, name)
	{
		simple_machine(name);
		all = alloc_pages_gfp(GFP_ATOMIC, 4 * MIB / PAGE_SIZE);
		assert_non_null(all);
		/* Everything else in the hot list, or out. */
		do
			page = alloc_page(GFP_ATOMIC | __GFP_NOWARN);
		while (page != NULL);
		for (unsigned n = 0; n < 16; n++)
			free_page(&all[n]);
		assert_int_equal(page_hots[0].lists[0].nr, 16);
		page = alloc_pages_gfp(GFP_ATOMIC, 16);
		assert_ptr_equal(page, all);
		assert_int_equal(nr_free_pages(), 0);
		assert_null(pages_validate());
	}
}

/* -- reports ------------------------------------------------------------------ */

static void
expect_complaints(unsigned long nr, size_t nr_free)
{
	assert_int_equal(nr_page_complaints, nr);
	assert_int_equal(nr_free_pages(), nr_free);
	assert_null(pages_validate());
}

static void
test_wrong_calls(void **state)
{
	struct page *page, *many, *none;
	size_t nr_free;
	const char *name;

	(void)state;
	for_each_policy_name(i, name)
	{
		simple_machine(name);
		page = alloc_page(GFP_KERNEL);
		many = alloc_pages(6);
		nr_free = nr_free_pages();

		none = alloc_pages(0);
		assert_null(none);
		free_pages(many, 0);
		expect_complaints(2, nr_free);

		/* Free already: in the hot list, and in the pool. */
		free_page(page);
		free_page(page);
		free_pages(page, 1);
		page_drain_local();
		free_page(page);
		expect_complaints(5, nr_free + 1);
		free_pages(many, 6);
		free_pages(many, 6);
		free_pages(many + 2, 2);
		free_page(many + 5);
		page_put(many);
		expect_complaints(9, nr_free + 7);

		/* Reserved, and no frames at all. */
		free_page(frame(0));
		free_pages(frame(0), 2);
		free_page(mem_map + mem_map_nr);
		free_page(mem_map - 1);
		free_pages(mem_map + mem_map_nr - 1, 2);
		free_pages(mem_map + mem_map_nr + 1000, 3);
		expect_complaints(15, nr_free + 7);

		/* A part of it is not his. */
		many = alloc_pages(4);
		free_pages(many + 1, 1);
		free_pages(many, 4);
		expect_complaints(16, nr_free + 4);
		free_page(many);
		free_pages(many + 2, 2);
		expect_complaints(16, nr_free + 7);
	}
}

static void
test_too_much(void **state)
{
	struct page *page;
	const char *name;

	(void)state;
	for_each_policy_name(i, name)
	{
		simple_machine(name);
		page = alloc_pages(nr_managed_pages() + 1);
		assert_null(page);
		page = alloc_pages((size_t)-1);
		assert_null(page);
		page = alloc_pages_node(0, GFP_KERNEL, (size_t)1 << 31);
		assert_null(page);
		expect_complaints(0, nr_managed_pages());
	}
}

/* -- references, zeroing -------------------------------------------------------- */

static void
test_references(void **state)
{
	struct page *page;
	size_t nr_free;

	(void)state;
	simple_machine("buddy");
	nr_free = nr_free_pages();
	page = alloc_page(GFP_KERNEL);
	page_get(page);
	assert_int_equal(page_ref(page), 2);
	page_put(page);
	assert_int_equal(page_ref(page), 1);
	assert_int_equal(nr_free_pages(), nr_free - 1);
	page_put(page);
	assert_int_equal(nr_free_pages(), nr_free);
	assert_int_equal(page_ref(page), 0);

	/* A frame from the middle of an allocation lives on its own. */
	page = alloc_pages(5);
	assert_int_equal(page_ref(page), 1);
	assert_int_equal(page_ref(page + 2), 0);
	page_get(page + 2);
	page_put(page + 2);
	assert_int_equal(nr_free_pages(), nr_free - 4);
	free_pages(page, 2);
	free_pages(page + 3, 2);
	assert_int_equal(nr_free_pages(), nr_free);
	assert_int_equal(nr_page_complaints, 0);
}

static void
test_zeroed(void **state)
{
	static const size_t sizes[] = { 1, 3, 8 };

	(void)state;
	simple_machine("first-fit");
	for (unsigned i = 0; i < 3; i++) {
		size_t n = sizes[i];
		struct page *page = alloc_pages(n);
		unsigned char *byte = page_to_virt(page);

		memset(byte, 0xa5, n * PAGE_SIZE);
		free_pages(page, n);
		page = alloc_pages_gfp(GFP_KERNEL | __GFP_ZERO, n);
		byte = page_to_virt(page);
		for (size_t at = 0; at < n * PAGE_SIZE; at++)
			assert_int_equal(byte[at], 0);
		free_pages(page, n);
	}
}

/* -- shortage ----------------------------------------------------------------- */

static void
test_reserve(void **state)
{
	struct page_node *node = &page_nodes[0];
	struct page *page;
	const char *name;

	(void)state;
	for_each_policy_name(i, name)
	{
		simple_machine(name);
		assert_true(node->min > 0 && node->min < node->low);
		assert_true(node->low < node->high);
		do
			page = alloc_page(GFP_KERNEL | __GFP_NOWARN);
		while (page != NULL);
		assert_int_equal(nr_free_pages(), node->min);
		page = alloc_pages_gfp(GFP_KERNEL | __GFP_NOWARN, 2);
		assert_null(page);
		for (size_t n = node->min; n > 0; n--) {
			page = alloc_page(GFP_ATOMIC);
			assert_non_null(page);
		}
		page = alloc_page(GFP_ATOMIC | __GFP_NOWARN);
		assert_null(page);
		assert_int_equal(nr_free_pages(), 0);
		assert_null(pages_validate());
		assert_int_equal(nr_page_complaints, 0);
	}
}

static struct page *hoard[1000];
static size_t nr_hoard, nr_asked;

static size_t
give_from_hoard(size_t nr_wanted, gfp_t gfp)
{
	size_t nr = 0;

	assert_true(gfp & __GFP_WAIT);
	assert_true(arch_irqs_on());
	nr_asked++;
	for (; nr < nr_wanted && nr_hoard > 0; nr++)
		free_page(hoard[--nr_hoard]);
	return nr;
}

static struct reclaimer hoarder = {
	.name = "hoarder",
	.reclaim = give_from_hoard,
};

static void
test_reclaim(void **state)
{
	static bool registered;
	struct page *page;

	(void)state;
	simple_machine("buddy");
	if (!registered)
		reclaimer_register(&hoarder);
	registered = true;
	nr_hoard = 0;
	nr_asked = 0;
	while ((page = alloc_page(GFP_KERNEL | __GFP_NOWARN)) != NULL)
		if (nr_hoard < ARRAY_SIZE(hoard))
			hoard[nr_hoard++] = page;
	/* Interrupts are off: nobody may be asked. */
	assert_int_equal(nr_asked, 0);

	/* From here on this is no idle thread, which may never sleep. */
	current->flags &= ~(unsigned)PF_IDLE;
	arch_irq_enable();
	page = alloc_page(GFP_ATOMIC & ~(gfp_t)__GFP_HIGH);
	assert_null(page);
	assert_int_equal(nr_asked, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(hoard); i++) {
		page = alloc_page(GFP_KERNEL);
		assert_non_null(page);
	}
	assert_int_equal(nr_hoard, 0);
	nr_asked = 0;
	page = alloc_page(GFP_KERNEL);
	assert_null(page);
	assert_int_equal(nr_asked, 1);
	arch_irq_disable();
	current->flags |= PF_IDLE;
	assert_null(pages_validate());
}

/* -- nodes ------------------------------------------------------------------------ */

#define PART (RAM / 4)

static void
four_nodes(void)
{
	static const unsigned char distance[4][4] = {
		{ 10, 30, 20, 30 },
		{ 30, 10, 20, 20 },
		{ 20, 40, 10, 15 },
		{ 20, 20, 20, 10 },
	};

	boot_start(4);
	memset(boot.node_distance, 0, sizeof(boot.node_distance));
	for (unsigned i = 0; i < 4; i++) {
		memcpy(boot.node_distance[i], distance[i], 4);
		boot_range(BOOT_RAM, i * PART, (i + 1) * PART, i);
	}
	boot_range(BOOT_RESERVED, 0, PAGE_SIZE, 0);
	boot.node_of_cpu[0] = 2;
}

static void
test_nodes(void **state)
{
	static const unsigned order[] = { 2, 3, 0, 1 };
	struct page *page;
	const char *name;

	(void)state;
	for_each_policy_name(i, name)
	{
		four_nodes();
		machine_start(name);
		assert_memory_equal(page_nodes[0].nearest, "\0\2\1\3", 4);
		assert_memory_equal(page_nodes[1].nearest, "\1\2\3\0", 4);
		assert_memory_equal(page_nodes[2].nearest, "\2\3\0\1", 4);
		assert_memory_equal(page_nodes[3].nearest, "\3\0\1\2", 4);

		/* The nearest that has any, in turn. */
		for (unsigned n = 0; n < 4; n++) {
			page = alloc_page(GFP_KERNEL);
			assert_int_equal(page->node, order[n]);
			free_page(page);
			page = alloc_pages(5);
			assert_int_equal(page->node, order[n]);
			free_pages(page, 5);
			page_drain_local();
			do
				page = alloc_pages_node(order[n],
							__GFP_HIGH |
								__GFP_THISNODE |
								__GFP_NOWARN,
							1);
			while (page != NULL);
			assert_int_equal(
				pool_nr_free(&page_nodes[order[n]].pool), 0);
		}
		assert_int_equal(nr_free_pages(), 0);
		assert_null(pages_validate());
	}
}

/* Pages go back to their own node, and other nodes' are not kept hot. */
static void
test_pages_go_home(void **state)
{
	struct page *page;

	(void)state;
	four_nodes();
	machine_start("best-fit");
	for (unsigned node = 0; node < 4; node++) {
		size_t nr = pool_nr_free(&page_nodes[node].pool);

		page = alloc_pages_node(node, GFP_KERNEL, 1);
		assert_int_equal(page->node, node);
		assert_int_equal(pool_nr_free(&page_nodes[node].pool), nr - 1);
		free_page(page);
		assert_int_equal(page->ref, node == 2 ? PAGE_HOT : PAGE_FREE);
		page_drain_local();
		assert_int_equal(pool_nr_free(&page_nodes[node].pool), nr);
	}
	/* Nothing is given back across a border. */
	page = alloc_pages_node(1, __GFP_HIGH | __GFP_THISNODE, 1);
	assert_int_equal(nr_page_complaints, 0);
	free_pages(frame(2 * PART / PAGE_SIZE - 1), 2);
	assert_int_equal(nr_page_complaints, 1);
	assert_null(pages_validate());
	free_page(page);
}

/* -- everything at once ---------------------------------------------------------- */

#define NR_HELD 400

static void
random_machine(const char *name, unsigned long nr)
{
	static struct {
		struct page *base;
		size_t n;
	} held[NR_HELD];
	size_t nr_free;

	simple_machine(name);
	memset(held, 0, sizeof(held));
	nr_free = nr_free_pages();
	for (unsigned long step = 0; step < nr; step++) {
		size_t i = random_below(NR_HELD);

		if (held[i].base != NULL) {
			size_t n = 1 + random_below(held[i].n);

			held[i].n -= n;
			free_pages(held[i].base + held[i].n, n);
			nr_free += n;
			if (held[i].n == 0)
				held[i].base = NULL;
		} else {
			held[i].n = random_below(3) > 0 ? 1
							: 1 + random_below(100);
			held[i].base = alloc_pages_gfp(
				GFP_ATOMIC | __GFP_NOWARN, held[i].n);
			if (held[i].base != NULL)
				nr_free -= held[i].n;
		}
		assert_int_equal(nr_free_pages(), nr_free);
		if (step % 4096 == 0) {
			assert_null(pages_validate());
			page_drain_local();
		}
	}
	for (size_t i = 0; i < NR_HELD; i++)
		if (held[i].base != NULL)
			free_pages(held[i].base, held[i].n);
	page_drain_local();
	assert_int_equal(nr_free_pages(), nr_managed_pages());
	assert_null(pages_validate());
	assert_int_equal(nr_page_complaints, 0);
}

static void
test_random(void **state)
{
	unsigned long nr = test_parameter("OPS", 50000);
	const char *name;

	(void)state;
	for_each_policy_name(i, name) random_machine(name, nr);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_option),
		cmocka_unit_test(test_map_of_a_pc),
		cmocka_unit_test(test_map_of_random_machines),
		cmocka_unit_test(test_hot_pages),
		cmocka_unit_test(test_hot_pages_are_given_back),
		cmocka_unit_test(test_wrong_calls),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_zeroed),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_reclaim),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_pages_go_home),
		cmocka_unit_test(test_random),
	};

	random_start("page front");
	return cmocka_run_group_tests_name("page front", tests, NULL, NULL);
}
