/*
 * Failpoints: places where something can run out, and can be made to fail
 * (<kernel/inject.h>), so that every error path can be walked.
 *
 * Debug builds only: there the code says
 *	if (KERNEL_DEBUG && failpoint())
 *		return NULL;
 * Objects of the slab allocator fail on purpose in every build: failslab.
 */
#ifndef KERNEL_FAILPOINT_H
#define KERNEL_FAILPOINT_H

#include <kernel/types.h>

/* The n-th failpoint (1 = the next) that the calling thread meets from now on
 * fails, once, silently; 0 disarms. One at a time. */
void failpoint_arm(unsigned n);

/* Disarms. Returns whether it fired since it was armed. */
bool failpoint_disarm(void);

/* Whether to fail here and now. Any context. */
bool failpoint(void);

struct boot_option;
extern const struct boot_option failpoint_option; /* failpoint=SETTINGS */

/* Arms by text, as inject_parse reads it, or "off". 0, or -E_INVAL (said). */
int failpoint_write(const char *text) __must_check;

/* Who failed so far: for inject_print and its like. */
struct inject_attr;
extern struct inject_attr failpoint_attr;

#endif /* KERNEL_FAILPOINT_H */
