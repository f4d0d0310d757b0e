/*
 * Traps: from a frame to the code that handles it.
 *
 *   vectors.S  ->  trap(tf)  ->  trap_enter  (core: current->tf = tf)
 *                                dispatch    (here)
 *                                trap_leave  (core: may schedule())
 *
 * Interrupts stay off from the gate until the frame is returned through,
 * except while another thread runs because trap_leave() switched. So interrupts
 * do not nest in each other; what nests is an exception inside an interrupt's
 * handler, and the traps of other threads on other stacks.
 *
 * An interrupt is acknowledged before it is handled: the handler's last act
 * may be to switch to a thread that runs for long, and the controller sends
 * nothing of lower priority before it has heard from us. All handlers drain
 * their device, so one that comes again in between finds nothing to do.
 *
 * An exception in the kernel is a bug in the kernel. It gets one line that
 * names it, and trap_fatal() (core) prints the rest. A fault in the guard below
 * a kernel stack is told apart from other page faults, here and on the
 * double-fault stack: it names the thread whose stack ran over.
 *
 * To add a device: a line in trap_irq(), pic_unmask() in its init.
 */
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/restart.h>
#include <kernel/string.h>
#include <kernel/thread.h>
#include "32/desc.h"
#include "x86.h"

#define WHAT_SIZE 128

/* Page fault error code. */
#define FAULT_PRESENT 0x1u
#define FAULT_WRITE 0x2u
#define FAULT_USER 0x4u

static const char *const exception_names[NR_EXCEPTIONS] = {
	"divide error",
	"debug",
	"NMI",
	"breakpoint",
	"overflow",
	"bounds",
	"invalid opcode",
	"device not available",
	"double fault",
	"coprocessor overrun",
	"invalid TSS",
	"segment not present",
	"stack segment fault",
	"general protection fault",
	"page fault",
	"exception 15",
	"x87 error",
	"alignment check",
	"machine check",
	"SIMD error",
};

static bool
in_range(uintptr_t x, uintptr_t start, uintptr_t size)
{
	return x - start < size;
}

/*
 * If `address` lies in the guard of a kernel stack, says so in `what`. The
 * thread that runs is the one to name: nobody else touches its stack.
 */
static bool
describe_overflow(uintptr_t address, char what[WHAT_SIZE])
{
	const struct proc_struct *self = current;
	uintptr_t guard_size = ARCH_KSTACK_SLOT - ARCH_KSTACK_PAGES * PAGE_SIZE;

	if (in_range(address, (uintptr_t)bootstack_guard, PAGE_SIZE) ||
	    (self->kstack != 0 &&
	     in_range(address, self->kstack - guard_size, guard_size))) {
		snprintf(what, WHAT_SIZE,
			 "stack overflow of thread %s (pid %d) at 0x%08lx",
			 self->name[0] ? self->name : "idle", self->pid,
			 (unsigned long)address);
		return true;
	}
	return false;
}

static void __noreturn
trap_page_fault(const struct trapframe *tf)
{
	uintptr_t address = read_cr2();
	bool write = tf->err & FAULT_WRITE;
	bool user = tf->err & FAULT_USER;
	char what[WHAT_SIZE];

	if (user || !describe_overflow(address, what))
		snprintf(what, sizeof(what),
			 "page fault: %s 0x%08lx by the %s, %s (%c/%c)",
			 write ? "write to" : "read of", (unsigned long)address,
			 user ? "user" : "kernel",
			 tf->err & FAULT_PRESENT ? "protected" : "not mapped",
			 user ? 'U' : 'K', write ? 'W' : 'R');
	trap_fatal(tf, what);
}

void
trap_double_fault(const struct trapframe *tf, uintptr_t fault_address)
{
	char what[WHAT_SIZE];

	if (!describe_overflow(fault_address, what))
		snprintf(what, sizeof(what),
			 "double fault: esp 0x%08lx, last fault at 0x%08lx",
			 (unsigned long)tf->esp, (unsigned long)fault_address);
	trap_fatal(tf, what);
}

static void __noreturn
trap_exception(const struct trapframe *tf)
{
	const char *name = NULL;
	char what[WHAT_SIZE];

	if (tf->trapno < ARRAY_SIZE(exception_names))
		name = exception_names[tf->trapno];
	snprintf(what, sizeof(what),
		 "%s (trap %lu, error code 0x%lx) at 0x%08lx",
		 name ? name : "exception", (unsigned long)tf->trapno,
		 (unsigned long)tf->err, (unsigned long)tf->eip);
	trap_fatal(tf, what);
}

static void
trap_irq(unsigned irq)
{
	if (!pic_acknowledge(irq))
		return;
	if (irq == IRQ_TIMER)
		timer_tick();
	else if (irq == IRQ_COM1)
		serial_interrupt();
	else if (irq == IRQ_KEYBOARD)
		keyboard_interrupt();
}

void
trap(struct trapframe *tf)
{
	struct trapframe *older;

	if (unlikely(tf->trapno == TRAP_DEBUG) && step_trap(tf))
		return;
	older = trap_enter(tf);
	if (likely(tf->trapno - TRAP_IRQ0 < NR_IRQS))
		trap_irq(tf->trapno - TRAP_IRQ0);
	else if (tf->trapno == TRAP_PAGE_FAULT)
		trap_page_fault(tf);
	else
		trap_exception(tf);
	if (likely(tf->trapno > TRAP_BREAKPOINT))
		tf->eip = restart_pc(tf->eip);
	trap_leave(older);
}
