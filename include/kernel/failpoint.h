/*
 * Allocations that fail on purpose, so that every error path can be walked.
 *
 * Debug builds only: where something can run out, the code says
 *	if (KERNEL_DEBUG && failpoint())
 *		return NULL;
 * and a test arms the n-th of these that the calling thread meets.
 */
#ifndef KERNEL_FAILPOINT_H
#define KERNEL_FAILPOINT_H

#include <kernel/types.h>

/* The n-th failpoint (1 = the next) that the calling thread meets from now on
 * fails, once; 0 disarms. One thread at a time. */
void failpoint_arm(unsigned n);

/* Disarms. Returns whether it fired since it was armed. */
bool failpoint_disarm(void);

/* Whether to fail here and now. Any context. */
bool failpoint(void);

#endif /* KERNEL_FAILPOINT_H */
