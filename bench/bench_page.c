/*
 * Physical pages, under the policy that `pages=` chose.
 *
 * The pairs are hot: each allocation gets what was just freed. That one works is
 * tried before, so none of the timed ones can fail, and none is checked.
 */
#include "bench.h"

#include <kernel/error.h>
#include <kernel/page.h>

/* Pairs in one sample. */
#define PAIRS 1000
#define ORDER3_PAGES 8
/* More than any CPU keeps for itself: always a matter of the policy. */
#define ORDER4_PAGES 16
#define BATCH_PAGES 4000
/* Every second of them is freed: that many extents of one page. */
#define FRAGMENTS 2000

static void
pairs_order0(void *unused)
{
	for (unsigned i = 0; i < PAIRS; i++)
		free_page(alloc_page(GFP_KERNEL));
}

static void
pairs_order3(void *unused)
{
	for (unsigned i = 0; i < PAIRS; i++)
		free_pages(alloc_pages(ORDER3_PAGES), ORDER3_PAGES);
}

static void
pairs_order4(void *unused)
{
	for (unsigned i = 0; i < PAIRS; i++)
		free_pages(alloc_pages(ORDER4_PAGES), ORDER4_PAGES);
}

static int
run_pairs(const struct bench *bench, struct bench_row *row, size_t nr_pages,
	  void (*pairs)(void *unused))
{
	struct page *pages = alloc_pages(nr_pages);

	if (pages == NULL)
		return bench_skip(bench, "no pages", -E_NO_MEM);
	free_pages(pages, nr_pages);
	bench_row_init(row, PAIRS, "%s", bench->name);
	bench_row_measure(row, pairs, NULL);
	return 0;
}

static int
run_pair_order0(const struct bench *bench, void *memory)
{
	return run_pairs(bench, memory, 1, pairs_order0);
}

const struct bench bench_page_pair_order0 = {
	.name = "page.pair.order0",
	.help = "alloc_page, free_page",
	.memory = sizeof(struct bench_row),
	.run = run_pair_order0,
};

static int
run_pair_order3(const struct bench *bench, void *memory)
{
	return run_pairs(bench, memory, ORDER3_PAGES, pairs_order3);
}

const struct bench bench_page_pair_order3 = {
	.name = "page.pair.order3",
	.help = "alloc_pages(8), free_pages(8)",
	.memory = sizeof(struct bench_row),
	.run = run_pair_order3,
};

static int
run_pair_order4(const struct bench *bench, void *memory)
{
	return run_pairs(bench, memory, ORDER4_PAGES, pairs_order4);
}

const struct bench bench_page_pair_order4 = {
	.name = "page.pair.order4",
	.help = "alloc_pages(16), free_pages(16)",
	.memory = sizeof(struct bench_row),
	.run = run_pair_order4,
};

/* -- many pages -------------------------------------------------------------- */

struct page_batch {
	struct bench_row row;
	struct page *pages[BATCH_PAGES];
	unsigned order[BATCH_PAGES];
};

/* Frees the first nr pages that are still there. */
static void
free_batch(struct page *const pages[], unsigned nr)
{
	while (nr-- > 0)
		if (pages[nr] != NULL)
			free_page(pages[nr]);
}

/* BATCH_PAGES single pages: 0, or -E_NO_MEM and none. */
static int
alloc_batch(struct page *pages[])
{
	for (unsigned i = 0; i < BATCH_PAGES; i++) {
		pages[i] = alloc_page(GFP_KERNEL);
		if (pages[i] == NULL) {
			free_batch(pages, i);
			return -E_NO_MEM;
		}
	}
	return 0;
}

static void
swap_pages(struct page **a, struct page **b)
{
	struct page *old = *a;

	*a = *b;
	*b = old;
}

/* Sorts by address: sifting down in a heap, so that no order is a bad one. */
static void
sort_pages(struct page **pages, unsigned nr)
{
	for (unsigned start = nr / 2, end = nr; end > 1;) {
		unsigned root;

		if (start > 0)
			start--;
		else
			swap_pages(&pages[--end], &pages[0]);
		root = start;
		while (2 * root + 1 < end) {
			unsigned child = 2 * root + 1;

			if (child + 1 < end && pages[child] < pages[child + 1])
				child++;
			if (pages[root] >= pages[child])
				break;
			swap_pages(&pages[root], &pages[child]);
			root = child;
		}
	}
}

/* Runs `run` while every second of many neighbouring pages is free. */
static int
run_fragmented(const struct bench *bench, struct page_batch *batch,
	       int (*run)(const struct bench *bench, void *memory))
{
	int err = alloc_batch(batch->pages);

	BUILD_ASSERT(FRAGMENTS * 2 == BATCH_PAGES);
	if (err != 0)
		return bench_skip(bench, "no pages", err);
	sort_pages(batch->pages, BATCH_PAGES);
	for (unsigned i = 0; i < BATCH_PAGES; i += 2) {
		free_page(batch->pages[i]);
		batch->pages[i] = NULL;
	}
	/* The fragments belong to the policy, not to this CPU's list. */
	page_drain_local();
	err = run(bench, &batch->row);
	free_batch(batch->pages, BATCH_PAGES);
	return err;
}

static int
run_fragmented_order3(const struct bench *bench, void *memory)
{
	return run_fragmented(bench, memory, run_pair_order3);
}

const struct bench bench_page_fragmented_order3 = {
	.name = "page.pair.order3.fragmented",
	.help = "order3 while 2,000 single pages are free, far from each other",
	.memory = sizeof(struct page_batch),
	.run = run_fragmented_order3,
};

static int
run_fragmented_order4(const struct bench *bench, void *memory)
{
	return run_fragmented(bench, memory, run_pair_order4);
}

const struct bench bench_page_fragmented_order4 = {
	.name = "page.pair.order4.fragmented",
	.help = "order4 while 2,000 single pages are free, far from each other",
	.memory = sizeof(struct page_batch),
	.run = run_fragmented_order4,
};

/* Frees the pages in random order, and times that. */
static void
time_random_frees(struct page_batch *batch)
{
	uint64_t start = arch_cycles();

	for (unsigned i = 0; i < BATCH_PAGES; i++)
		free_page(batch->pages[batch->order[i]]);
	bench_row_add(&batch->row, start);
}

static int
run_batch(const struct bench *bench, void *memory)
{
	struct page_batch *batch = memory;

	bench_row_init(&batch->row, BATCH_PAGES, "%s", bench->name);
	bench_shuffle(batch->order, BATCH_PAGES);
	while (bench_row_wants_more(&batch->row)) {
		int err = alloc_batch(batch->pages);

		if (err != 0)
			return bench_skip(bench, "no pages", err);
		time_random_frees(batch);
	}
	bench_row_print(&batch->row);
	return 0;
}

const struct bench bench_page_batch = {
	.name = "page.batch.free_random",
	.help = "one free of 4,000 pages, in random order",
	.memory = sizeof(struct page_batch),
	.run = run_batch,
};
