/*
 * Faults: what the processor cannot do.
 *
 * Linux reports them as signals, on a stack of its own for each virtual CPU:
 * the usual one may be what has just overflowed. The kernel's own text, data and
 * stacks never fault by design, so each of these is the end (vm will change that
 * for user addresses). All that remains is to say precisely what it was.
 */
#include "host.h"
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include <errno.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

/* Of a page fault: bits of the error code. */
#define FAULT_PRESENT 0x1
#define FAULT_WRITE 0x2
#define FAULT_FETCH 0x10

#define WHAT_BYTES 128

/* The guard of slot i is its lower part, the rest the stack. */
static bool
is_guard(uintptr_t va)
{
	return (va - HOST_KSTACK_BASE) % ARCH_KSTACK_SLOT <
	       ARCH_KSTACK_SLOT - ARCH_KSTACK_PAGES * PAGE_SIZE;
}

/* Whether Linux found no room for the frame of a signal below this stack
 * pointer: then it sends SIGSEGV instead, and names no address. */
static bool
is_signal_without_room(const siginfo_t *info, uintptr_t sp)
{
	uintptr_t low, high;

	return info->si_code == SI_KERNEL && host_stack_find(sp, &low, &high) &&
	       sp < low + sysconf(_SC_MINSIGSTKSZ);
}

/* Whether this access ran out of the lower end of the current thread's stack. */
static bool
is_stack_overflow(uintptr_t va)
{
	const struct host_cpu *cpu = &host_cpus[arch_cpu_id()];
	uintptr_t kstack = current->kstack;

	if (kstack >= HOST_KSTACK_BASE)
		return is_guard(va) &&
		       ALIGN_DOWN(va, ARCH_KSTACK_SLOT) ==
			       ALIGN_DOWN(kstack, ARCH_KSTACK_SLOT);
	return va < cpu->stack_low && va >= cpu->stack_low - PAGE_SIZE;
}

static void
describe_overflow(char *what, size_t size, uintptr_t va)
{
	snprintf(what, size, "stack overflow of thread %s (pid %d) at 0x%016lx",
		 current->name[0] ? current->name : "idle", current->pid, va);
}

static void
describe_access(char *what, size_t size, greg_t error, uintptr_t va)
{
	const char *access = (error & FAULT_FETCH)   ? "fetch from"
			     : (error & FAULT_WRITE) ? "write to"
						     : "read of";

	snprintf(what, size, "page fault: %s 0x%016lx by the kernel, %s (K/%c)",
		 access, va,
		 (error & FAULT_PRESENT) ? "protected" : "not mapped",
		 (error & FAULT_WRITE) ? 'W' : 'R');
}

static const char *
exception_name(int signal)
{
	switch (signal) {
	case SIGSEGV:
		return "general protection fault";
	case SIGBUS:
		return "bus error (Linux has no memory for it)";
	case SIGFPE:
		return "divide error";
	case SIGILL:
		return "invalid opcode";
	default:
		return "exception";
	}
}

static void
describe(char *what, size_t size, int signal, const siginfo_t *info,
	 const greg_t *registers)
{
	uintptr_t sp = (uintptr_t)registers[REG_RSP];
	uintptr_t va = (uintptr_t)info->si_addr;
	bool page_fault = signal == SIGSEGV && info->si_code != SI_KERNEL;

	if (signal == SIGSEGV && is_signal_without_room(info, sp))
		describe_overflow(what, size, sp);
	else if (page_fault && is_stack_overflow(va))
		describe_overflow(what, size, va);
	else if (page_fault)
		describe_access(what, size, registers[REG_ERR], va);
	else
		snprintf(what, size,
			 "%s (trap %lld, error code 0x%llx) at 0x%016llx",
			 exception_name(signal), registers[REG_TRAPNO],
			 registers[REG_ERR], registers[REG_RIP]);
}

static void
on_fault(int signal, siginfo_t *info, void *machine)
{
	ucontext_t *uc = machine;
	struct trapframe tf = {
		.pc = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP],
		.sp = (uintptr_t)uc->uc_mcontext.gregs[REG_RSP],
		.bp = (uintptr_t)uc->uc_mcontext.gregs[REG_RBP],
		.machine = uc,
		.irqs_on = arch_irqs_on(),
	};
	char what[WHAT_BYTES];

	arch_irq_disable();
	if (!host_is_cpu()) {
		snprintf(
			what, sizeof(what),
			"ashlar: signal %d in a device's thread, at 0x%016lx\n",
			signal, tf.pc);
		host_write_all(2, what, strlen(what));
		host_exit(PANIC_EXIT_CODE);
	}
	describe(what, sizeof(what), signal, info, uc->uc_mcontext.gregs);
	trap_enter(&tf);
	trap_fatal(&tf, what);
}

void
host_fault_init(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	struct sigaction action = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
	};

	sigaddset(&action.sa_mask, HOST_IRQ_SIGNAL);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (sigaction(signals[i], &action, NULL) != 0)
			host_cannot("a signal for faults", errno);
}

void
host_fault_stack(uintptr_t low, uintptr_t high)
{
	stack_t stack = { .ss_sp = (void *)low, .ss_size = high - low };

	if (sigaltstack(&stack, NULL) != 0)
		host_cannot("a stack for faults", errno);
}
