/*
 * mem_map: from the port's list of memory ranges to frames, nodes and pools.
 *
 * The ranges come in any order, may overlap, and need not end at page
 * boundaries; reserved wins over RAM, and a frame is only used if all of it is
 * RAM. next_run() turns that into runs of usable frames in order of address; it is
 * asked again for each pass, so that nothing has to be stored before there
 * is memory to store it in.
 *
 *	ranges    |--- RAM ---|     |------- RAM --------|
 *	                |-- reserved --|      |-|
 *	runs      |=====|              |======| |========|
 *	mem_map   [ free ][ reserved  ][ map free ]r[free]     one struct page
 *	                                ^                      per frame
 *	                                mem_map itself
 *
 * One array reaches from the first to the last usable frame, holes included,
 * so that the way between a frame and its struct page is a shift and an
 * addition - kfree goes it each time. A hole costs 32 (64) bytes per 4 KiB of
 * it, and nothing else. The array lies at the beginning of the lowest run that
 * holds it. A reserved frame on either side guards it: policies look at
 * neighbours without asking where memory ends.
 */
#include <kernel/printk.h>

#include "internal.h"

struct page *mem_map;
size_t mem_map_start, mem_map_nr;
struct page_node page_nodes[MAX_NODES];
unsigned nr_page_nodes;

/* At least this part of a node is kept for GFP_ATOMIC, within limits. */
#define RESERVE_FRACTION 128
#define RESERVE_MAX 1024
/* Hot lists of all CPUs together hold at most this part of memory, or so. */
#define HOT_FRACTION 16
#define HOT_PAGES_MIN 4

/* Frames [start, end). */
struct run {
	size_t start, end;
	unsigned node;
};

/* Far beyond what the direct map reaches: good enough for reserved ranges. */
#define FRAME_MAX (SIZE_MAX / 2)

static inline size_t
frame_down(uint64_t address)
{
	return (size_t)MIN(address >> PAGE_SHIFT, FRAME_MAX);
}

static inline size_t
frame_up(uint64_t address)
{
	return frame_down(address) + ((address & (PAGE_SIZE - 1)) != 0);
}

/* Takes [start, end) out of the run: true if its beginning is hit, then
 * nothing before `end` is usable. */
static inline bool
run_cut(struct run *run, size_t start, size_t end)
{
	if (start <= run->start && run->start < end)
		return true;
	if (run->start < start && start < run->end)
		run->end = start;
	return false;
}

/* The lowest RAM frame from `from` on, and all that follow it in its range. */
static bool
next_ram(const struct boot_info *boot, size_t from, struct run *run)
{
	bool found = false;

	for (unsigned i = 0; i < boot->nr_ranges; i++) {
		const struct boot_range *range = &boot->ranges[i];
		size_t start = MAX(frame_up(range->start), from);
		size_t end = frame_down(range->end);

		if (range->kind != BOOT_RAM || start >= end)
			continue;
		if (found && start >= run->start)
			continue;
		*run = (struct run){ start, end, range->node };
		found = true;
	}
	return found;
}

/* The lowest run of usable frames from `from` on; `taken` is as good as
 * reserved. */
static bool
next_run(const struct boot_info *boot, const struct run *taken, size_t from,
	 struct run *run)
{
again:
	if (!next_ram(boot, from, run))
		return false;
	if (run_cut(run, taken->start, taken->end)) {
		from = taken->end;
		goto again;
	}
	for (unsigned i = 0; i < boot->nr_ranges; i++) {
		const struct boot_range *range = &boot->ranges[i];

		if (range->kind != BOOT_RESERVED || range->start == range->end)
			continue;
		if (run_cut(run, frame_down(range->start),
			    frame_up(range->end))) {
			from = frame_up(range->end);
			goto again;
		}
	}
	return true;
}

/* Finds room for mem_map; returns the frames it takes. */
static struct run
mem_map_place(const struct boot_info *boot)
{
	struct run none = { 0, 0, 0 }, run, place = none;
	size_t start = 0, end = 0, nr;

	for (size_t from = 0; next_run(boot, &none, from, &run);
	     from = run.end) {
		if (end == 0)
			start = run.start;
		end = run.end;
	}
	if (end == 0)
		panic("page_init: no usable memory");
	mem_map_start = start;
	mem_map_nr = end - start;

	nr = frame_up((uint64_t)(mem_map_nr + 2) * sizeof(struct page));
	for (size_t from = 0; next_run(boot, &none, from, &run);
	     from = run.end) {
		if (run.end - run.start < nr)
			continue;
		place.start = run.start;
		place.end = run.start + nr;
		mem_map = arch_phys_to_virt(
			(phys_t){ place.start << PAGE_SHIFT });
		mem_map++; /* the lower guard */
		return place;
	}
	panic("page_init: no room for the %zu KiB of mem_map",
	      nr * (PAGE_SIZE / 1024));
}

