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

/* Values as text, for get(). */
#define TEXT_BYTES 24

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
	static char text[TEXT_BYTES];

	if (host_machine.ram_bytes % MIB == 0)
		snprintf(text, sizeof(text), "%luM",
			 host_machine.ram_bytes / MIB);
	else
		snprintf(text, sizeof(text), "%luK",
			 host_machine.ram_bytes / KIB);
	return text;
}

/* A number from 1 to max. */
static int
set_count(const char *value, unsigned long max, unsigned *count)
{
	unsigned long number;

	if (parse_unsigned(value, &number) != 0 || number < 1 || number > max)
		return -E_INVAL;
	*count = (unsigned)number;
	return 0;
}

static int
set_cpus(const char *value)
{
	return set_count(value, MAX_CPUS, &host_machine.nr_cpus);
}

static const char *
get_cpus(void)
{
	static char text[TEXT_BYTES];

	snprintf(text, sizeof(text), "%u", host_machine.nr_cpus);
	return text;
}

static int
set_nodes(const char *value)
{
	return set_count(value, MAX_NODES, &host_machine.nr_nodes);
}

static const char *
get_nodes(void)
{
	static char text[TEXT_BYTES];

	snprintf(text, sizeof(text), "%u", host_machine.nr_nodes);
	return text;
}

/* In the order of enum host_ticks. */
static const char *const ticks_names[] = { "signal", "poll", "manual", NULL };

static const char *
ticks_choice(unsigned i)
{
	return i < ARRAY_SIZE(ticks_names) ? ticks_names[i] : NULL;
}

static int
set_ticks(const char *value)
{
	for (unsigned i = 0; ticks_names[i] != NULL; i++) {
		if (strcmp(value, ticks_names[i]) == 0) {
			host_machine.ticks = (enum host_ticks)i;
			return 0;
		}
	}
	return -E_INVAL;
}

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
	.values = "1..16",
	.set = set_cpus,
	.get = get_cpus,
};

static const struct boot_option nodes_option = {
	.name = "nodes",
	.help = "memory nodes, each with an equal part of RAM and CPUs",
	.values = "1..4",
	.set = set_nodes,
	.get = get_nodes,
};

static const struct boot_option ticks_option = {
	.name = "ticks",
	.help = "how interrupts come: by signal, looked for, or no clock at all",
	.choice = ticks_choice,
	.set = set_ticks,
	.get = get_ticks,
};

BUILD_ASSERT(MAX_CPUS == 16 && MAX_NODES == 4); /* as the texts say */

const struct boot_option *const arch_boot_options[] = {
	&mem_option, &cpus_option, &nodes_option, &ticks_option, NULL
};

/* -- before the kernel ---------------------------------------------------------- */

#define COMMAND_LINE_MAX 4096
#define WORDS_MAX 256

static void
explain(const struct boot_option *option, const char *word, char *why,
	size_t size)
{
	size_t n =
		(size_t)snprintf(why, size, "%s: wrong value; right: ", word);

	if (option->choice == NULL) {
		if (n < size)
			snprintf(why + n, size - n, "%s", option->values);
		return;
	}
	for (unsigned i = 0; option->choice(i) != NULL && n < size; i++)
		n += (size_t)snprintf(why + n, size - n, "%s%s",
				      i > 0 ? ", " : "", option->choice(i));
}

static int
apply_word(const char *word, char *why, size_t size)
{
	for (unsigned i = 0; arch_boot_options[i] != NULL; i++) {
		const struct boot_option *option = arch_boot_options[i];
		size_t n = strlen(option->name);

		if (strncmp(word, option->name, n) != 0 || word[n] != '=')
			continue;
		if (option->set(word + n + 1) == 0)
			return 0;
		explain(option, word, why, size);
		return -E_INVAL;
	}
	return 0;
}

int
host_options_parse(const char *command_line, char *why, size_t size)
{
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
