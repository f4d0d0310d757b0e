/*
 * The host port: the same core as a Linux process.
 *
 * PROBLEM. A kernel on a machine, even an emulated one, is slow to test and hard to
 * look into. As a process it starts in a millisecond, runs under debuggers,
 * sanitizers and profilers, and its threads truly run in parallel. It must
 * still be the same kernel: core/ does not know the difference, and everything it
 * relies on (include/arch) holds here, at the same moments.
 *
 * MODEL. Each part of a machine has its stand-in:
 *
 *	RAM                a file in memory, mapped once          ram.c
 *	address spaces     page tables that software walks,
 *	                   stacks truly mapped, with guards       mmu.c
 *	a CPU              a pthread                              cpu.c
 *	an interrupt       a bit, and a signal to look at it      irq.c
 *	an exception       a signal on a stack of its own         fault.c
 *	saved registers    struct context, switch_to()            context.c
 *	clock, console     pthreads that post interrupts          clock.c console.c
 *	power off          exit                                   halt.c
 *	the loader         main(): arguments -> struct boot_info  this file
 *
 * START. main() makes the machine, starts the boot CPU, which enters
 * kernel_main(), and then stays behind as the one who takes Linux's signals to
 * the process: all pthreads have them blocked, main() waits for them. The kernel
 * starts what it wants to have by the contract's calls: devices, clock, CPUs.
 *
 *	main ------+--> sigwait: ctrl-C, kill, ctrl-Z
 *	           +--> CPU 0: kernel_main() -- arch_devices_init() --> input
 *	                                     -- arch_clock_init() ----> clock
 *	                                     -- arch_cpus_start() ----> CPU 1 ...
 *
 * COMMAND LINE. The arguments, joined with blanks. mem=, cpus=, nodes= and ticks=
 * describe the machine (options.c); the kernel sees them too. Quotes reach the
 * kernel only if the shell leaves them: run="ps; poweroff" arrives here as one
 * argument without quotes, and gets them back (append_argument).
 *
 * EXIT STATUS. What arch_halt() is called with; 2 for wrong arguments; 125 if
 * Linux does not give what the machine needs. A signal that ends the process
 * ends it as usual, the terminal put back.
 *
 * As a library, for unit tests, the port is everything but this file: unit.c.
 */
#include "host.h"
#include <kernel/printk.h>
#include <kernel/string.h>
#include <signal.h>
#include <unistd.h>

#define COMMAND_LINE_MAX 4096

static char command_line[COMMAND_LINE_MAX];
static size_t command_line_used;
static struct boot_info boot;

static void
usage_error(const char *why)
{
	static const char who[] = "ashlar: ";

	host_write_all(STDERR_FILENO, who, sizeof(who) - 1);
	host_write_all(STDERR_FILENO, why, strlen(why));
	host_write_all(STDERR_FILENO, "\n", 1);
	host_exit(HOST_EXIT_USAGE);
}

static void
append(const char *text, size_t n)
{
	if (n >= sizeof(command_line) - command_line_used)
		usage_error("the command line is too long");
	memcpy(command_line + command_line_used, text, n);
	command_line_used += n;
}

/*
 * Whether an argument is one setting whose value has blanks in it, and not
 * several settings: has blanks, no quotes, and a word without "=".
 */
static bool
lost_its_quotes(const char *argument)
{
	bool blank = false, all_settings = true, setting = false;

	if (strchr(argument, '"') != NULL || strchr(argument, '\'') != NULL)
		return false;
	for (const char *p = argument; *p != '\0'; p++) {
		if (*p == '=')
			setting = true;
		if (*p != ' ')
			continue;
		blank = true;
		all_settings = all_settings && setting;
		setting = false;
	}
	return blank && !(all_settings && setting) &&
	       strchr(argument, '=') != NULL;
}

static void
append_argument(const char *argument)
{
	const char *equals = strchr(argument, '=');
	size_t n = strlen(argument), name;

	if (command_line_used > 0)
		append(" ", 1);
	if (!lost_its_quotes(argument)) {
		append(argument, n);
		return;
	}
	name = (size_t)(equals + 1 - argument);
	append(argument, name);
	append("\"", 1);
	for (; name < n; name++) {
		if (argument[name] == '\\')
			append("\\", 1);
		append(argument + name, 1);
	}
	append("\"", 1);
}

static void
enter_kernel(unsigned cpu)
{
	kernel_main(&boot);
}

/* Ends the process as the signal would have, but for the terminal. */
static void
end_by(int signal_nr)
{
	sigset_t only;

	host_terminal_restore();
	sigemptyset(&only);
	sigaddset(&only, signal_nr);
	signal(signal_nr, SIG_DFL);
	raise(signal_nr);
	sigprocmask(SIG_UNBLOCK, &only, NULL);
	host_exit(HOST_EXIT_SIGNAL + signal_nr);
}

static void
take_signals(const sigset_t *signals)
{
	for (;;) {
		int signal_nr;

		if (sigwait(signals, &signal_nr) != 0)
			continue;
		if (signal_nr != SIGTSTP)
			end_by(signal_nr);
		host_terminal_restore();
		raise(SIGSTOP);
		host_terminal_raw();
	}
}

int
main(int argc, char *argv[])
{
	static const int watched[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT,
				       SIGTSTP };
	char why[COMMAND_LINE_MAX];
	sigset_t signals, all;
	int error;

	for (int i = 1; i < argc; i++)
		append_argument(argv[i]);
	append("", 1);
	if (host_options_parse(command_line, why, sizeof(why)) != 0)
		usage_error(why);
	error = host_ram_init(host_machine.ram_bytes);
	if (error != 0)
		host_cannot("memory for the arena", error);
	host_boot_info(&boot, command_line);
	host_sanitizer_init();
	host_irq_init();
	host_fault_init();

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	sigemptyset(&signals);
	for (size_t i = 0; i < ARRAY_SIZE(watched); i++)
		sigaddset(&signals, watched[i]);
	error = host_cpu_start(0, enter_kernel);
	if (error != 0)
		host_cannot("a thread for a CPU", error);
	take_signals(&signals);
}
