/*
 * leaks: objects that nothing leads to any more.
 */
#include <kernel/error.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include "commands.h"

static int
leaks_run(int argc, char *argv[])
{
	int nr;

	if (argc > 1)
		return command_usage(&cmd_leaks);
	nr = leaks_find();
	if (nr == -E_NOT_FOUND)
		printk("leaks: kmalloc= is not slab\n");
	else if (nr < 0)
		printk("leaks: %s\n", error_name(nr));
	else
		printk("leaks: %d object%s that nothing leads to\n", nr,
		       nr == 1 ? "" : "s");
	return nr < 0 ? nr : 0;
}

const struct command cmd_leaks = {
	.name = "leaks",
	.usage = "leaks",
	.help = "objects of slab caches that nothing leads to any more",
	.run = leaks_run,
};
