/*
 * The monitor: a person, or a script, tells the kernel what to do.
 *
 * A thread reads lines from the console (line.c) and runs them; `run="..."` on
 * the kernel's command line runs the same way without anyone typing. A line
 * is commands separated by ';' (not inside quotes); a command is words; the
 * first one is looked up in the table of commands.c, and gets the rest.
 *
 *	bytes -> input.c -> line.c -> monitor_run -> split_words -> cmd_*.c
 *
 * A command explains what was wrong itself and returns an error; the next one
 * runs all the same. A script's result is the last error, and `poweroff` without a
 * code, in the script too, ends with 1 if a command of it failed.
 *
 * TO ADD a command: a struct command in the cmd_*.c of its subject, one line in
 * commands.c.
 */
#include <kernel/error.h>
#include <kernel/init.h>
#include <kernel/monitor.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include "commands.h"
#include "line.h"

#define WORDS_MAX 32
#define PROMPT "ashlar> "

int
command_usage(const struct command *command)
{
	printk("usage: %s\n", command->usage);
	return -E_INVAL;
}

const struct command *
command_find(const char *name)
{
	for (unsigned i = 0; commands[i] != NULL; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int
run_command(char *text)
{
	const struct command *command;
	char *words[WORDS_MAX];
	int nr = split_words(text, words, ARRAY_SIZE(words));

	if (nr == 0)
		return 0;
	if (nr < 0) {
		printk("%s\n", nr == -E_INVAL ? "a quote is never closed"
					      : "too many words");
		return nr;
	}
	command = command_find(words[0]);
	if (command == NULL) {
		printk("%s: no such command; `help` lists them\n", words[0]);
		return -E_NOT_FOUND;
	}
	return command->run(nr, words);
}

static int
run_line(char *text, bool is_script)
{
	int last_error = 0;

	while (*text != '\0') {
		char *end = text + (words_find(text, ';') - text);
		bool more = *end == ';';
		int err;

		*end = '\0';
		err = run_command(text);
		if (err != 0)
			last_error = err;
		if (err != 0 && is_script)
			init_note_failure();
		text = more ? end + 1 : end;
	}
	return last_error;
}

int
monitor_run(const char *script)
{
	/* The one script and the console's lines come from one thread. */
	static char text[MONITOR_SCRIPT_MAX];

	if (strlcpy(text, script, sizeof(text)) >= sizeof(text)) {
		printk("monitor: a script longer than %d characters\n",
		       MONITOR_SCRIPT_MAX - 1);
		return -E_NO_SPACE;
	}
	return run_line(text, true);
}

int
monitor_main(void *arg)
{
	/* One thread reads the console. */
	static char text[LINE_SIZE];

	for (;;) {
		int err = line_read(PROMPT, text);

		if (err == -E_KILLED)
			printk("monitor: was asked to end\n");
		if (err == -E_NOT_FOUND || err == -E_KILLED)
			return 0;
		if (err == -E_NO_SPACE)
			printk("monitor: a line longer than %d characters is "
			       "not run\n",
			       LINE_SIZE - 1);
		else
			(void)run_line(text, false);
	}
}
