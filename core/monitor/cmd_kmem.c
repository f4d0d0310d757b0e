/*
 * kmem: what the back end of kmalloc holds; giving back what it can.
 */
#include <kernel/kmalloc.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include "commands.h"

static int
kmem_run(int argc, char *argv[])
{
	if (argc > 2 || (argc == 2 && strcmp(argv[1], "shrink") != 0))
		return command_usage(&cmd_kmem);
	if (argc == 2)
		printk("kmem: %zu pages given back\n", kmem_shrink());
	kmem_print();
	return 0;
}

const struct command cmd_kmem = {
	.name = "kmem",
	.usage = "kmem [shrink]",
	.help = "what serves kmalloc holds; gives back what is wholly free",
	.run = kmem_run,
};
