/*
 * Hot pairs: an object is allocated, and freed at once.
 *
 * The friendliest pattern there is: the same object again and again, in the
 * nearest cache. Also with other objects alive, from none to LIVE_MAX of them.
 * An allocator that gives something up each time its current page or array
 * runs empty or full (and takes it back with the next call) is slow at some of these
 * numbers and fast between them; a row at one number of them is luck.
 */
#include "bench.h"

#include <kernel/error.h>
#include <kernel/kmalloc.h>
#include <kernel/string.h>

/* Pairs in one sample. */
#define PAIRS 1000

static const size_t pair_sizes[] = { 64, 192, 512, 2048 };

/* What a pair is of. */
struct subject {
	struct kmem_cache *cache; /* NULL: kmalloc */
	size_t size;
};

static void
cache_pairs(void *arg)
{
	struct kmem_cache *cache = ((const struct subject *)arg)->cache;

	for (unsigned i = 0; i < PAIRS; i++)
		kmem_cache_free(cache, kmem_cache_alloc(cache, GFP_KERNEL));
}

static void
kmalloc_pairs(void *arg)
{
	size_t size = ((const struct subject *)arg)->size;

	for (unsigned i = 0; i < PAIRS; i++)
		kfree(kmalloc(size, GFP_KERNEL));
}

/* -- nothing else alive ------------------------------------------------------------ */

static int
run_cache_pair(const struct bench *bench, void *memory)
{
	struct bench_row *row = memory;

	for (unsigned i = 0; i < ARRAY_SIZE(pair_sizes); i++) {
		struct subject subject = { .size = pair_sizes[i] };
		int err;

		subject.cache =
			kmem_cache_create("bench", subject.size, 0, 0, NULL);
		if (subject.cache == NULL)
			return bench_skip(bench, "no cache", -E_NO_MEM);
		bench_row_init(row, PAIRS, "%s.%zu", bench->name, subject.size);
		bench_row_measure(row, cache_pairs, &subject);
		err = kmem_cache_destroy(subject.cache);
		if (err != 0)
			return err;
	}
	return 0;
}

const struct bench bench_slab_pair = {
	.name = "slab.pair",
	.help = "kmem_cache_alloc, kmem_cache_free",
	.backend = "slab",
	.memory = sizeof(struct bench_row),
	.run = run_cache_pair,
};

static int
run_slob_pair(const struct bench *bench, void *memory)
{
	struct subject subject = { .size = 192 };

	bench_row_init(memory, PAIRS, "%s", bench->name);
	bench_row_measure(memory, kmalloc_pairs, &subject);
	return 0;
}

const struct bench bench_slob_pair = {
	.name = "slob.pair.192",
	.help = "kmalloc(192), kfree",
	.backend = "slob",
	.memory = sizeof(struct bench_row),
	.run = run_slob_pair,
};

/* A power of two: the index wraps with one instruction. */
#define NR_SIZES 256
#define SMALLEST 16
#define LARGEST 2048

struct pairs {
	struct bench_row row;
	unsigned sizes[NR_SIZES];
};

static void
variable_pairs(void *arg)
{
	const unsigned *sizes = ((const struct pairs *)arg)->sizes;

	for (unsigned i = 0; i < PAIRS; i++)
		kfree(kmalloc(sizes[i % NR_SIZES], GFP_KERNEL));
}

static int
run_kmalloc_pair(const struct bench *bench, void *memory)
{
	struct pairs *pairs = memory;
	unsigned state = 1;

	for (unsigned i = 0; i < ARRAY_SIZE(pair_sizes); i++) {
		struct subject subject = { .size = pair_sizes[i] };

		bench_row_init(&pairs->row, PAIRS, "%s.%zu", bench->name,
			       subject.size);
		bench_row_measure(&pairs->row, kmalloc_pairs, &subject);
	}
	for (unsigned i = 0; i < NR_SIZES; i++)
		pairs->sizes[i] = SMALLEST + bench_random(&state) %
						     (LARGEST - SMALLEST + 1);
	bench_row_init(&pairs->row, PAIRS, "%s.variable", bench->name);
	bench_row_measure(&pairs->row, variable_pairs, pairs);
	return 0;
}

const struct bench bench_kmalloc_pair = {
	.name = "kmalloc.pair",
	.help = "kmalloc, kfree; .variable: of 16 to 2,048 bytes, as a table says",
	.memory = sizeof(struct pairs),
	.run = run_kmalloc_pair,
};

/* -- among live objects -------------------------------------------------------------- */

