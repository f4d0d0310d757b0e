/*
 * Whether everything that was asked for has happened: the kernel's exit code.
 *
 * A run that a script drives is to fail if a setting was refused, if a command of
 * the script failed, or if an expectation of a check was not met, even though the
 * kernel goes on after each of these. So they are counted here, by whoever notices,
 * and init and the command `poweroff` ask for the result.
 */
#include <kernel/atomic.h>
#include <kernel/check.h>
#include <kernel/init.h>

static unsigned nr_failures;

void
init_note_failure(void)
{
	(void)atomic_add(&nr_failures, 1);
}

int
init_exit_code(void)
{
	return atomic_load(&nr_failures) > 0 || check_failures() > 0
		       ? INIT_FAILED
		       : 0;
}
