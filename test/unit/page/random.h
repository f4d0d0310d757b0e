/*
 * Random numbers of the page tests, and their two parameters: SEED (printed, so that
 * a failure can be had again) and OPS (how many operations).
 */
#ifndef TEST_UNIT_PAGE_RANDOM_H
#define TEST_UNIT_PAGE_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static uint64_t random_state;

static inline unsigned long
test_parameter(const char *name, unsigned long default_value)
{
	const char *text = getenv(name);

	return text != NULL ? strtoul(text, NULL, 0) : default_value;
}

static inline void
random_start(const char *who)
{
	unsigned long seed =
		test_parameter("SEED", (unsigned long)time(NULL) ^
					       (unsigned long)getpid() << 16);

	random_state = seed * 2 + 1;
	printf("# %s: SEED=%lu\n", who, seed);
	fflush(stdout);
}

/* In [0, n). */
static inline size_t
random_below(size_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (size_t)((random_state >> 16) % n);
}

#endif /* TEST_UNIT_PAGE_RANDOM_H */