#define LIVE_MAX 200
/* Samples at each number of live objects, and at one that may be the worst. */
#define LIVE_SAMPLES 3
#define WORST_SAMPLES 21

struct live {
	struct bench_row row;	/* one sample for each number of live objects */
	struct bench_row here;	/* at the present one */
	struct bench_row worst; /* at the worst one so far */
	void *objects[LIVE_MAX];
};

/* The median of nr samples, which live->here keeps. */
static unsigned long
sample_here(struct live *live, unsigned nr, struct subject *subject)
{
	void (*pairs)(void *) = subject->cache != NULL ? cache_pairs
						       : kmalloc_pairs;

	live->here.nr_samples = 0;
	while (live->here.nr_samples < nr) {
		uint64_t start = arch_cycles();

		pairs(subject);
		bench_row_add(&live->here, start);
	}
	return bench_row_median(&live->here);
}

/*
 * One more number of live objects. Among so many numbers the largest sample is
 * noise as often as not: what looks like the worst is measured again, longer,
 * before anything else changes.
 */
static void
add_number(struct live *live, struct subject *subject)
{
	unsigned long median = sample_here(live, LIVE_SAMPLES, subject);

	bench_row_put(&live->row, median);
	if (live->worst.nr_samples != 0 &&
	    median <= bench_row_median(&live->worst))
		return;
	median = sample_here(live, WORST_SAMPLES, subject);
	if (live->worst.nr_samples == 0 ||
	    median > bench_row_median(&live->worst)) {
		memcpy(live->worst.samples, live->here.samples,
		       sizeof(live->here.samples));
		live->worst.nr_samples = live->here.nr_samples;
	}
}

static void *
subject_alloc(const struct subject *subject)
{
	return subject->cache != NULL
		       ? kmem_cache_alloc(subject->cache, GFP_KERNEL)
		       : kmalloc(subject->size, GFP_KERNEL);
}

static void
subject_free(const struct subject *subject, void *object)
{
	if (subject->cache != NULL)
		kmem_cache_free(subject->cache, object);
	else
		kfree(object);
}

static int
measure_live(const struct bench *bench, struct live *live,
	     struct subject *subject)
{
	unsigned nr = 0;
	int err = 0;

	BUILD_ASSERT(LIVE_MAX + 1 <= BENCH_SAMPLES_MAX);
	bench_row_init(&live->row, PAIRS, "%s.%zu", bench->name, subject->size);
	bench_row_init(&live->here, PAIRS, "%s", bench->name);
	bench_row_init(&live->worst, PAIRS, "%s.%zu.worst", bench->name,
		       subject->size);
	if (!live->row.is_wanted && !live->worst.is_wanted)
		return 0;
	add_number(live, subject);
	for (; nr < LIVE_MAX; nr++) {
		live->objects[nr] = subject_alloc(subject);
		if (live->objects[nr] == NULL) {
			err = bench_skip(bench, "no objects", -E_NO_MEM);
			goto out;
		}
		add_number(live, subject);
	}
	bench_row_print(&live->row);
	bench_row_print(&live->worst);
out:
	while (nr-- > 0)
		subject_free(subject, live->objects[nr]);
	return err;
}

static int
run_cache_live(const struct bench *bench, void *memory)
{
	for (unsigned i = 0; i < ARRAY_SIZE(pair_sizes); i++) {
		struct subject subject = { .size = pair_sizes[i] };
		int err, busy;

		subject.cache =
			kmem_cache_create("bench", subject.size, 0, 0, NULL);
		if (subject.cache == NULL)
			return bench_skip(bench, "no cache", -E_NO_MEM);
		err = measure_live(bench, memory, &subject);
		busy = kmem_cache_destroy(subject.cache);
		if (err != 0 || busy != 0)
			return err != 0 ? err : busy;
	}
	return 0;
}

const struct bench bench_slab_live = {
	.name = "slab.live",
	.help = "slab.pair with 0 to 200 more objects alive",
	.backend = "slab",
	.memory = sizeof(struct live),
	.run = run_cache_live,
};

static int
run_kmalloc_live(const struct bench *bench, void *memory)
{
	int err = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(pair_sizes) && err == 0; i++) {
		struct subject subject = { .size = pair_sizes[i] };

		err = measure_live(bench, memory, &subject);
	}
	return err;
}

const struct bench bench_kmalloc_live = {
	.name = "kmalloc.live",
	.help = "kmalloc.pair with 0 to 200 more objects alive",
	.memory = sizeof(struct live),
	.run = run_kmalloc_live,
};
