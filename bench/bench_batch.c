/*
 * Batches: n objects are allocated, then all of them freed, in the order of their
 * allocation, in reverse, or in random order.
 *
 * Small batches live in what is nearest to a CPU; 10,000 objects of 192 bytes are
 * two megabytes, and drag everything behind it along: exchanges between CPU
 * and node, slabs that come and go.
 *
 * Reading the counter costs as much as an allocation, so a row of a small batch is of
 * one allocation and one free together, of many batches at once. Those of the largest
 * batch are there apart as well.
 */
#include "bench.h"

#include <kernel/error.h>
#include <kernel/kmalloc.h>
#include <kernel/printk.h>

#define OBJECT_SIZE 192
#define LARGEST_BATCH 10000u
/* A sample has at least so many allocations. */
#define SAMPLE_MIN 1000

static const unsigned batch_sizes[] = { 1, 10, 100, 1000, LARGEST_BATCH };

enum free_order {
	FREE_FIFO,
	FREE_LIFO,
	FREE_RANDOM,
	NR_FREE_ORDERS
};

static const char *const order_names[NR_FREE_ORDERS] = {
	"fifo",
	"lifo",
	"random",
};

struct batch {
	struct bench_row row;
	struct bench_row alloc;
	struct bench_row free[NR_FREE_ORDERS];
	struct kmem_cache *cache; /* NULL: kmalloc */
	unsigned n;
	unsigned order[LARGEST_BATCH];
	void *objects[LARGEST_BATCH];
};

static void
order_init(unsigned order[], unsigned n, enum free_order kind)
{
	switch (kind) {
	case FREE_FIFO:
		for (unsigned i = 0; i < n; i++)
			order[i] = i;
		break;
	case FREE_LIFO:
		for (unsigned i = 0; i < n; i++)
			order[i] = n - 1 - i;
		break;
	case FREE_RANDOM:
	case NR_FREE_ORDERS:
		bench_shuffle(order, n);
		break;
	}
}

/* Frees the first nr of the order. Inline, as the next one: each caller has a loop
 * of its own for named caches and for kmalloc. */
static __always_inline void
free_objects(struct batch *batch, unsigned nr)
{
	struct kmem_cache *cache = batch->cache;

	if (cache != NULL) {
		for (unsigned i = 0; i < nr; i++)
			kmem_cache_free(cache, batch->objects[batch->order[i]]);
	} else {
		for (unsigned i = 0; i < nr; i++)
			kfree(batch->objects[batch->order[i]]);
	}
}

/* Allocates them all and returns how many there are now. */
static __always_inline unsigned
alloc_objects(struct batch *batch)
{
	struct kmem_cache *cache = batch->cache;
	unsigned n = batch->n, i;

	if (cache != NULL) {
		for (i = 0; i < n; i++) {
			batch->objects[i] = kmem_cache_alloc(cache, GFP_KERNEL);
			if (batch->objects[i] == NULL)
				break;
		}
	} else {
		for (i = 0; i < n; i++) {
			batch->objects[i] = kmalloc(OBJECT_SIZE, GFP_KERNEL);
			if (batch->objects[i] == NULL)
				break;
		}
	}
	return i;
}

/* Gives back the first nr objects, after an allocation that failed. */
static int
give_up(struct batch *batch, unsigned nr)
{
	order_init(batch->order, nr, FREE_FIFO);
	free_objects(batch, nr);
	return -E_NO_MEM;
}

/* One sample of whole batches; 0 or -E_NO_MEM. */
static int
sample_batches(struct batch *batch)
{
	unsigned long nr_batches = batch->row.ops / batch->n;
	uint64_t start = arch_cycles();

	while (nr_batches-- > 0) {
		unsigned nr = alloc_objects(batch);

		if (nr < batch->n)
			return give_up(batch, nr);
		free_objects(batch, nr);
	}
	bench_row_add(&batch->row, start);
	return 0;
}

