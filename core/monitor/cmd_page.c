/*
 * pages: physical memory.
 */
#include <kernel/page.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include "commands.h"

static int
pages_run(int argc, char *argv[])
{
	size_t total = nr_managed_pages(), nr_free = nr_free_pages();

	if (argc > 1)
		return command_usage(&cmd_pages);
	printk("policy:  %s\n", page_policy_name());
	printk("managed: %zu pages, %zu KiB\n", total,
	       total * (PAGE_SIZE / 1024));
	printk("free:    %zu pages, %zu KiB\n", nr_free,
	       nr_free * (PAGE_SIZE / 1024));
	printk("used:    %zu pages, %zu of them in stacks of %zu ended threads\n",
	       total - nr_free, proc_nr_kept() * ARCH_KSTACK_PAGES,
	       proc_nr_kept());
	return 0;
}

const struct command cmd_pages = {
	.name = "pages",
	.usage = "pages",
	.help = "physical memory: policy, free and used pages",
	.run = pages_run,
};
