/*
 * check: the kernel's checks of itself, at any time.
 */
#include <kernel/check.h>
#include <kernel/error.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include "commands.h"

/* In a thread of its own: a check counts on having no children but its own. */
static int
run_check(void *name)
{
	return check_run(name);
}

static int
check_cmd_run(int argc, char *argv[])
{
	int result = 0;

	if (argc == 1)
		checks_print();
	for (int i = 1; i < argc; i++) {
		int code, err = kernel_thread_run(CPU_ANY, "check", run_check,
						  argv[i], &code);

		if (err != 0) {
			printk("check: %s: %s\n", argv[i], error_name(err));
			code = err;
		}
		if (code != 0)
			result = code < 0 ? code : -E_UNSPECIFIED;
	}
	return result;
}

static const char *
check_word(unsigned i)
{
	return checks[i].name;
}

const struct command cmd_check = {
	.name = "check",
	.usage = "check [NAME ...]",
	.help = "lists the kernel's self-checks, or runs some",
	.run = check_cmd_run,
	.word = check_word,
};
