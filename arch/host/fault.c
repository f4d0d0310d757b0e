/*
 * Faults: what the processor cannot do.
 *
 * Linux reports them as signals, on a stack of its own for each virtual CPU:
 * the usual one may be what has just overflowed. A page fault becomes a trap on
 * the stack of the thread that caused it (trap.c), and core decides. All others,
 * an overflow of a kernel stack, and faults while there is no such stack are the
 * end, and all that remains is to say precisely what it was.
 */
#include "host.h"
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include <errno.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

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
describe(char *what, size_t size, int signal, const greg_t *registers)
{
	snprintf(what, size, "%s (trap %lld, error code 0x%llx) at 0x%016llx",
		 exception_name(signal), registers[REG_TRAPNO],
		 registers[REG_ERR], registers[REG_RIP]);
}

/* Whether the stack ran over, and if so, in words. */
static bool
describe_overflow(char *what, size_t size, int signal, const siginfo_t *info,
		  uintptr_t sp)
{
	uintptr_t va = (uintptr_t)info->si_addr;

	if (signal != SIGSEGV)
		return false;
	if (is_signal_without_room(info, sp))
		va = sp;
	else if (info->si_code == SI_KERNEL || !is_stack_overflow(va))
		return false;
	snprintf(what, size, "stack overflow of thread %s (pid %d) at 0x%016lx",
		 current->name[0] ? current->name : "idle", current->pid, va);
	return true;
}

/* The handlers of signals have the alternate stack; nothing sleeps on it. */
static bool
is_on_trap_stack(uintptr_t sp)
{
	const struct host_cpu *cpu = &host_cpus[arch_cpu_id()];

	return sp >= cpu->trap_low && sp < cpu->trap_high;
}

static void
on_fault(int signal, siginfo_t *info, void *machine)
{
	ucontext_t *uc = machine;
	bool irqs_on = arch_irqs_on();
	struct trapframe tf = host_frame_of(uc, irqs_on);
	bool page_fault = signal == SIGSEGV && info->si_code != SI_KERNEL;
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
	if (!describe_overflow(what, sizeof(what), signal, info, tf.sp)) {
		if (page_fault && !is_on_trap_stack(tf.sp) &&
		    host_trap_raise(uc, irqs_on))
			return;
		describe(what, sizeof(what), signal, uc->uc_mcontext.gregs);
	}
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
