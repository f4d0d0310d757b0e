/*
 * Builds without a sanitizer: nothing has to be told about stacks and threads. The
 * switch is switch.S's own.
 */
#include "host.h"

const bool host_must_poll = false;

void
host_sanitizer_init(void)
{
}

void
host_fiber_forge(struct context *context)
{
}

void
host_fiber_first(void)
{
}

void
host_fiber_discard(struct context *context)
{
}

int
host_sanitizer_exit_code(int code)
{
	return code;
}
