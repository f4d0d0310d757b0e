/*
 * AddressSanitizer (with UBSan): its view of stacks.
 *
 * It keeps a shadow of all memory, in which the variables of each stack frame are
 * fenced, and the bounds of the pthread's stack. Three things go wrong when
 * stacks are switched behind its back, and are put right here:
 *   - the bounds: each switch says what the new stack is;
 *   - the fences of frames that never returned (a thread ends deep inside
 *     do_exit): they would fence the next thread on that stack, so they are
 *     taken down when the thread is discarded;
 *   - faults: it would report a stack overflow as its own, in its own words.
 *
 * A finding ends the process with status 1 at once.
 */
#include "host.h"
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

const bool host_must_poll = false;

const char *
__asan_default_options(void)
{
	return "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:"
	       "use_sigaltstack=0:detect_leaks=0:"
	       "detect_stack_use_after_return=0";
}

/* Of a thread that was not forged, an idle one, the stack is its CPU's. */
static void
know_own_stack(struct context *context)
{
	const struct host_cpu *cpu = &host_cpus[arch_cpu_id()];

	if (context->stack_low != 0)
		return;
	context->stack_low = cpu->stack_low;
	context->stack_size = cpu->stack_high - cpu->stack_low;
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

void
switch_to(struct context *prev, struct context *next)
{
	know_own_stack(prev);
	__sanitizer_start_switch_fiber(&prev->fiber, (void *)next->stack_low,
				       next->stack_size);
	host_switch(prev, next);
	/* prev is this thread, which is back. */
	__sanitizer_finish_switch_fiber(prev->fiber, NULL, NULL);
}

void
host_fiber_forge(struct context *context)
{
}

void
host_fiber_first(void)
{
	__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
}

void
host_fiber_discard(struct context *context)
{
	if (context->stack_low != 0)
		__asan_unpoison_memory_region((void *)context->stack_low,
					      context->stack_size);
}

int
host_sanitizer_exit_code(int code)
{
	return code;
}
