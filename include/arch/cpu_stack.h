/*
 * Port contract: stacks of pointers, one for each CPU, without locks and without
 * turning interrupts off.
 *
 * Both functions are *restartable ranges* (kernel/restart.h): a few
 * instructions that end with the one store that makes the operation happen. A
 * trap that finds the CPU inside of one sends it back to the range's beginning,
 * so whatever ran in between, on this CPU or (a migration) on another, the
 * operation is done as a whole, on the stack of the CPU where its last
 * instruction is executed.
 *
 * Callable in any context. No other CPU touches a CPU's stack; the CPU itself
 * does otherwise only with interrupts off.
 */
#ifndef ARCH_CPU_STACK_H
#define ARCH_CPU_STACK_H

#include <arch/cpu.h>

struct cpu_stack {
	void **top; /* the newest entry; below the oldest one is a NULL */
	void **end; /* a push needs top < end */
};

/* Takes the newest entry off stacks[this CPU]; NULL: there is none. */
void *arch_cpu_stack_pop(struct cpu_stack *const stacks[]);

/* Puts an entry (not NULL) onto stacks[this CPU]; false: there is no room. */
bool arch_cpu_stack_push(struct cpu_stack *const stacks[], void *entry);

#include <port/cpu_stack.h>

#endif /* ARCH_CPU_STACK_H */
