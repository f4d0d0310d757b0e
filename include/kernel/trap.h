/*
 * Traps, as the layers above see them: who handles page faults and system calls,
 * and whether the code that runs is part of an interrupt.
 *
 * core/trap/trap.c has the theory. The port's side is <arch/trap.h>.
 */
#ifndef KERNEL_TRAP_H
#define KERNEL_TRAP_H

#include <kernel/thread.h>
#include <arch/trap.h>

/*
 * Handles a page fault. 0: the access is to be tried again. -E_SOMETHING: it
 * cannot succeed; then the instruction's fix-up (<kernel/fixup.h>) gets the
 * error, and if it has none the kernel ends with a report.
 *
 * Context: the thread that faulted, with interrupts as they were where it
 * faulted. The handler may sleep if fault->no_sleep is NULL. Otherwise this is a
 * context in which nobody may sleep, and the handler does what it can without
 * sleeping, or returns an error.
 */
typedef int page_fault_fn(struct page_fault *fault);

/* Handles a system call and returns its result. Context: the thread that made
 * the call, interrupts on if they were on there; it may sleep. */
typedef long syscall_fn(struct trapframe *tf, const struct syscall *call);

/* Registers the function that handles all page faults or all system calls from
 * now on; NULL: nobody does. Each returns the one before. Any context. */
page_fault_fn *trap_set_page_fault_handler(page_fault_fn *fn);
syscall_fn *trap_set_syscall_handler(syscall_fn *fn);

/* Whether the code that runs is part of an interrupt's handler. */
static inline bool
in_interrupt(void)
{
	return current->irq_depth > 0;
}

#endif /* KERNEL_TRAP_H */
