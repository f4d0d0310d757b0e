/*
 * Traps: what they may do, and how they end.
 *
 * PROBLEM. A trap stops a thread between two instructions, and code that handles it
 * runs on the same stack. There are two kinds. An interrupt has nothing to do
 * with the thread that it stops: its handler must be short and must not sleep,
 * because the wrong thread would wait. A page fault or a system call is
 * something that the thread itself does: its handler works for this thread, so it
 * may sleep, be preempted, be interrupted, fault again, and come back on another
 * CPU - provided that the thread might have done all that at the place where it
 * was stopped.
 *
 * MODEL. Two questions, which two members of struct proc_struct answer:
 *
 *	irq_depth   how many interrupts are being handled on this stack?
 *	            0: the code that runs belongs to the thread. Everything that
 *	            concerns sleeping, preemption and allocation asks this one.
 *	nr_traps    how many frames, of either kind, are open on this stack?
 *	            current->tf is the newest. Reports and backtraces ask this one.
 *
 * A thread that makes a system call, faults in it, and is interrupted while the
 * fault is handled:
 *
 *	                                    nr_traps  irq_depth   may sleep?
 *	the thread's own code                   0         0          yes
 *	  system call, handler                  1         0          yes
 *	    page fault, handler                 2         0          yes
 *	      interrupt, handler                3         1          no
 *	        page fault in that handler      4         1          no
 *
 * The frames lie on the stack, newest at the lowest address. A thread that is
 * switched away from, in the middle of any of this, takes them along.
 *
 * PAGE FAULTS AND SYSTEM CALLS. The port calls trap_page_fault() or
 * trap_syscall() with interrupts off. They open the frame, turn interrupts on if
 * they were on at the place that was stopped, and call the handler that a higher
 * layer has registered. When it returns, interrupts go off again, the frame is
 * closed and the port returns through it.
 *
 *	handler says   0		the access is tried again
 *	               -E_SOMETHING	the fix-up of the instruction gets the error;
 *	                               an instruction without one ends the kernel
 *
 * A fault in a place that must not sleep (in an interrupt, under a spinlock, with
 * interrupts off, in an idle thread) is not forbidden by itself. The handler is
 * told the reason in fault->no_sleep, and can still repair what needs no sleep.
 * If the kernel ends, the report says the reason too.
 *
 * HOW A TRAP ENDS. trap_leave() is the last act of each trap, with interrupts
 * off. If this is the outermost interrupt (irq_depth is 0 again), no spinlock is
 * held and interrupts are on in the frame, then the thread may be preempted here.
 * That the frame may belong to a handler which is itself inside of a system
 * call does not matter: such a handler may be preempted like any other code.
 *
 * USER MODE. Before a trap returns to user mode, trap_return_to_user() does
 * what has become due: a process that was killed ends here, since it holds
 * nothing. It runs with interrupts on, and repeats until nothing is due.
 *
 * LOCKING. None: all of this is the running thread's own, except the two
 * pointers to handlers, which are read and written atomically.
 *
 * COST. An interrupt: two counts up, two counts down, and three tests.
 */
#include <kernel/error.h>
#include <kernel/fixup.h>
#include <kernel/lock.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/trap.h>

#define WHAT_SIZE 192
#define NO_SLEEP_SIZE 64

static page_fault_fn *page_fault_handler;
static syscall_fn *syscall_handler;

page_fault_fn *
trap_set_page_fault_handler(page_fault_fn *fn)
{
	return atomic_exchange(&page_fault_handler, fn);
}

syscall_fn *
trap_set_syscall_handler(syscall_fn *fn)
{
	return atomic_exchange(&syscall_handler, fn);
}

/* -- frames ------------------------------------------------------------------------- */

/* Opens a frame: it is the newest from now on. Returns the one before. */
static inline struct trapframe *
trap_enter(struct trapframe *tf)
{
	struct proc_struct *self = current;
	struct trapframe *older = self->tf;

	self->tf = tf;
	self->nr_traps++;
	return older;
}

/* Interrupts off, and off again when it returns. Does not return if the process
 * is to end. */
static __noinline void
trap_return_to_user(struct proc_struct *self)
{
	for (;;) {
		bool killed = atomic_load(&self->flags) & PF_KILLED;

		if (!killed && !need_resched(self))
			return;
		arch_irq_enable();
		if (killed)
			do_exit(-E_KILLED);
		schedule();
		arch_irq_disable();
	}
}

