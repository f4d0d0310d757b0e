/*
 * help: what there is to type, and to set at boot.
 */
#include <kernel/error.h>
#include <kernel/option.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include "commands.h"

static int
help_one(const char *name)
{
	const struct command *command = command_find(name);

	if (command == NULL) {
		printk("help: no such command: %s\n", name);
		return -E_NOT_FOUND;
	}
	printk("%s\n    %s\n", command->usage, command->help);
	return 0;
}

static int
help_run(int argc, char *argv[])
{
	if (argc > 2)
		return command_usage(&cmd_help);
	if (argc == 2 && strcmp(argv[1], "boot") == 0)
		options_print(boot_options);
	else if (argc == 2)
		return help_one(argv[1]);
	else
		for (unsigned i = 0; commands[i] != NULL; i++)
			printk("  %-10s %s\n", commands[i]->name,
			       commands[i]->help);
	return 0;
}

static const char *
help_word(unsigned i)
{
	return commands[i] != NULL ? commands[i]->name : NULL;
}

const struct command cmd_help = {
	.name = "help",
	.usage = "help [COMMAND | boot]",
	.help = "lists commands; tells about one; lists the boot settings",
	.run = help_run,
	.word = help_word,
};
