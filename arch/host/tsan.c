/*
 * ThreadSanitizer: its view of threads.
 *
 * It must know which kernel thread does what, not which pthread: each kernel
 * thread is a *fiber*. A switch counts as synchronisation from the old thread to
 * the new one, as it should: the same CPU does both, one after the other, and the
 * new thread gives back the run-queue lock that the old one took. Everything
 * else must come from our own locks, or it is a finding.
 *
 * Signals that arrive anywhere are more than it can follow, so interrupts are
 * polled for. It knows some 8,000 threads at most.
 *
 * Findings are printed as they come; the process fails in the end.
 */
#include "host.h"
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/tsan_interface.h>

const bool host_must_poll = true;

/* The exit code of a process with findings, ThreadSanitizer's usual one. */
#define FINDINGS_EXIT_CODE 66

static unsigned findings;

const char *__tsan_default_options(void);
void __tsan_on_report(void *report);

const char *
__tsan_default_options(void)
{
	return "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:"
	       "use_sigaltstack=0";
}

void
__tsan_on_report(void *report)
{
	atomic_store_relaxed(&findings, 1u);
}

/*
 * Findings are shown with names and lines by a process that is started when the
 * first one is. A kernel stack is memory that a fork shares and does not copy,
 * so that start must not happen on one: it happens now.
 */
void
host_sanitizer_init(void)
{
	char text[64];

	__sanitizer_symbolize_pc((void *)host_switch, "%f", text, sizeof(text));
}

/* Between the two calls this is neither thread: nothing may be watched. */
__attribute__((disable_sanitizer_instrumentation)) void
switch_to(struct context *prev, struct context *next)
{
	if (prev->fiber == NULL)
		prev->fiber = __tsan_get_current_fiber();
	__tsan_switch_to_fiber(next->fiber, 0);
	host_switch(prev, next);
}

void
host_fiber_forge(struct context *context)
{
	irq_state_t irqs = arch_irq_save();

	context->fiber = __tsan_create_fiber(0);
	arch_irq_restore(irqs);
}

void
host_fiber_first(void)
{
}

void
host_fiber_discard(struct context *context)
{
	irq_state_t irqs = arch_irq_save();

	if (context->fiber != NULL)
		__tsan_destroy_fiber(context->fiber);
	arch_irq_restore(irqs);
}

int
host_sanitizer_exit_code(int code)
{
	if (code == 0 && atomic_load_relaxed(&findings) != 0)
		return FINDINGS_EXIT_CODE;
	return code;
}
