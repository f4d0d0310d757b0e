/*
 * Objects, from the back end that `kmalloc=` chose.
 */
#include "bench.h"

#include <kernel/error.h>
#include <kernel/kmalloc.h>
#include <kernel/string.h>

/* Pairs in one sample. */
#define PAIRS 1000
#define PAIR_SIZE 192
#define BATCH_OBJECTS 10000
#define BATCH_SIZE 192

/* -- pairs ---------------------------------------------------------------------- */

static int
run_pair(const struct bench *bench)
{
	struct bench_row *row = bench_alloc(sizeof(*row));

	if (row == NULL)
		return bench_skip(bench, "no row", -E_NO_MEM);
	bench_row_init(row, bench->name, "", PAIRS);
	while (bench_row_wants_more(row)) {
		uint64_t start = arch_cycles();

		for (unsigned i = 0; i < PAIRS; i++)
			kfree(kmalloc(PAIR_SIZE, GFP_KERNEL));
		bench_row_add(row, start);
	}
	bench_row_print(row);
	bench_free(row, sizeof(*row));
	return 0;
}

const struct bench bench_slob_pair = {
	.name = "slob.pair.192",
	.help = "kmalloc(192), kfree",
	.backend = "slob",
	.run = run_pair,
};

/* The same from a named cache; the size is the end of the row's name. */
static int
run_cache_pair(const struct bench *bench)
{
	static const size_t sizes[] = { 64, 192, 512, 2048 };
	static const char *const suffixes[] = { ".64", ".192", ".512",
						".2048" };
	struct bench_row *row = bench_alloc(sizeof(*row));
	int err = 0;

	if (row == NULL)
		return bench_skip(bench, "no row", -E_NO_MEM);
	for (unsigned s = 0; s < ARRAY_SIZE(sizes) && err == 0; s++) {
		struct kmem_cache *cache =
			kmem_cache_create("bench", sizes[s], 0, 0, NULL);

		if (cache == NULL) {
			err = bench_skip(bench, "no cache", -E_NO_MEM);
			break;
		}
		bench_row_init(row, bench->name, suffixes[s], PAIRS);
		while (bench_row_wants_more(row)) {
			uint64_t start = arch_cycles();

			for (unsigned i = 0; i < PAIRS; i++)
				kmem_cache_free(cache,
						kmem_cache_alloc(cache,
								 GFP_KERNEL));
			bench_row_add(row, start);
		}
		bench_row_print(row);
		err = kmem_cache_destroy(cache);
	}
	bench_free(row, sizeof(*row));
	return err;
}

const struct bench bench_slab_pair = {
	.name = "slab.pair",
	.help = "kmem_cache_alloc, kmem_cache_free",
	.backend = "slab",
	.run = run_cache_pair,
};

/* A power of two: the index wraps with one instruction. */
#define NR_SIZES 256
#define SMALLEST 16
#define LARGEST 2048

static int
run_variable(const struct bench *bench)
{
	struct bench_row *row = bench_alloc(sizeof(*row));
	unsigned *sizes = bench_alloc(NR_SIZES * sizeof(*sizes));
	unsigned state = 1;
	int err = 0;

	if (row == NULL || sizes == NULL) {
		err = bench_skip(bench, "no row", -E_NO_MEM);
		goto out;
	}
	for (unsigned i = 0; i < NR_SIZES; i++)
		sizes[i] = SMALLEST +
			   bench_random(&state) % (LARGEST - SMALLEST + 1);
	bench_row_init(row, bench->name, "", PAIRS);
	while (bench_row_wants_more(row)) {
		uint64_t start = arch_cycles();

		for (unsigned i = 0; i < PAIRS; i++)
			kfree(kmalloc(sizes[i % NR_SIZES], GFP_KERNEL));
		bench_row_add(row, start);
	}
	bench_row_print(row);
out:
	if (sizes != NULL)
		bench_free(sizes, NR_SIZES * sizeof(*sizes));
	if (row != NULL)
		bench_free(row, sizeof(*row));
	return err;
}

const struct bench bench_kmalloc_variable = {
	.name = "kmalloc.pair.variable",
	.help = "kmalloc of 16 to 2,048 bytes, as a table says; kfree",
	.run = run_variable,
};

/* -- batches: 10,000 objects at once --------------------------------------------- */

enum {
	FREE_FIFO,
	FREE_LIFO,
	FREE_RANDOM,
	NR_FREE_ORDERS
};

static const char *const free_names[NR_FREE_ORDERS] = {
	".free_fifo",
	".free_lifo",
	".free_random",
};

struct batch {
	struct bench_row alloc;
	struct bench_row free[NR_FREE_ORDERS];
	unsigned order[NR_FREE_ORDERS][BATCH_OBJECTS];
	void *objects[BATCH_OBJECTS];
};

static void
batch_init(struct batch *batch, const char *name)
{
	bench_row_init(&batch->alloc, name, ".alloc", BATCH_OBJECTS);
	for (unsigned o = 0; o < NR_FREE_ORDERS; o++)
		bench_row_init(&batch->free[o], name, free_names[o],
			       BATCH_OBJECTS);
	for (unsigned i = 0; i < BATCH_OBJECTS; i++) {
		batch->order[FREE_FIFO][i] = i;
		batch->order[FREE_LIFO][i] = BATCH_OBJECTS - 1 - i;
	}
	bench_shuffle(batch->order[FREE_RANDOM], BATCH_OBJECTS);
}

static int
batch_alloc(struct batch *batch)
{
	uint64_t start = arch_cycles();

	for (unsigned i = 0; i < BATCH_OBJECTS; i++) {
		batch->objects[i] = kmalloc(BATCH_SIZE, GFP_KERNEL);
		if (batch->objects[i] == NULL) {
			while (i-- > 0)
				kfree(batch->objects[i]);
			return -E_NO_MEM;
		}
	}
	/* The rows of frees decide how often; this one takes what it can. */
	if (bench_row_wants_more(&batch->alloc))
		bench_row_add(&batch->alloc, start);
	return 0;
}

static void
batch_free(struct batch *batch, struct bench_row *row, const unsigned order[])
{
	uint64_t start = arch_cycles();

	for (unsigned i = 0; i < BATCH_OBJECTS; i++)
		kfree(batch->objects[order[i]]);
	bench_row_add(row, start);
}

static int
run_batch(const struct bench *bench)
{
	struct batch *batch = bench_alloc(sizeof(*batch));
	int err = 0;

	if (batch == NULL)
		return bench_skip(bench, "no arrays", -E_NO_MEM);
	batch_init(batch, bench->name);
	for (unsigned o = 0; o < NR_FREE_ORDERS; o++) {
		struct bench_row *row = &batch->free[o];

		while (bench_row_wants_more(row)) {
			err = batch_alloc(batch);
			if (err != 0) {
				bench_skip(bench, "no objects", err);
				goto out;
			}
			batch_free(batch, row, batch->order[o]);
		}
	}
	bench_row_print(&batch->alloc);
	for (unsigned o = 0; o < NR_FREE_ORDERS; o++)
		bench_row_print(&batch->free[o]);
out:
	bench_free(batch, sizeof(*batch));
	return err;
}

const struct bench bench_slob_batch = {
	.name = "slob.batch10000",
	.help = "10,000 objects of 192 bytes: one allocation, one free",
	.backend = "slob",
	.run = run_batch,
};

const struct bench bench_slab_batch = {
	.name = "slab.batch10000",
	.help = "10,000 objects of 192 bytes: one allocation, one free",
	.backend = "slab",
	.run = run_batch,
};
