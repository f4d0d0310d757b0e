/*
 * What the peer programs share: the same sampling as the kernel's benchmarks
 * have, in nanoseconds. Ordinary Linux programs; one line a row:
 *
 *	peer: slob.pair.192 n=101 ops=1000 median=18.40 min=18.01 max=25.10
 */
#ifndef PEER_H
#define PEER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PEER_SAMPLES 21

struct peer_row {
	const char *name;
	unsigned long ops;
	unsigned nr_samples;
	double samples[PEER_SAMPLES + 1]; /* the first one only warms up */
};

static inline uint64_t
peer_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline int
peer_wants_more(const struct peer_row *row)
{
	return row->nr_samples <= PEER_SAMPLES;
}

static inline void
peer_add(struct peer_row *row, uint64_t start)
{
	row->samples[row->nr_samples++] =
		(double)(peer_now() - start) / (double)row->ops;
}

static int
peer_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline void
peer_print(struct peer_row *row)
{
	double *samples = row->samples + 1;

	qsort(samples, PEER_SAMPLES, sizeof(*samples), peer_compare);
	printf("peer: %s n=%d ops=%lu median=%.2f min=%.2f max=%.2f\n",
	       row->name, PEER_SAMPLES, row->ops, samples[PEER_SAMPLES / 2],
	       samples[0], samples[PEER_SAMPLES - 1]);
	fflush(stdout);
}

#endif /* PEER_H */
