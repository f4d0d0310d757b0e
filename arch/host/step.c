/*
 * Single-stepping (arch/step.h): the trap flag of the stepped thread, and Linux's
 * SIGTRAP.
 *
 * To interrupt before an instruction, the handler posts a tick while the signal
 * for interrupts is blocked: Linux delivers it when the handler returns, before the
 * instruction is executed. This CPU's interrupts are off in the handler, and
 * turned on again without looking at what is pending, since that comes with a
 * signal of its own.
 */
#include "host.h"
#include <arch/step.h>
#include <errno.h>
#include <signal.h>
#include <ucontext.h>

#define EFLAGS_TF 0x100

static step_fn *step_hook;

static void
on_step(int signal, siginfo_t *info, void *machine)
{
	ucontext_t *uc = machine;
	greg_t *registers = uc->uc_mcontext.gregs;
	irq_state_t irqs = arch_irq_save();

	switch (step_hook((uintptr_t)registers[REG_RIP])) {
	case STEP_STRIKE:
		host_irq_post(arch_cpu_id(), HOST_IRQ_TICK);
		/* A CPU sends no signal to itself: it looks by itself. */
		(void)raise(HOST_IRQ_SIGNAL);
		break;
	case STEP_STOP:
		registers[REG_EFL] &= ~(greg_t)EFLAGS_TF;
		break;
	case STEP_ON:
		break;
	}
	if (irqs)
		(void)host_irq_on();
}

bool
arch_step_start(step_fn *fn)
{
	struct sigaction action = {
		.sa_sigaction = on_step,
		.sa_flags = SA_SIGINFO,
	};

	if (!host_irq_by_signal())
		return false;
	sigaddset(&action.sa_mask, HOST_IRQ_SIGNAL);
	if (sigaction(SIGTRAP, &action, NULL) != 0)
		host_cannot("a signal for single steps", errno);
	step_hook = fn;
	/* Past the 128 bytes below the stack pointer that may be in use. */
	__asm__ volatile("leaq -128(%%rsp), %%rsp\n\t"
			 "pushfq\n\t"
			 "orq %0, (%%rsp)\n\t"
			 "popfq\n\t"
			 "leaq 128(%%rsp), %%rsp"
			 :
			 : "i"(EFLAGS_TF)
			 : "memory", "cc");
	return true;
}
