/*
 * Traps: from a frame to the code that handles it.
 *
 *   vectors.S  ->  trap(tf)  -+->  interrupt      trap_enter_interrupt, the
 *                             |                   device, trap_leave_interrupt
 *                             +->  page fault     trap_page_fault  (core)
 *                             +->  int 0x80       trap_syscall     (core)
 *                             +->  anything else  trap_fatal       (core)
 *
 * Every gate turns interrupts off, and they are off again when trap() returns to
 * vectors.S. In between core turns them on for page faults and system calls, if
 * they were on where the trap came from. While the handler of an interrupt runs
 * they stay off, so interrupts do not nest in each other. What nests is a page
 * fault or a system call in another one, an interrupt in either, and a page fault
 * in an interrupt's handler, which nearly always is the end.
 *
 * cr2 is read before interrupts can come on again: the next fault overwrites it.
 *
 * An interrupt is acknowledged before it is handled: the handler's last act
 * may be to switch to a thread that runs for long, and the controller sends
 * nothing of lower priority before it has heard from us. All handlers drain
 * their device, so one that comes again in between finds nothing to do.
 *
 * Any other exception in the kernel is a bug in the kernel. It gets one line that
 * names it, and trap_fatal() (core) prints the rest. A fault in the guard below
 * a kernel stack is told apart from other page faults, here and on the
 * double-fault stack: it names the thread whose stack ran over.
 *
 * To add a device: a line in device_interrupt(), pic_unmask() in its init.
 */
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/restart.h>
#include <kernel/string.h>
#include <kernel/thread.h>
#include <arch/trap.h>
#include "32/desc.h"
#include "x86.h"

#define WHAT_SIZE 128

/* Page fault error code. */
#define FAULT_PRESENT 0x1u
#define FAULT_WRITE 0x2u
#define FAULT_USER 0x4u
#define FAULT_FETCH 0x10u

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

static void
page_fault(struct trapframe *tf)
{
	struct page_fault fault = { .tf = tf, .address = read_cr2() };
	char what[WHAT_SIZE];

	if (!(tf->err & FAULT_USER) && describe_overflow(fault.address, what))
		trap_fatal(tf, what);
	fault.access = (tf->err & FAULT_PRESENT ? PAGE_FAULT_PRESENT : 0) |
		       (tf->err & FAULT_WRITE ? PAGE_FAULT_WRITE : 0) |
		       (tf->err & FAULT_USER ? PAGE_FAULT_USER : 0) |
		       (tf->err & FAULT_FETCH ? PAGE_FAULT_FETCH : 0);
	trap_page_fault(&fault);
}

/* By Linux's convention: the number in eax, six arguments, the result in eax. */
static void
system_call(struct trapframe *tf)
{
	const struct pushregs *regs = &tf->regs;
	struct syscall call = {
		.number = (long)regs->eax,
		.args = { (long)regs->ebx, (long)regs->ecx, (long)regs->edx,
			  (long)regs->esi, (long)regs->edi, (long)regs->ebp },
	};

	trap_syscall(tf, &call);
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
device_interrupt(unsigned irq)
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

static inline void
trap_irq(struct trapframe *tf, unsigned irq)
{
	struct trapframe *older = trap_enter_interrupt(tf);

	device_interrupt(irq);
	trap_leave_interrupt(older);
}

void
trap(struct trapframe *tf)
{
	unsigned irq = tf->trapno - TRAP_IRQ0;

	if (likely(irq < NR_IRQS))
		trap_irq(tf, irq);
	else if (tf->trapno == TRAP_PAGE_FAULT)
		page_fault(tf);
	else if (tf->trapno == TRAP_SYSCALL)
		system_call(tf);
	else if (tf->trapno != TRAP_DEBUG || !step_trap(tf))
		trap_exception(tf);
	/* Not after a debug trap: a range that is stepped would never end. */
	if (likely(tf->trapno > TRAP_BREAKPOINT))
		tf->eip = restart_pc(tf->eip);
}
