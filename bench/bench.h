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
	/* In a thread of its own bound to a CPU, interrupts on; may sleep.
	 * 0, or an error that keeps rows from being measured. */
	int (*run)(const struct bench *bench);
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
extern const struct bench bench_kmalloc_variable;
extern const struct bench bench_slob_pair, bench_slob_batch;
extern const struct bench bench_slab_pair, bench_slab_batch;

/* What is asked for when `bench` names no number of samples. */
#define BENCH_SAMPLES 101
/* A row whose samples are dear has fewer, but never less than these... */
#define BENCH_SAMPLES_MIN 5
/* ...once it has taken this many cycles. */
#define BENCH_ROW_BUDGET 300000000u

/* Samples of one row. One sample = cycles of a batch of `ops` operations. */
struct bench_row {
	const char *name;
	const char *suffix; /* appended to the name; "" for none */
	unsigned long ops;
	bool is_warm; /* the first batch is over */
	unsigned nr_samples;
	uint64_t cycles; /* of all samples */
	unsigned long samples[BENCH_SAMPLES];
};

void bench_row_init(struct bench_row *row, const char *name, const char *suffix,
		    unsigned long ops);
/* Whether another sample is wanted: the loop condition of a benchmark. */
bool bench_row_wants_more(const struct bench_row *row);
/* Adds a sample: the cycles since `start`, as arch_cycles() gave it. The first
 * one is not counted: it warmed up. */
void bench_row_add(struct bench_row *row, uint64_t start);
void bench_row_print(struct bench_row *row);

/* Reports why a row cannot be measured here. Returns err. */
int bench_skip(const struct bench *bench, const char *why, int err);

/* Rows and arrays of a benchmark: whole pages, contents undefined; NULL: no memory. */
void *bench_alloc(size_t size) __must_check;
void bench_free(void *memory, size_t size);

/* A fixed sequence of numbers, the same on every run and machine. */
unsigned bench_random(unsigned *state);
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
