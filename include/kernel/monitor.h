/*
 * The console's monitor: lines in, commands run, text out.
 */
#ifndef KERNEL_MONITOR_H
#define KERNEL_MONITOR_H

#include <kernel/types.h>

/* A command: one entry of the table in core/monitor/commands.c. */
struct command {
	const char *name;
	const char *usage; /* "spawn NAME [COUNT]": shown for wrong input */
	const char *help;  /* one line */
	/* argv[0] is the name. 0, or a negative error (already explained). */
	int (*run)(int argc, char *argv[]);
	/* The i-th word that may follow the name, NULL past the last: for
	 * completion. NULL: the words are not from a list. */
	const char *(*word)(unsigned i);
};

extern const struct command *const commands[]; /* NULL-terminated */

/* The longest script. */
#define MONITOR_SCRIPT_MAX 1024
/* Runs "cmd; cmd; ..." one after the other; returns the last error, or 0. */
int monitor_run(const char *script);
/* Thread: reads lines from the console and runs them until input ends. */
int monitor_main(void *arg);
/* Blocks until a byte is typed; CONSOLE_EOF when input has ended; -E_KILLED. */
int console_getc(void);

#endif /* KERNEL_MONITOR_H */
