/*
 * slab_debug: which object caches are looked at, and how; turning that on and
 * off; looking through them now.
 */
#include <kernel/error.h>
#include <kernel/kmalloc.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include "commands.h"

static void
line_print(const char *line, void *unused)
{
	printk("%s\n", line);
}

static int
scan(const char *name)
{
	int nr_bad = kmem_debug_scan(name);

	if (nr_bad >= 0)
		printk("slab_debug: %d cache%s with something wrong\n", nr_bad,
		       nr_bad == 1 ? "" : "s");
	return nr_bad > 0 ? -E_UNSPECIFIED : nr_bad;
}

static void
say_error(int err)
{
	if (err == -E_NOT_FOUND)
		printk("slab_debug: no such cache, or kmalloc= is not slab\n");
	else if (err == -E_BUSY)
		printk("slab_debug: its objects would have to lie otherwise, "
		       "and some are out: only F, and P without a "
		       "constructor, can be turned on now\n");
	else if (err == -E_NO_MEM)
		printk("slab_debug: its objects are too large for that\n");
	else
		printk("slab_debug: %s\n", error_name(err));
}

static int
slab_debug_run(int argc, char *argv[])
{
	int err;

	if (argc == 1)
		err = kmem_debug_read(line_print, NULL);
	else if (argc <= 3 && strcmp(argv[1], "-v") == 0)
		err = scan(argc == 3 ? argv[2] : NULL);
	else if (argc == 3)
		err = kmem_debug_set(argv[1], argv[2]);
	else
		return command_usage(&cmd_slab_debug);
	if (err != 0 && err != -E_UNSPECIFIED)
		say_error(err);
	return err;
}

const struct command cmd_slab_debug = {
	.name = "slab_debug",
	.usage = "slab_debug [NAME LETTERS | -v [NAME]]",
	.help = "what is looked at in caches (FZPU, or - for none); -v: now",
	.run = slab_debug_run,
};
