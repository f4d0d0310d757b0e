/* Batches: as bench/bench_batch.c, and single pages as in bench/bench_page.c. */
#include "peer.h"

#define OBJECT_BYTES 192
#define LARGEST_BATCH 10000u
#define SAMPLE_MIN 1000
#define PAGE_BYTES 4096
#define PAGES 4000

enum free_order {
	FREE_FIFO,
	FREE_LIFO,
	FREE_RANDOM,
	NR_FREE_ORDERS
};

static const char *const order_names[NR_FREE_ORDERS] = { "fifo", "lifo",
							 "random" };

static struct {
	struct peer_row row, alloc, release;
	unsigned n;
	size_t size;
	unsigned order[LARGEST_BATCH];
	void *objects[LARGEST_BATCH];
} batch;

static void
set_order(enum free_order kind)
{
	if (kind == FREE_RANDOM) {
		shuffle(batch.order, batch.n);
		return;
	}
	for (unsigned i = 0; i < batch.n; i++)
		batch.order[i] = kind == FREE_FIFO ? i : batch.n - 1 - i;
}

static void
free_objects(void)
{
	for (unsigned i = 0; i < batch.n; i++)
		free(batch.objects[batch.order[i]]);
}

static void
alloc_objects(void)
{
	for (unsigned i = 0; i < batch.n; i++)
		batch.objects[i] = allocate(batch.size);
}

static void
whole_batches(void *unused)
{
	(void)unused;
	for (unsigned long left = batch.row.ops / batch.n; left > 0; left--) {
		alloc_objects();
		free_objects();
	}
}

/* One allocation and one free, each for itself. */
static void
sample_apart(void)
{
	uint64_t start = peer_now();

	alloc_objects();
	if (peer_wants_more(&batch.alloc))
		peer_add(&batch.alloc, start);
	start = peer_now();
	free_objects();
	peer_add(&batch.release, start);
}

static void
measure_batches(unsigned n)
{
	batch.n = n;
	for (unsigned kind = 0; kind < NR_FREE_ORDERS; kind++) {
		set_order((enum free_order)kind);
		peer_row_init(&batch.row, n < SAMPLE_MIN ? SAMPLE_MIN : n,
			      "malloc.batch%u.%s", n, order_names[kind]);
		peer_measure(&batch.row, whole_batches, NULL);
	}
}

static void
measure_apart(void)
{
	batch.n = LARGEST_BATCH;
	peer_row_init(&batch.alloc, batch.n, "malloc.batch%u.alloc", batch.n);
	for (unsigned kind = 0; kind < NR_FREE_ORDERS; kind++) {
		set_order((enum free_order)kind);
		peer_row_init(&batch.release, batch.n, "malloc.batch%u.free_%s",
			      batch.n, order_names[kind]);
		while (peer_wants_more(&batch.release))
			sample_apart();
		peer_print(&batch.release);
	}
	peer_print(&batch.alloc);
}

void
peer_batches(void)
{
	static const unsigned sizes[] = { 1, 10, 100, 1000, LARGEST_BATCH };

	batch.size = OBJECT_BYTES;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		measure_batches(sizes[i]);
	measure_apart();

	batch.n = PAGES;
	batch.size = PAGE_BYTES;
	set_order(FREE_RANDOM);
	/* Nobody asks for the allocations apart. */
	peer_row_init(&batch.alloc, PAGES, "page.batch");
	peer_row_init(&batch.release, PAGES, "page.batch.free_random");
	while (peer_wants_more(&batch.release))
		sample_apart();
	peer_print(&batch.release);
}
