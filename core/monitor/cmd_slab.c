/*
 * slabinfo, slab: the object caches, in the field's own format, as JSON, as pictures;
 * tuning them.
 */
#include <kernel/error.h>
#include <kernel/kmalloc.h>
#include <kernel/kmem_view.h>
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
	else if (argc == 2 && strcmp(argv[1], "--json") == 0)
		err = kmem_slabinfo_json(line_print, NULL);
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
	.usage = "slabinfo [-s | --json | NAME LIMIT BATCHCOUNT SHARED]",
	.help = "object caches (-s: statistics too; --json: for programs); tunes one",
	.run = slabinfo_run,
};

/* -- slab --------------------------------------------------------------------- */

static int
slab_run(int argc, char *argv[])
{
	unsigned long nr_slabs = KMEM_DRAW_SLABS;

	if (argc < 2 || argc > 3)
		return command_usage(&cmd_slab);
	if (argc == 3 && (parse_unsigned(argv[2], &nr_slabs) != 0 ||
			  nr_slabs == 0 || nr_slabs > KMEM_DRAW_SLABS_MAX)) {
		printk("slab: %s slabs of a list cannot be drawn: 1 to %d can\n",
		       argv[2], KMEM_DRAW_SLABS_MAX);
		return -E_INVAL;
	}
	return kmem_draw_cache(argv[1], (unsigned)nr_slabs, line_print, NULL);
}

const struct command cmd_slab = {
	.name = "slab",
	.usage = "slab NAME [SLABS]",
	.help = "draws an object cache: its arrays, the first SLABS slabs of each list",
	.run = slab_run,
};
