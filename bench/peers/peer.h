/*
 * What the peer programs share: the same sampling as the kernel's benchmarks
 * have, in nanoseconds. Ordinary Linux programs; one line a row:
 *
 *	peer: malloc.pair.192 n=21 ops=1000 median=18.40 min=18.01 max=25.10
 *
 * Words of the command line choose rows: what their names begin with; n=SAMPLES.
 */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PEER_SAMPLES 21
/* No row has more. */
#define PEER_SAMPLES_MAX 256
/* A row whose samples are dear stops at PEER_SAMPLES_MIN, after so many ns. */
#define PEER_SAMPLES_MIN 5
#define PEER_ROW_BUDGET 150e6

struct peer_row {
	char name[48];
	unsigned long ops;
	bool is_wanted;
	bool is_warm; /* the first sample only warms up */
	unsigned nr_samples;
	double total;			  /* of all samples */
	double samples[PEER_SAMPLES_MAX]; /* per operation */
};

static inline uint64_t
peer_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Takes the command line; a wrong n= ends the program. */
void peer_arguments(int argc, char *argv[]);
/* Whether a word begins with, or is the beginning of, this name. */
bool peer_is_named(const char *name);
/* Whether a word is just this name. */
bool peer_is_in_full(const char *name);

void peer_row_init(struct peer_row *row, unsigned long ops, const char *format,
		   ...) __attribute__((format(printf, 3, 4)));
bool peer_wants_more(const struct peer_row *row);
void peer_add(struct peer_row *row, uint64_t start);
void peer_put(struct peer_row *row, double value);
/* Of the samples so far, which it sorts; there is one. */
double peer_median(struct peer_row *row);
void peer_print(struct peer_row *row);
void peer_measure(struct peer_row *row, void (*batch)(void *arg), void *arg);

/* As the kernel's bench_random and bench_random_below: the same numbers. */
static inline unsigned
next_random(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static inline unsigned
random_below(unsigned *state, unsigned limit)
{
	return (next_random(state) >> 8) * limit >> 16;
}

void shuffle(unsigned order[], unsigned n);

/* Ends the program with a line that says why. */
_Noreturn void die(const char *what, int err);
/* malloc that never fails. */
void *allocate(size_t size);

/* -- the subjects: objects.c calls them one after the other ---------------------- */

void peer_pairs(void);
void peer_batches(void);
void peer_mixed(void);
void peer_cpus(void);
void peer_memory(void);

#endif /* PEER_H */