static int
measure_batches(const struct bench *bench, struct batch *batch)
{
	for (unsigned kind = 0; kind < NR_FREE_ORDERS; kind++) {
		order_init(batch->order, batch->n, (enum free_order)kind);
		bench_row_init(&batch->row, MAX(batch->n, SAMPLE_MIN),
			       "%s%u.%s", bench->name, batch->n,
			       order_names[kind]);
		while (bench_row_wants_more(&batch->row)) {
			int err = sample_batches(batch);

			if (err != 0)
				return err;
		}
		bench_row_print(&batch->row);
	}
	return 0;
}

/* -- one allocation, one free: rows of their own ------------------------------------ */

static int
sample_apart(struct batch *batch, struct bench_row *row)
{
	uint64_t start = arch_cycles();
	unsigned nr = alloc_objects(batch);

	if (nr < batch->n)
		return give_up(batch, nr);
	/* The rows of frees decide how often; this one takes what it can. */
	if (bench_row_wants_more(&batch->alloc))
		bench_row_add(&batch->alloc, start);
	start = arch_cycles();
	free_objects(batch, nr);
	bench_row_add(row, start);
	return 0;
}

static int
measure_apart(const char *name, struct batch *batch)
{
	batch->n = LARGEST_BATCH;
	bench_row_init(&batch->alloc, LARGEST_BATCH, "%s.alloc", name);
	for (unsigned kind = 0; kind < NR_FREE_ORDERS; kind++) {
		struct bench_row *row = &batch->free[kind];

		bench_row_init(row, LARGEST_BATCH, "%s.free_%s", name,
			       order_names[kind]);
		order_init(batch->order, LARGEST_BATCH, (enum free_order)kind);
		while (bench_row_wants_more(row)) {
			int err = sample_apart(batch, row);

			if (err != 0)
				return err;
		}
	}
	bench_row_print(&batch->alloc);
	for (unsigned kind = 0; kind < NR_FREE_ORDERS; kind++)
		bench_row_print(&batch->free[kind]);
	return 0;
}

/* -- the three benchmarks ------------------------------------------------------------- */

static int
run_slob_batch(const struct bench *bench, void *memory)
{
	struct batch *batch = memory;
	int err;

	batch->cache = NULL;
	err = measure_apart(bench->name, batch);
	return err == 0 ? 0 : bench_skip(bench, "no objects", err);
}

const struct bench bench_slob_batch = {
	.name = "slob.batch10000",
	.help = "10,000 objects of 192 bytes: one allocation, one free",
	.backend = "slob",
	.memory = sizeof(struct batch),
	.run = run_slob_batch,
};

static int
measure_all(const struct bench *bench, struct batch *batch)
{
	char name[BENCH_ROW_NAME_LEN + 1];

	for (unsigned i = 0; i < ARRAY_SIZE(batch_sizes); i++) {
		int err;

		batch->n = batch_sizes[i];
		err = measure_batches(bench, batch);
		if (err != 0)
			return bench_skip(bench, "no objects", err);
	}
	(void)snprintf(name, sizeof(name), "%s%u", bench->name, LARGEST_BATCH);
	return measure_apart(name, batch);
}

static int
run_slab_batch(const struct bench *bench, void *memory)
{
	struct batch *batch = memory;
	int err, busy;

	batch->cache = kmem_cache_create("bench", OBJECT_SIZE, 0, 0, NULL);
	if (batch->cache == NULL)
		return bench_skip(bench, "no cache", -E_NO_MEM);
	err = measure_all(bench, batch);
	busy = kmem_cache_destroy(batch->cache);
	return err != 0 ? err : busy;
}

const struct bench bench_slab_batch = {
	.name = "slab.batch",
	.help = "1 to 10,000 objects of 192 bytes from a cache: alloc and free",
	.backend = "slab",
	.memory = sizeof(struct batch),
	.run = run_slab_batch,
};

static int
run_kmalloc_batch(const struct bench *bench, void *memory)
{
	struct batch *batch = memory;

	batch->cache = NULL;
	return measure_all(bench, batch);
}

const struct bench bench_kmalloc_batch = {
	.name = "kmalloc.batch",
	.help = "1 to 10,000 objects of 192 bytes: kmalloc and kfree",
	.memory = sizeof(struct batch),
	.run = run_kmalloc_batch,
};
