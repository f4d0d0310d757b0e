/*
 * Boot settings: "name=value" words of the kernel command line.
 *
 * A subsystem defines its settings as `const struct boot_option` beside the
 * code they set; core/init/boot_options.c lists all of them in one table, from
 * which the command line is applied and `help boot` is printed.
 */
#ifndef KERNEL_OPTION_H
#define KERNEL_OPTION_H

#include <kernel/types.h>

struct boot_option {
	const char *name;
	const char *help;   /* one line */
	const char *values; /* "<number of threads>"; NULL if choice is given */
	/* The i-th allowed value, NULL past the last: for settings that choose
	 * from a table. Else NULL. */
	const char *(*choice)(unsigned i);
	/* What the name without "=" means; NULL: it means nothing. */
	const char *alone;
	/* Takes over the value. Runs before anything is set up, so it only
	 * remembers. -E_INVAL keeps the default; the caller reports it together with the
	 * right values. */
	int (*set)(const char *value);
	/* The value in force, as text. */
	const char *(*get)(void);
};

/* Tables of settings, each NULL-terminated, the list of them too. */
typedef const struct boot_option *const *const option_tables[];

/* All there are: core/init/boot_options.c. */
extern option_tables boot_options;

/*
 * Applies a command line: each unknown name, wrong value or word without "=" is
 * reported by name, with what would have been right, and skipped. Returns the
 * number of complaints. Once, before anything else runs.
 */
unsigned options_apply(option_tables tables, const char *command_line);

/* Prints them as `help boot` shows them. */
void options_print(option_tables tables);

#endif /* KERNEL_OPTION_H */