/* Closes the newest frame; `older` is the newest again. Interrupts off. */
static inline void
trap_leave(struct trapframe *older)
{
	struct proc_struct *self = current;

	while (unlikely(need_resched(self)) && self->irq_depth == 0 &&
	       self->preempt_count == 0 && arch_frame_irqs_on(self->tf))
		sched_preempt();
	if (unlikely(arch_frame_is_user(self->tf)))
		trap_return_to_user(self);
	self->nr_traps--;
	self->tf = older;
}

struct trapframe *
trap_enter_interrupt(struct trapframe *tf)
{
	current->irq_depth++;
	return trap_enter(tf);
}

void
trap_leave_interrupt(struct trapframe *older)
{
	current->irq_depth--;
	trap_leave(older);
}

/* -- page faults -------------------------------------------------------------------- */

/* Why the code that tf interrupted could not have slept; NULL: it could. */
static const char *
why_no_sleep(const struct trapframe *tf, char text[NO_SLEEP_SIZE])
{
	const struct proc_struct *self = current;

	if (self->irq_depth > 0)
		return "in an interrupt";
	if (self->held != NULL) {
		snprintf(text, NO_SLEEP_SIZE, "under spinlock %s",
			 self->held->name);
		return text;
	}
	if (self->preempt_count > 0)
		return "with preemption off, as under a spinlock";
	if (!arch_frame_irqs_on(tf))
		return "with interrupts off";
	if (atomic_load_relaxed(&self->flags) & PF_IDLE)
		return "in an idle thread";
	return NULL;
}

/* "page fault: write to 0x00000000 by the kernel, not mapped (K/W)" */
static void __noreturn
page_fault_fatal(const struct page_fault *fault)
{
	bool write = fault->access & PAGE_FAULT_WRITE;
	bool user = fault->access & PAGE_FAULT_USER;
	const char *access = (fault->access & PAGE_FAULT_FETCH) ? "fetch from"
			     : write				? "write to"
								: "read of";
	char what[WHAT_SIZE];

	snprintf(what, sizeof(what),
		 "page fault: %s 0x%0*lx by the %s, %s (%c/%c)%s%s", access,
		 (int)(2 * sizeof(uintptr_t)), (unsigned long)fault->address,
		 user ? "user" : "kernel",
		 (fault->access & PAGE_FAULT_PRESENT) ? "protected"
						      : "not mapped",
		 user ? 'U' : 'K', write ? 'W' : 'R',
		 fault->no_sleep != NULL ? ", " : "",
		 fault->no_sleep != NULL ? fault->no_sleep : "");
	trap_fatal(fault->tf, what);
}

/* Lets the registered function handle it. Interrupts off before and after. */
static int
page_fault_handle(struct page_fault *fault)
{
	page_fault_fn *handler = atomic_load(&page_fault_handler);
	int error;

	if (handler == NULL)
		return -E_FAULT;
	if (arch_frame_irqs_on(fault->tf))
		arch_irq_enable();
	error = handler(fault);
	arch_irq_disable();
	return error;
}

void
trap_page_fault(struct page_fault *fault)
{
	struct trapframe *older = trap_enter(fault->tf);
	unsigned preempt_count = current->preempt_count;
	char text[NO_SLEEP_SIZE];
	uintptr_t label;
	int error;

	fault->no_sleep = why_no_sleep(fault->tf, text);
	error = page_fault_handle(fault);
	debug_assert(current->preempt_count == preempt_count);
	if (error != 0) {
		label = fixup_find(arch_frame_pc(fault->tf));
		if (label == 0)
			page_fault_fatal(fault);
		arch_frame_divert(fault->tf, label, error);
	}
	trap_leave(older);
}

/* -- system calls ------------------------------------------------------------------- */

void
trap_syscall(struct trapframe *tf, const struct syscall *call)
{
	struct trapframe *older = trap_enter(tf);
	syscall_fn *handler = atomic_load(&syscall_handler);
	long result = -E_INVAL;

	if (handler != NULL) {
		if (arch_frame_irqs_on(tf))
			arch_irq_enable();
		result = handler(tf, call);
		arch_irq_disable();
	}
	arch_frame_set_result(tf, result);
	trap_leave(older);
}
