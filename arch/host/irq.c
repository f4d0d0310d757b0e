/*
 * Interrupts.
 *
 * PROBLEM. Core wants interrupts that come at any instruction, can be turned
 * off and on for next to nothing, are never lost, and inside of which another
 * thread may be scheduled in, so that the interrupted one goes on much later and
 * perhaps on another CPU.
 *
 * MODEL. Two words of the virtual CPU. Whoever interrupts it sets a bit in
 * host_pending and then, if the CPU does not sleep, sends its pthread a signal:
 *
 *	poster                           virtual CPU
 *	pending |= TICK
 *	tgkill() ----------------------> handler: irqs_on? no: return at once
 *	                                                 yes: deliver()
 *	                                 arch_irq_enable(): irqs_on = 1,
 *	                                   pending? yes: deliver()
 *
 * Turning interrupts off is storing a 0, turning them on storing a 1 and looking
 * at pending: no system call, no signal mask. deliver() is the trap: off, take
 * the bits, trap_enter_interrupt(), upcalls, trap_leave_interrupt(), on, look again.
 *
 * WINDOWS. (1) Between reading irqs_on and storing 0 in arch_irq_save(): if it
 * was 1, an interrupt may come, and the thread even move to another CPU; it
 * returns with interrupts on, and the 0 is stored where the thread is then. If
 * it was 0, nothing comes. (2) Between storing 1 and looking: an interrupt that
 * becomes pending there brings its own signal, which finds 1. One that came
 * while it was 0 is seen by the look. (3) Between the handler's entry and its
 * storing 0, and between its storing 1 and its return: a second signal nests.
 * That is a signal inside a handler that does nothing any more, or nothing yet; the
 * nesting is as deep as signals fit into a few instructions.
 *
 * RETURN ON ANOTHER PTHREAD. trap_leave_interrupt() may switch away. The handler's frame
 * lies on the kernel thread's stack like everything else, so the thread can be
 * continued by another pthread, which then executes sigreturn with a frame
 * that Linux built for the first one. What sigreturn restores:
 *	- general and vector registers: the thread's, as they should be;
 *	- not the base of %fs: the pthread keeps its own, as it should;
 *	- the signal mask: the same for all virtual CPUs (the signal itself is
 *	  never blocked, SA_NODEFER, or it would stay blocked for whoever runs
 *	  after the switch);
 *	- the alternate signal stack, which is each pthread's own and must not be
 *	  that of the first. Patching the frame with the right one would leave a
 *	  window, (3). Instead the frame gets flags that Linux does not know, at
 *	  which it leaves the alternate stack alone.
 * The handler runs on the interrupted stack (no SA_ONSTACK), below the 128 bytes
 * of red zone that Linux keeps.
 *
 * LIBC. No interrupt is delivered inside libc, because libc is called only with
 * interrupts off. The handler calls nothing of libc.
 *
 * POLLING. Where signals are in the way (ThreadSanitizer; ticks=poll), the
 * same bits are found when interrupts are turned on, in arch_cpu_relax() and
 * in arch_idle(). A thread that does none of these is not interrupted.
 *
 * LIKE HARDWARE, an interrupt that is posted again before it was taken counts
 * once.
 *
 * TO ADD an interrupt: a bit in enum host_irq, a line in dispatch(), and someone
 * who posts it.
 */
#include "host.h"
#include <arch/device.h>
#include <arch/trap.h>
#include <kernel/restart.h>
#include <errno.h>
#include <signal.h>
#include <ucontext.h>

static bool by_signal;

bool
host_irq_by_signal(void)
{
	return by_signal;
}

static void
dispatch(unsigned pending)
{
	if (pending & HOST_IRQ_TICK)
		timer_tick();
	if (pending & HOST_IRQ_KICK)
		cpu_kicked();
	if (pending & HOST_IRQ_CONSOLE)
		host_console_interrupt();
}

/* The trap. Interrupts on, before and after; between, this thread may have
 * been elsewhere. */
static void
deliver(struct trapframe *tf)
{
	do {
		struct trapframe *older;
		unsigned pending;

		arch_irq_disable();
		pending = atomic_exchange(host_cpus[arch_cpu_id()].pending, 0);
		if (pending == 0)
			continue;
		older = trap_enter_interrupt(tf);
		dispatch(pending);
		trap_leave_interrupt(older);
	} while (host_irq_on());
}

/* Turning interrupts on found some: a trap without a signal. */
void
host_irq_deliver(void)
{
	/* As it will be after the return. */
	uintptr_t *frame = __builtin_frame_address(0);
	struct trapframe tf = {
		.pc = frame[1],
		.sp = (uintptr_t)&frame[2],
		.bp = frame[0],
		.irqs_on = true,
	};

	deliver(&tf);
}

static void
on_irq_signal(int signal, siginfo_t *info, void *machine)
{
	ucontext_t *uc = machine;
	struct trapframe tf = host_frame_of(uc, true);

	if (!arch_irqs_on())
		return;
	/* Before anything else can run here. */
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)restart_pc(tf.pc);
	deliver(&tf);
	uc->uc_stack.ss_flags = HOST_KEEP_SIGNAL_STACK;
}

void
host_irq_init(void)
{
	struct sigaction action = {
		.sa_sigaction = on_irq_signal,
		.sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART,
	};

	if (host_must_poll || host_machine.ticks == HOST_TICKS_POLL)
		return;
	if (sigaction(HOST_IRQ_SIGNAL, &action, NULL) != 0)
		host_cannot("a signal for interrupts", errno);
	by_signal = true;
}
