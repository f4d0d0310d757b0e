/*
 * failslab, failpoint: allocations that fail on purpose.
 */
#include <kernel/error.h>
#include <kernel/failpoint.h>
#include <kernel/inject.h>
#include <kernel/kmalloc.h>
#include "commands.h"

static int
failslab_run(int argc, char *argv[])
{
	if (argc > 2)
		return command_usage(&cmd_failslab);
	if (argc == 2)
		return kmem_failslab_write(argv[1]);
	kmem_failslab_print();
	return 0;
}

const struct command cmd_failslab = {
	.name = "failslab",
	.usage = "failslab [off | WORD=N,...] (`help boot` lists the words)",
	.help = "objects that fail on purpose: how often, where; sets it",
	.run = failslab_run,
};

static int
failpoint_run(int argc, char *argv[])
{
	if (argc > 2)
		return command_usage(&cmd_failpoint);
	if (argc == 2)
		return failpoint_write(argv[1]);
	inject_print(&failpoint_attr);
	return 0;
}

const struct command cmd_failpoint = {
	.name = "failpoint",
	.usage = "failpoint [off | WORD=N,...] (`help boot` lists the words)",
	.help = "the same for allocations of any kind (debug builds)",
	.run = failpoint_run,
};