/* Describes every frame and hands the usable ones to their nodes. alone[i]
 * becomes the longest part of mem_map with no other node's frames than i's. */
static void
mem_map_fill(const struct boot_info *boot, const struct run *taken,
	     struct run alone[MAX_NODES])
{
	struct run run, same = { 0, 0, 0 };
	size_t frame = mem_map_start - 1; /* the lower guard */
	size_t end = mem_map_start + mem_map_nr;
	struct page *page;

	for (size_t from = mem_map_start; next_run(boot, taken, from, &run);
	     from = run.end) {
		page = mem_map + (run.start - mem_map_start);
		pages_describe(page - (run.start - frame), run.start - frame, 0,
			       PAGE_RESERVED);
		pages_describe(page, run.end - run.start, run.node, PAGE_FREE);
		pool_add(&page_nodes[run.node].pool, page, run.end - run.start);
		frame = run.end;

		if (same.end == 0 || run.node != same.node)
			same = run;
		same.end = run.end;
		if (same.end - same.start >
		    alone[run.node].end - alone[run.node].start)
			alone[run.node] = same;
	}
	/* Up to the upper guard. */
	pages_describe(mem_map + (frame - mem_map_start), end + 1 - frame, 0,
		       PAGE_RESERVED);
}

/* Nearest first: sorted by distance, then by number; itself first of all. */
static void
node_sort_nearest(struct page_node *node, const unsigned char *distance,
		  unsigned self)
{
	unsigned nr = 0;

	node->nearest[nr++] = (unsigned char)self;
	for (unsigned i = 0; i < nr_page_nodes; i++) {
		unsigned at = nr;

		if (i == self)
			continue;
		while (at > 1 &&
		       distance[node->nearest[at - 1]] > distance[i]) {
			node->nearest[at] = node->nearest[at - 1];
			at--;
		}
		node->nearest[at] = (unsigned char)i;
		nr++;
	}
}

static void
nodes_init(const struct boot_info *boot)
{
	const struct page_policy *policy = page_policy_chosen();

	assert(boot->nr_nodes >= 1 && boot->nr_nodes <= MAX_NODES);
	nr_page_nodes = boot->nr_nodes;
	for (unsigned i = 0; i < nr_page_nodes; i++) {
		struct page_node *node = &page_nodes[i];

		spin_init(&node->lock, LOCK_RANK_PAGE, "page");
		pool_init(&node->pool, policy, mem_map, mem_map_start,
			  mem_map_nr, i);
		node_sort_nearest(node, boot->node_distance[i], i);
	}
}

static void
reserves_init(void)
{
	for (unsigned i = 0; i < nr_page_nodes; i++) {
		struct page_node *node = &page_nodes[i];

		node->min = MIN(node->pool.nr_managed / RESERVE_FRACTION,
				RESERVE_MAX);
		node->low = node->min + node->min / 4;
		node->high = node->min + node->min / 2;
	}
}

static void
hots_init(const struct boot_info *boot, const struct run alone[MAX_NODES])
{
	size_t max =
		nr_managed_pages() / HOT_FRACTION / HOT_ORDERS / boot->nr_cpus;

	max = MIN(MAX(max, HOT_PAGES_MIN), HOT_PAGES_MAX);
	for (unsigned cpu = 0; cpu < boot->nr_cpus; cpu++) {
		unsigned node = boot->node_of_cpu[cpu];
		const struct run *run = &alone[node];

		hot_init(cpu, node, mem_map + (run->start - mem_map_start),
			 run->end - run->start, (unsigned)max);
	}
}

static const char *
range_remark(const struct boot_range *range)
{
	switch (range->kind) {
	case BOOT_RAM:
		return "";
	case BOOT_UNMAPPABLE:
		return ", beyond the direct map: left alone";
	case BOOT_RESERVED:
		return ", reserved";
	}
	return ", of unknown kind";
}

static void
ranges_print(const struct boot_info *boot)
{
	for (unsigned i = 0; i < boot->nr_ranges; i++) {
		const struct boot_range *range = &boot->ranges[i];

		printk("memory: 0x%08llx-0x%08llx %s%s\n",
		       (unsigned long long)range->start,
		       (unsigned long long)range->end, range->what,
		       range_remark(range));
	}
}

void
page_init(const struct boot_info *boot)
{
	struct run alone[MAX_NODES] = { { 0, 0, 0 } };
	struct run taken;

	printk("memory management: %s\n", page_policy_name());
	ranges_print(boot);
	taken = mem_map_place(boot);
	nodes_init(boot);
	mem_map_fill(boot, &taken, alone);
	reserves_init();
	hots_init(boot, alone);
	printk("memory: %zu KiB for the map of %zu frames\n",
	       (taken.end - taken.start) * (PAGE_SIZE / 1024), mem_map_nr);
	printk("memory: %zu KiB managed\n",
	       nr_managed_pages() * (PAGE_SIZE / 1024));
}
