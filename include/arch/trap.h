/*
 * Port contract: traps.
 *
 * A trap is what interrupts the code that runs on a CPU: an interrupt, a page
 * fault, a system call, or an exception that nobody can handle. Whatever it is,
 * the port saves what was interrupted in a struct trapframe on the stack of the
 * thread that runs, turns interrupts off, and calls one of the upcalls below.
 * core/trap/trap.c says what core does with it.
 */
#ifndef ARCH_TRAP_H
#define ARCH_TRAP_H

#include <kernel/types.h>
#include <arch/thread.h>

/* -- what a port offers ------------------------------------------------------------ */

/* Whether the frame returns to a place where interrupts are on. */
bool arch_frame_irqs_on(const struct trapframe *tf);

/* Whether the frame returns to user mode. */
bool arch_frame_is_user(const struct trapframe *tf);

/* Where the frame returns to: for the frame of a fault, the instruction that
 * faulted. */
uintptr_t arch_frame_pc(const struct trapframe *tf);

/* Makes the frame return to `pc` instead, with `result` in the register in which
 * functions return their value (i386: eax; host: rax). */
void arch_frame_divert(struct trapframe *tf, uintptr_t pc, long result);

/* Makes the frame of a system call return this result. */
void arch_frame_set_result(struct trapframe *tf, long result);

/* Prints the registers of a frame, one fact a line. Any context. */
void arch_frame_print(const struct trapframe *tf);

/* -- what core offers: upcalls ----------------------------------------------------- */

/*
 * The two ends of an interrupt's handler, with interrupts off around both and in
 * between:
 *     older = trap_enter_interrupt(tf);  ... handle it ...
 *     trap_leave_interrupt(older);
 * trap_enter_interrupt makes tf current->tf and returns the frame that was the
 * newest before. trap_leave_interrupt puts that one back; before it does, it may
 * switch to other threads, and may come back on another CPU.
 */
struct trapframe *trap_enter_interrupt(struct trapframe *tf);
void trap_leave_interrupt(struct trapframe *older);

/* What the access was that a page fault stopped. */
enum page_fault_access {
	PAGE_FAULT_WRITE = 1 << 0,   /* a write; otherwise a read or a fetch */
	PAGE_FAULT_FETCH = 1 << 1,   /* an instruction was to be executed */
	PAGE_FAULT_PRESENT = 1 << 2, /* the page is mapped, but not for this */
	PAGE_FAULT_USER = 1 << 3,    /* by code in user mode */
};

struct page_fault {
	struct trapframe *tf;
	uintptr_t address;
	unsigned access; /* enum page_fault_access */
	/* Core's answer for the handler: why it may not sleep, in words; NULL:
	 * it may. */
	const char *no_sleep;
};

/*
 * A page fault. The port fills in all but `no_sleep`, and calls this with
 * interrupts off; it returns with interrupts off, possibly much later and on
 * another CPU. Then the port returns through the frame, which may have been
 * diverted. Faults in the guard of a kernel stack are not for this function: the
 * port names them and ends the kernel itself (trap_fatal).
 */
void trap_page_fault(struct page_fault *fault);

#define NR_SYSCALL_ARGS 6

/* A system call, as the registers of its frame have it. */
struct syscall {
	long number;
	long args[NR_SYSCALL_ARGS];
};

/* A system call. Context as for trap_page_fault; the result is in the frame then
 * (arch_frame_set_result). */
void trap_syscall(struct trapframe *tf, const struct syscall *call);

/*
 * A trap that nobody can handle (an exception in the kernel, a stack overflow).
 * `what` is one line that names it ("divide error at 0xc0101234"). Prints
 * everything useful and halts. Any context.
 */
void trap_fatal(const struct trapframe *tf, const char *what) __noreturn;

#include <port/trap.h>

#endif /* ARCH_TRAP_H */
