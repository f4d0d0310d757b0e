/*
 * Port contract: instructions that checks need, and that C cannot express.
 *
 * A check of traps wants to know that a thread finds every register as it was, so
 * it must decide what is in each of them, and look at each of them afterwards.
 */
#ifndef ARCH_PROBE_H
#define ARCH_PROBE_H

#include <kernel/types.h>
#include <arch/trap.h>

/* Fills all general registers with values that depend on `seed`, and increments the
 * 32-bit word at `address`, which may be a page fault. Returns whether
 * everything in all registers is still there. Any context. */
bool arch_probe_touch(uintptr_t address, uintptr_t seed);

/* Reads the 32-bit word at `address`; if that is refused, the fix-up returns the
 * error. 0 or an error. Any context. */
int arch_probe_load(uintptr_t address, uint32_t *value) __must_check;

/* Makes a system call as a program does. Returns whether all registers that a
 * program may rely on are as they were. */
bool arch_probe_syscall(const struct syscall *call, long *result);

/*
 * Fills the registers of the floating-point unit and the vector registers with
 * values that depend on `seed`, increments the 32-bit word at `address`, which may be
 * a page fault, and spins for `rounds` rounds, at least one. Returns whether everything in all
 * of them is still there. The calling thread has an FPU state (proc->fpu).
 */
bool arch_probe_fpu_touch(uintptr_t address, uint32_t seed,
			  unsigned long rounds);

/* The same around a call of fn, for those registers that a function of this port
 * leaves alone: on i386 all, since the kernel uses none; on the host the control
 * words. */
bool arch_probe_fpu_call(void (*fn)(void), uint32_t seed);

#endif /* ARCH_PROBE_H */
