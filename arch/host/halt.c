/*
 * Ending the process: what arch_halt and arch_reboot mean on the host.
 *
 * From whichever pthread, with whatever code the kernel chose; the other virtual CPUs
 * end in the middle of what they do. So no destructors run, only what must:
 * the terminal is put back, and a sanitizer with findings makes the code a
 * failure.
 */
#include "host.h"
#include <kernel/printk.h>
#include <kernel/string.h>
#include <unistd.h>

/* Linux keeps the low 8 bits of an exit code; no failure may look like 0. */
#define EXIT_CODE_MASK 0xff

void
host_exit(int code)
{
	arch_irq_disable();
	host_terminal_restore();
	code = host_sanitizer_exit_code(code);
	if (code != 0 && (code & EXIT_CODE_MASK) == 0)
		code = EXIT_CODE_MASK;
	_exit(code & EXIT_CODE_MASK);
}

void
arch_halt(int code)
{
	arch_irq_disable();
	host_console_last_word();
	host_exit(code);
}

void
arch_reboot(void)
{
	static const char line[] =
		"reboot: a process cannot start itself again, it ends\n";

	arch_irq_disable();
	host_write_all(STDOUT_FILENO, line, sizeof(line) - 1);
	host_exit(0);
}

void
host_cannot(const char *what, int error)
{
	char line[128];

	arch_irq_disable();
	snprintf(line, sizeof(line), "ashlar: cannot get %s: Linux error %d\n",
		 what, error);
	host_write_all(STDERR_FILENO, line, strlen(line));
	host_exit(HOST_EXIT_CANNOT);
}
