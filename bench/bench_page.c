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

static int
run_pair_order0(const struct bench *bench)
{
	struct bench_row *row = bench_alloc(sizeof(*row));

	if (row == NULL)
		return bench_skip(bench, "no row", -E_NO_MEM);
	bench_row_init(row, bench->name, "", PAIRS);
	while (bench_row_wants_more(row)) {
		uint64_t start = arch_cycles();

		for (unsigned i = 0; i < PAIRS; i++)
			free_page(alloc_page(GFP_KERNEL));
		bench_row_add(row, start);
	}
	bench_row_print(row);
	bench_free(row, sizeof(*row));
	return 0;
}

const struct bench bench_page_pair_order0 = {
	.name = "page.pair.order0",
	.help = "alloc_page, free_page",
	.run = run_pair_order0,
};

/* Pairs of nr_pages each; inline, so that the number is a constant there. */
static __always_inline int
run_pairs(const struct bench *bench, const size_t nr_pages)
{
	struct bench_row *row = bench_alloc(sizeof(*row));
	struct page *pages = alloc_pages(nr_pages);
	int err = 0;

	if (row == NULL || pages == NULL) {
		err = bench_skip(bench, "no pages", -E_NO_MEM);
		goto out;
	}
	free_pages(pages, nr_pages);
	pages = NULL;
	bench_row_init(row, bench->name, "", PAIRS);
	while (bench_row_wants_more(row)) {
		uint64_t start = arch_cycles();

		for (unsigned i = 0; i < PAIRS; i++)
			free_pages(alloc_pages(nr_pages), nr_pages);
		bench_row_add(row, start);
	}
	bench_row_print(row);
out:
	if (pages != NULL)
		free_pages(pages, nr_pages);
	if (row != NULL)
		bench_free(row, sizeof(*row));
	return err;
}

static int
run_pair_order3(const struct bench *bench)
{
	return run_pairs(bench, ORDER3_PAGES);
}

const struct bench bench_page_pair_order3 = {
	.name = "page.pair.order3",
	.help = "alloc_pages(8), free_pages(8)",
	.run = run_pair_order3,
};

static int
run_pair_order4(const struct bench *bench)
{
	return run_pairs(bench, ORDER4_PAGES);
}

const struct bench bench_page_pair_order4 = {
	.name = "page.pair.order4",
	.help = "alloc_pages(16), free_pages(16)",
	.run = run_pair_order4,
};

/* -- many pages -------------------------------------------------------------- */

/* Frees the first nr pages of the list, and the list. */
static void
free_batch(struct page **pages, unsigned nr)
{
	while (nr-- > 0)
		if (pages[nr] != NULL)
			free_page(pages[nr]);
	bench_free(pages, BATCH_PAGES * sizeof(*pages));
}

/* BATCH_PAGES single pages, or NULL. */
static struct page **
alloc_batch(void)
{
	struct page **pages = bench_alloc(BATCH_PAGES * sizeof(*pages));

	if (pages == NULL)
		return NULL;
	for (unsigned i = 0; i < BATCH_PAGES; i++) {
		pages[i] = alloc_page(GFP_KERNEL);
		if (pages[i] == NULL) {
			free_batch(pages, i);
			return NULL;
		}
	}
	return pages;
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

/* Calls `pairs` while every second of many neighbouring pages is free. */
static int
run_fragmented(const struct bench *bench,
	       int (*pairs)(const struct bench *bench))
{
	struct page **pages = alloc_batch();
	int err;

	BUILD_ASSERT(FRAGMENTS * 2 == BATCH_PAGES);
	if (pages == NULL)
		return bench_skip(bench, "no pages", -E_NO_MEM);
	sort_pages(pages, BATCH_PAGES);
	for (unsigned i = 0; i < BATCH_PAGES; i += 2) {
		free_page(pages[i]);
		pages[i] = NULL;
	}
	/* The fragments belong to the policy, not to this CPU's list. */
	page_drain_local();
	err = pairs(bench);
	free_batch(pages, BATCH_PAGES);
	return err;
}

static int
run_fragmented_order3(const struct bench *bench)
{
	return run_fragmented(bench, run_pair_order3);
}

const struct bench bench_page_fragmented_order3 = {
	.name = "page.pair.order3.fragmented",
	.help = "order3 while 2,000 single pages are free, far from each other",
	.run = run_fragmented_order3,
};

static int
run_fragmented_order4(const struct bench *bench)
{
	return run_fragmented(bench, run_pair_order4);
}

const struct bench bench_page_fragmented_order4 = {
	.name = "page.pair.order4.fragmented",
	.help = "order4 while 2,000 single pages are free, far from each other",
	.run = run_fragmented_order4,
};

/* Frees the pages in this order, and times that. */
static void
time_random_frees(struct bench_row *row, struct page **pages,
		  const unsigned order[])
{
	uint64_t start = arch_cycles();

	for (unsigned i = 0; i < BATCH_PAGES; i++)
		free_page(pages[order[i]]);
	bench_row_add(row, start);
	bench_free(pages, BATCH_PAGES * sizeof(*pages));
}

static int
run_batch(const struct bench *bench)
{
	struct bench_row *row = bench_alloc(sizeof(*row));
	unsigned *order = bench_alloc(BATCH_PAGES * sizeof(*order));
	int err = 0;

	if (row == NULL || order == NULL) {
		err = bench_skip(bench, "no row", -E_NO_MEM);
		goto out;
	}
	bench_row_init(row, bench->name, "", BATCH_PAGES);
	bench_shuffle(order, BATCH_PAGES);
	while (bench_row_wants_more(row)) {
		struct page **pages = alloc_batch();

		if (pages == NULL) {
			err = bench_skip(bench, "no pages", -E_NO_MEM);
			goto out;
		}
		time_random_frees(row, pages, order);
	}
	bench_row_print(row);
out:
	if (order != NULL)
		bench_free(order, BATCH_PAGES * sizeof(*order));
	if (row != NULL)
		bench_free(row, sizeof(*row));
	return err;
}

const struct bench bench_page_batch = {
	.name = "page.batch.free_random",
	.help = "one free of 4,000 pages, in random order",
	.run = run_batch,
};
