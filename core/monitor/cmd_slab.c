/*
 * slabinfo: the object caches, in the field's own format; tuning them.
 */
#include <kernel/error.h>
#include <kernel/kmalloc.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include "commands.h"

#define TUNE_ARGS 5 /* slabinfo NAME LIMIT BATCHCOUNT SHARED */
#define TUNE_MAX 128

static void
line_print(const char *line, void *unused)
{
	printk("%s\n", line);
}

static int
slabinfo_tune(char *argv[])
{
	char text[TUNE_MAX];
	int n = snprintf(text, sizeof(text), "%s %s %s %s", argv[1], argv[2],
			 argv[3], argv[4]);

	if ((size_t)n >= sizeof(text))
		return -E_INVAL;
	return kmem_slabinfo_write(text);
}

static int
slabinfo_run(int argc, char *argv[])
{
	int err;

	if (argc == 1)
		err = kmem_slabinfo_read(line_print, NULL, false);
	else if (argc == 2 && strcmp(argv[1], "-s") == 0)
		err = kmem_slabinfo_read(line_print, NULL, true);
	else if (argc == TUNE_ARGS)
		err = slabinfo_tune(argv);
	else
		return command_usage(&cmd_slabinfo);
	if (err == -E_NOT_FOUND)
		printk("slabinfo: no such cache, or kmalloc= is not slab\n");
	else if (err != 0)
		printk("slabinfo: %s\n", error_name(err));
	return err;
}

const struct command cmd_slabinfo = {
	.name = "slabinfo",
	.usage = "slabinfo [-s | NAME LIMIT BATCHCOUNT SHARED]",
	.help = "object caches (-s: statistics too); tunes one",
	.run = slabinfo_run,
};
