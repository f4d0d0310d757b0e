/*
 * The floating-point unit and SSE, of a thread that is switched.
 *
 * A switch is a call, so most of these registers hold nothing that matters; what a
 * function must keep are the control words (rounding, masked exceptions) and what an
 * x87 stack holds. A thread that is switched in the middle of its work, by an
 * interrupt or a fault, has everything in the frame of a signal (irq.c, trap.c).
 *
 * libc and the sanitizers expect the control words with which a process begins, so
 * the registers are reset when they have been saved.
 */
#include "host.h"
#include <arch/fpu.h>
#include <string.h>

/* Offsets in what fxsave64 writes, and the values of the convention. */
#define CONTROL_WORD 0
#define MXCSR 24

static const uint16_t control_word_start = 0x037f;
static const uint32_t mxcsr_start = 0x1f80;

void
arch_fpu_init(struct fpu_state *state)
{
	*state = (struct fpu_state){ { 0 } };
	memcpy(&state->bytes[CONTROL_WORD], &control_word_start,
	       sizeof(control_word_start));
	memcpy(&state->bytes[MXCSR], &mxcsr_start, sizeof(mxcsr_start));
}

void
arch_fpu_save(struct fpu_state *state)
{
	__asm__ volatile("fxsave64 %0\n\t"
			 "fninit\n\t"
			 "ldmxcsr %1"
			 : "=m"(*state)
			 : "m"(mxcsr_start));
}

void
arch_fpu_load(const struct fpu_state *state)
{
	__asm__ volatile("fxrstor64 %0" : : "m"(*state));
}
