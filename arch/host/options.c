/*
 * Boot settings of the machine itself: mem, cpus, nodes, ticks.
 *
 * They are wanted before there is a kernel, so main() applies them first, and ends
 * the process if one is wrong. Later core applies the whole command line, these
 * among the others, which sets the same values again.
 */
#include "host.h"
#include <kernel/error.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#define KIB 1024ul
#define MIB (1024 * KIB)
#define RAM_MIN (4 * MIB)

struct host_machine host_machine = {
	.ram_bytes = 128 * MIB,
	.nr_cpus = 1,
	.nr_nodes = 1,
	.ticks = HOST_TICKS_SIGNAL,
};

static int
set_mem(const char *value)
{
	unsigned long bytes;

	if (parse_size(value, &bytes) != 0 || bytes < RAM_MIN ||
	    bytes > HOST_RAM_MAX)
		return -E_INVAL;
	host_machine.ram_bytes = ALIGN_DOWN(bytes, PAGE_SIZE);
	return 0;
}

static const char *
get_mem(void)
{
	static char text[24];

	if (host_machine.ram_bytes % MIB == 0)
		snprintf(text, sizeof(text), "%luM",
			 host_machine.ram_bytes / MIB);
	else
		snprintf(text, sizeof(text), "%luK",
			 host_machine.ram_bytes / KIB);
	return text;
}

/* In the order of enum host_ticks. */
static const char *const ticks_names[] = { "signal", "poll", "manual", NULL };

static const char *
get_ticks(void)
{
	if (host_must_poll && host_machine.ticks == HOST_TICKS_SIGNAL)
		return ticks_names[HOST_TICKS_POLL];
	return ticks_names[host_machine.ticks];
}

static const struct boot_option mem_option = {
	.name = "mem",
	.help = "RAM of the machine",
	.values = "4M..64G",
	.set = set_mem,
	.get = get_mem,
};

static const struct boot_option cpus_option = {
	.name = "cpus",
	.help = "number of CPUs",
	.kind = OPTION_NUMBER,
	.number = { .value = &host_machine.nr_cpus, .min = 1, .max = MAX_CPUS },
};

static const struct boot_option nodes_option = {
	.name = "nodes",
	.help = "memory nodes, each with an equal part of RAM and CPUs",
	.kind = OPTION_NUMBER,
	.number = { .value = &host_machine.nr_nodes,
		    .min = 1,
		    .max = MAX_NODES },
};

static const struct boot_option ticks_option = {
	.name = "ticks",
	.help = "how interrupts come: by signal, looked for, or no clock at all",
	.kind = OPTION_CHOICE,
	.one_of = { .index = &host_machine.ticks, .names = ticks_names },
	.get = get_ticks,
};

const struct boot_option *const arch_boot_options[] = {
	&mem_option, &cpus_option, &nodes_option, &ticks_option, NULL
};

/* -- before the kernel ---------------------------------------------------------- */

#define COMMAND_LINE_MAX 4096
#define WORDS_MAX 256

static int
apply_word(const char *word, char *why, size_t size)
{
	char values[64];

	for (unsigned i = 0; arch_boot_options[i] != NULL; i++) {
		const struct boot_option *option = arch_boot_options[i];
		size_t n = strlen(option->name);

		if (strncmp(word, option->name, n) != 0 || word[n] != '=')
			continue;
		if (option_set(option, word + n + 1) == 0)
			return 0;
		option_values(option, values, sizeof(values));
		snprintf(why, size, "%s: wrong value; right: %s", word, values);
		return -E_INVAL;
	}
	return 0;
}

int
host_options_parse(const char *command_line, char *why, size_t size)
{
	/* main() calls this once, before there are CPUs. */
	static char text[COMMAND_LINE_MAX];
	static char *words[WORDS_MAX];
	int nr;

	if (strlcpy(text, command_line, sizeof(text)) >= sizeof(text)) {
		snprintf(why, size, "the command line is longer than %d bytes",
			 COMMAND_LINE_MAX - 1);
		return -E_INVAL;
	}
	nr = split_words(text, words, WORDS_MAX);
	if (nr < 0) {
		snprintf(why, size, "%s: %s", command_line,
			 nr == -E_NO_SPACE ? "too many words"
					   : "a quote is not closed");
		return -E_INVAL;
	}
	for (int i = 0; i < nr; i++)
		if (apply_word(words[i], why, size) != 0)
			return -E_INVAL;
	return 0;
}
