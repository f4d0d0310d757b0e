/*
 * Port contract: single-stepping, so that a check can interrupt a thread before
 * any instruction it likes.
 *
 * It is the machine's own: a debug trap before each instruction. It is not an
 * interrupt for the kernel: nobody is scheduled, and restartable ranges are not
 * sent back.
 */
#ifndef ARCH_STEP_H
#define ARCH_STEP_H

#include <kernel/types.h>

/* What to do before the instruction at hand. */
enum step {
	STEP_ON,     /* execute it */
	STEP_STRIKE, /* first take an interrupt of the clock, here; then go on */
	STEP_STOP,   /* execute it, and from then on step no more */
};

/* Called before each instruction; interrupts off. */
typedef enum step step_fn(uintptr_t pc);

/* From its return on, the calling thread is stepped. Interrupts on, one thread at
 * a time. false: this machine cannot, or its interrupts do not come by
 * themselves. */
bool arch_step_start(step_fn *fn);

#endif /* ARCH_STEP_H */
