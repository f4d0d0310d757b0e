/*
 * Port contract: threads.
 *
 * struct context (what a thread that gave up the CPU inside the kernel needs)
 * and struct trapframe (what a trap interrupted) are the port's: core embeds
 * the one and points to the other, and never looks inside.
 *
 * <port/thread.h>, included at the end, completes both, may define functions
 * again as PORT_INLINE, and defines
 *   ARCH_KSTACK_PAGES   pages of a kernel stack
 *   ARCH_KSTACK_SLOT    bytes of address space for each: stack plus guard
 */
#ifndef ARCH_THREAD_H
#define ARCH_THREAD_H

#include <kernel/types.h>
#include <arch/cpu.h>

struct context;
struct trapframe;
struct proc_struct;

/* What a kernel thread runs; its return value becomes the exit code. */
typedef int thread_fn(void *arg);

/*
 * Saves this thread's registers in *prev, loads those of *next, and returns
 * on next's stack. Interrupts off; the run-queue lock is held across it and
 * dropped by next (sched_finish_switch).
 */
void switch_to(struct context *prev, struct context *next);

/*
 * Makes a new thread, whose context is all zero, ready for its first switch_to(): copies *tf to the top of
 * the stack [kstack, kstack + ARCH_KSTACK_PAGES * PAGE_SIZE) - return register 0,
 * user stack pointer `stack`, interrupts on - and points *context at forkret.
 * Returns where the frame lies. The first run is forkret: it calls
 * sched_finish_switch(), then returns from the trap through the frame.
 */
struct trapframe *arch_thread_forge(struct context *context, void *kstack,
				    uintptr_t stack,
				    const struct trapframe *tf);

/* The same for a kernel thread: the frame, made where it belongs, leads to
 * fn(arg) with interrupts on, and fn's result to do_exit(). */
struct trapframe *arch_kernel_thread_forge(struct context *context,
					   void *kstack, thread_fn *fn,
					   void *arg);

/* The thread of this context will never run again and is not running (it may
 * be called before its first run): gives back what the port attached to it, and
 * clears it. Called before the stack is freed, also on an all-zero context. */
void arch_thread_discard(struct context *context);

/* The stack pointer of a thread that does not run: the part of its stack in use
 * begins there. */
uintptr_t arch_context_sp(const struct context *context);

/* The top of the stack that a trap from outside the kernel starts on
 * (i386: TSS). Interrupts off. */
void arch_set_kernel_stack(void *top);

/*
 * Return addresses of the calling thread (tf == NULL) or of what tf
 * interrupted, newest first; returns how many. Never faults: it stops at the
 * end of the stack or at a frame that makes no sense. Any context.
 */
unsigned arch_backtrace(const struct trapframe *tf, uintptr_t *pcs,
			unsigned max);

/* Upcall: first thing of a new thread, from forkret, interrupts off: ends the
 * switch that brought it here (drops the run-queue lock). */
void sched_finish_switch(void);

/* Upcall: what a kernel thread returns to. Never returns. */
void do_exit(int code) __noreturn;

#include <port/thread.h>

#endif /* ARCH_THREAD_H */
