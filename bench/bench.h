/*
 * In-kernel benchmarks: what a benchmark is, and how it measures.
 *
 * A benchmark times batches of an operation with arch_cycles() and reports
 * rows, one line of the log each:
 *
 *	bench: switch.yield.2 n=101 ops=2000 median=98.50 min=98.50 max=101.20
 *
 * Numbers are arch_cycles() per operation: guest instructions in QEMU under
 * icount, cycles of the counter elsewhere; bench/run knows which, and makes the
 * table. docs/benchmarks.md says what each row means.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <arch/cpu.h>
#include <kernel/types.h>

struct bench {
	const char *name; /* of its row, or the common beginning of its rows */
	const char *help; /* what one operation is */
	const char *backend; /* the kmalloc back end it is about, or NULL */
	unsigned nr_cpus;    /* it needs so many; 0 is 1 */
	size_t memory;	     /* bytes that run gets: its rows and arrays */
	/* In a thread of its own bound to a CPU, interrupts on; may sleep. The
	 * memory's contents are undefined. 0, or an error that keeps rows
	 * from being measured. */
	int (*run)(const struct bench *bench, void *memory);
};

/* The table, benches.c; ends with NULL. */
extern const struct bench *const benches[];

extern const struct bench bench_boot, bench_counter;
extern const struct bench bench_yield_2, bench_yield_4000;
extern const struct bench bench_wakeup, bench_wakeup_semaphore;
extern const struct bench bench_create, bench_create_4000, bench_pid_wrap;
extern const struct bench bench_page_pair_order0, bench_page_pair_order3;
extern const struct bench bench_page_pair_order4, bench_page_batch;
extern const struct bench bench_page_fragmented_order3;
extern const struct bench bench_page_fragmented_order4;
extern const struct bench bench_slob_pair, bench_slab_pair, bench_kmalloc_pair;
extern const struct bench bench_slab_live, bench_kmalloc_live;
extern const struct bench bench_slob_batch, bench_slab_batch;
extern const struct bench bench_kmalloc_batch;
extern const struct bench bench_kmalloc_replace;
extern const struct bench bench_cache_constructed, bench_cache_reinitialised;
extern const struct bench bench_slab_walk;
extern const struct bench bench_cache_memory;
extern const struct bench bench_slab_handover;
extern const struct bench bench_slab_scale_pair, bench_slab_scale_batch;

/* What is asked for when `bench` names no number of samples. */
#define BENCH_SAMPLES 101
/* A row whose samples are dear has fewer, but never less than these... */
#define BENCH_SAMPLES_MIN 5
/* ...once it has taken this many cycles. */
#define BENCH_ROW_BUDGET 300000000u

/* No row has more samples. */
#define BENCH_SAMPLES_MAX 256
#define BENCH_ROW_NAME_LEN 47

/* Samples of one row. One sample = cycles of a batch of `ops` operations. */
struct bench_row {
	char name[BENCH_ROW_NAME_LEN + 1];
	unsigned long ops;
	bool is_wanted; /* `bench` was asked for it */
	bool is_warm;	/* the first batch is over */
	unsigned nr_samples;
	uint64_t cycles; /* of all samples */
	unsigned long samples[BENCH_SAMPLES_MAX];
};

/* An empty row; the name as printf would print it. */
void bench_row_init(struct bench_row *row, unsigned long ops,
		    const char *format, ...) __printf(3, 4);
/* Whether a word is just its name: for rows that take too long to be measured
 * whenever others like them are. */
bool bench_row_is_named(const struct bench_row *row);
/* Whether another sample is wanted: the loop condition of a benchmark. Never of
 * a row that nobody asked for. */
bool bench_row_wants_more(const struct bench_row *row);
/* Adds a sample: the cycles since `start`, as arch_cycles() gave it. The first
 * one is not counted: it warmed up. */
void bench_row_add(struct bench_row *row, uint64_t start);
/* Adds this number of cycles (or whatever the row counts), warm or not. */
void bench_row_put(struct bench_row *row, uint64_t cycles);
/* Of the samples so far, which it sorts; there is one. */
unsigned long bench_row_median(struct bench_row *row);
/* Prints the row, if it has samples. */
void bench_row_print(struct bench_row *row);
/* All of it for a row whose batches cannot fail: batch(arg) is one of them. */
void bench_row_measure(struct bench_row *row, void (*batch)(void *arg),
		       void *arg);

/* Reports why a row cannot be measured here. Returns err. */
int bench_skip(const struct bench *bench, const char *why, int err);

/* A fixed sequence of numbers below 2^24, the same on every run and machine.
 * A linear congruential generator of Numerical Recipes; its low bits are
 * poor, so they are not handed out. */
static inline unsigned
bench_random(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* The same from 0 to limit - 1 (limit <= 2^16), without a division. */
static inline unsigned
bench_random_below(unsigned *state, unsigned limit)
{
	return (bench_random(state) >> 8) * limit >> 16;
}

/* Fills order[] with 0 .. n - 1 in a random order. */
void bench_shuffle(unsigned order[], unsigned n);

/*
 * Threads that are alive and asleep while something is measured. Starts nr of them;
 * 0, or the error of the first that could not be started (then none is left).
 */
int bench_sleepers_start(unsigned nr) __must_check;
void bench_sleepers_stop(void);

/* Reaps this child (0: any), which there is. */
void bench_reap(int pid);

/* bench/run finds this function in the image and counts the instructions of its
 * loop: where the counter counts instructions, counter.loop says the same. */
void bench_counted_loop(unsigned turns);

/* The CPU that benchmarks and all threads they start are bound to. */
#define BENCH_CPU 0

#endif /* BENCH_BENCH_H */
