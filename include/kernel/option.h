/*
 * Boot settings: "name=value" words of the kernel command line.
 *
 * A subsystem defines its settings as `const struct boot_option` beside the
 * code they set; core/init/boot_options.c lists all of them in one table, from
 * which the command line is applied and `help boot` is printed.
 *
 * Most settings are of a kind that needs no code of its own: a choice from a
 * table, a number between two limits, a switch. The definition says where the
 * value is kept and what it may be; options.c reads, checks and prints it.
 * Settings are applied before anything is set up, so a subsystem reads the
 * value in its own *_init and never later.
 */
#ifndef KERNEL_OPTION_H
#define KERNEL_OPTION_H

#include <kernel/types.h>

enum option_kind {
	OPTION_TEXT,   /* the setting's own functions take the value over */
	OPTION_CHOICE, /* one entry of a table, by its name */
	OPTION_NUMBER, /* min <= number <= max */
	OPTION_SWITCH, /* "on" or "off" */
};

struct boot_option {
	const char *name;
	const char *help; /* one line */
	enum option_kind kind;
	union {
		/* OPTION_CHOICE: *index is the place of the chosen entry, whose
		 * name is names[*index], or else name_at(*index). Both end with
		 * NULL; name_at is asked for i only if i - 1 has a name. */
		struct {
			unsigned *index;
			const char *const *names;
			const char *(*name_at)(unsigned i);
		} one_of;
		/* OPTION_NUMBER */
		struct {
			unsigned *value;
			unsigned min, max;
		} number;
		/* OPTION_SWITCH */
		bool *is_on;
	};
	/* OPTION_TEXT: what it can be, as help: "off, nth=N,...". */
	const char *values;
	/* What the name without "=" means; NULL: it means nothing. */
	const char *alone;
	/* OPTION_TEXT: takes over the value. Runs before anything is set up, so
	 * it only remembers. -E_INVAL, or -E_NO_SPACE for one that is too long,
	 * keeps the value in force; the caller reports it together with the right
	 * values. */
	int (*set)(const char *value);
	/* OPTION_TEXT: the value in force, as text. Another kind has it only
	 * where what is in force can differ from what was set. */
	const char *(*get)(void);
};

/* Room for the value of any number, as text. */
#define OPTION_NUMBER_TEXT 12

/*
 * The value becomes the one in force: 0. Or it is not one that the setting can
 * have: -E_INVAL, or -E_NO_SPACE for a text that is too long, and nothing has
 * changed. Numbers are decimal or 0x
 * hexadecimal, without anything before or behind them. Before the subsystem
 * is set up, by one thread.
 */
int option_set(const struct boot_option *option, const char *value)
	__must_check;

/* The value in force, as text; `scratch` holds it if nothing else does. */
const char *option_get(const struct boot_option *option,
		       char scratch[OPTION_NUMBER_TEXT]);

/* The i-th name that a choice or a switch can have; NULL past the last, and for
 * settings of other kinds. */
const char *option_choice(const struct boot_option *option, unsigned i);

/* What values there are: "red|green|blue", "1..1000". Cut to size - 1
 * characters if there is not room enough (size > 0). */
void option_values(const struct boot_option *option, char *text, size_t size);

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
