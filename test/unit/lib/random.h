/*
 * Numbers that look random and are the same in every run.
 */
#ifndef TEST_UNIT_LIB_RANDOM_H
#define TEST_UNIT_LIB_RANDOM_H

#include <stdint.h>

static uint64_t random_state = 0x9e3779b97f4a7c15;

static inline uint64_t
random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* In [0, n). */
static inline unsigned
random_below(unsigned n)
{
	return (unsigned)(random_next() >> 32) % n;
}

/* Of any magnitude, small ones and round ones as often as large ones. */
static inline uint64_t
random_value(void)
{
	uint64_t value = random_next() >> random_below(64);

	switch (random_below(8)) {
	case 0:
		return 0;
	case 1:
		return 1ull << random_below(64);
	case 2:
		return (1ull << random_below(64)) - 1;
	case 3:
		return 0 - value;
	default:
		return value;
	}
}

#endif /* TEST_UNIT_LIB_RANDOM_H */
