/*
 * Port contract: the registers of the floating-point unit and of vectors.
 *
 * The kernel itself does not use them. A thread that runs a program may, and then
 * it has a struct fpu_state (proc->fpu): the scheduler saves the registers into it
 * when the thread is switched away from, and loads them when it comes back. Kernel
 * threads have none (proc->fpu is NULL), and cost nothing: see has_user_state.
 *
 * <port/fpu.h>, included at the end, completes struct fpu_state, with the alignment
 * that it needs.
 */
#ifndef ARCH_FPU_H
#define ARCH_FPU_H

#include <kernel/types.h>

struct fpu_state;

/* The state in which a program begins: control words as the machine's convention
 * has them, all else 0. Any context. */
void arch_fpu_init(struct fpu_state *state);

/* Saves this CPU's registers; they hold nothing of value afterwards. Interrupts
 * off. */
void arch_fpu_save(struct fpu_state *state);

/* Loads this CPU's registers with what arch_fpu_init or arch_fpu_save left there.
 * Interrupts off. */
void arch_fpu_load(const struct fpu_state *state);

#include <port/fpu.h>

#endif /* ARCH_FPU_H */
