/*
 * uptime, log, poweroff, reboot: the system as a whole.
 */
#include <kernel/error.h>
#include <kernel/init.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include <arch/boot.h>
#include <arch/device.h>
#include "commands.h"

/* QEMU's exit device makes 2 * code + 1 of it, and a shell takes what is above
 * 127 for a signal. */
#define EXIT_CODE_MAX 63
#define LOG_LINES_DEFAULT 20

static int
uptime_run(int argc, char *argv[])
{
	unsigned long ticks = ticks_now(), switches = 0, preemptions = 0;

	if (argc > 1)
		return command_usage(&cmd_uptime);
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		switches += atomic_load_relaxed(&run_queues[cpu].nr_switches);
		preemptions +=
			atomic_load_relaxed(&run_queues[cpu].nr_preemptions);
	}
	printk("up %lu.%02lu s, %zu processes, %lu switches, %lu preemptions, "
	       "sched=%s\n",
	       ticks / TICKS_PER_SECOND, ticks % TICKS_PER_SECOND, nr_process(),
	       switches, preemptions, sched_class_name());
	return 0;
}

const struct command cmd_uptime = {
	.name = "uptime",
	.usage = "uptime",
	.help = "how long the kernel is up, and what it did",
	.run = uptime_run,
};

static int
log_run(int argc, char *argv[])
{
	unsigned long nr_lines = LOG_LINES_DEFAULT;

	if (argc > 2 ||
	    (argc == 2 && (parse_unsigned(argv[1], &nr_lines) != 0 ||
			   nr_lines != (unsigned)nr_lines)))
		return command_usage(&cmd_log);
	log_print_last((unsigned)nr_lines);
	return 0;
}

const struct command cmd_log = {
	.name = "log",
	.usage = "log [LINES]",
	.help = "the last lines of the kernel's log",
	.run = log_run,
};

static int
poweroff_run(int argc, char *argv[])
{
	unsigned long code = (unsigned long)init_exit_code();

	if (argc > 2)
		return command_usage(&cmd_poweroff);
	if (argc == 2 &&
	    (parse_unsigned(argv[1], &code) != 0 || code > EXIT_CODE_MAX)) {
		printk("poweroff: %s is not a code from 0 to %d\n", argv[1],
		       EXIT_CODE_MAX);
		return -E_INVAL;
	}
	arch_halt((int)code);
}

const struct command cmd_poweroff = {
	.name = "poweroff",
	.usage = "poweroff [CODE]",
	.help = "ends the machine; CODE: 0, or 1 if a check, a setting, the script failed",
	.run = poweroff_run,
};

static int
reboot_run(int argc, char *argv[])
{
	if (argc > 1)
		return command_usage(&cmd_reboot);
	arch_reboot();
}

const struct command cmd_reboot = {
	.name = "reboot",
	.usage = "reboot",
	.help = "starts the machine again",
	.run = reboot_run,
};
