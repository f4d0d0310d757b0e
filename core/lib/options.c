/*
 * Boot settings: the command line is split into words, and each value is checked and
 * applied (<kernel/option.h>).
 *
 * The line is copied, split into words (quotes may open anywhere in a word),
 * and each word "name=value" is offered to the setting of that name; the last
 * one wins. A word that is wrong is reported together with what would have been
 * right; the setting keeps its value, and the boot goes on.
 */
#include <kernel/error.h>
#include <kernel/option.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#define LINE_MAX 2048
#define WORDS_MAX 64

/* Used once, on the boot CPU, before anything else runs. */
static char line[LINE_MAX];
static char *words[WORDS_MAX];

/* Longer lists of values are cut where they are printed. */
#define VALUES_MAX 256
/* So much of what somebody typed is shown, so that there is room for the reason. */
#define SHOWN_MAX 64

/* -- one setting ------------------------------------------------------------ */

static const char *const switch_names[] = { "on", "off", NULL };

/* The i-th name of a choice, of which there are more than i, or just i. */
static const char *
name_at(const struct boot_option *option, unsigned i)
{
	switch (option->kind) {
	case OPTION_CHOICE:
		return option->one_of.names != NULL ? option->one_of.names[i]
						    : option->one_of.name_at(i);
	case OPTION_SWITCH:
		return switch_names[i];
	case OPTION_TEXT:
	case OPTION_NUMBER:
		break;
	}
	return NULL;
}

const char *
option_choice(const struct boot_option *option, unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (name_at(option, k) == NULL)
			return NULL;
	return name_at(option, i);
}

/* The place of a name among those a setting can have. */
static int
find_name(const struct boot_option *option, const char *name, unsigned *index)
{
	const char *choice;

	for (unsigned i = 0; (choice = name_at(option, i)) != NULL; i++) {
		if (strcmp(choice, name) == 0) {
			*index = i;
			return 0;
		}
	}
	return -E_INVAL;
}

static int
set_number(const struct boot_option *option, const char *value)
{
	unsigned long number;

	if (parse_unsigned(value, &number) != 0 ||
	    number < option->number.min || number > option->number.max)
		return -E_INVAL;
	*option->number.value = (unsigned)number;
	return 0;
}

int
option_set(const struct boot_option *option, const char *value)
{
	unsigned index;
	int err = -E_INVAL;

	switch (option->kind) {
	case OPTION_TEXT:
		err = option->set(value);
		break;
	case OPTION_CHOICE:
		err = find_name(option, value, option->one_of.index);
		break;
	case OPTION_NUMBER:
		err = set_number(option, value);
		break;
	case OPTION_SWITCH:
		err = find_name(option, value, &index);
		if (err == 0)
			*option->is_on = index == 0;
		break;
	}
	return err;
}

const char *
option_get(const struct boot_option *option, char scratch[OPTION_NUMBER_TEXT])
{
	if (option->get != NULL)
		return option->get();
	switch (option->kind) {
	case OPTION_CHOICE:
		return name_at(option, *option->one_of.index);
	case OPTION_SWITCH:
		return switch_names[*option->is_on ? 0 : 1];
	case OPTION_NUMBER:
		snprintf(scratch, OPTION_NUMBER_TEXT, "%u",
			 *option->number.value);
		return scratch;
	case OPTION_TEXT:
		break;
	}
	panic("boot setting %s cannot tell its value", option->name);
}

void
option_values(const struct boot_option *option, char *text, size_t size)
{
	const char *choice;
	size_t n = 0;

	if (option->kind == OPTION_NUMBER) {
		snprintf(text, size, "%u..%u", option->number.min,
			 option->number.max);
		return;
	}
	if (option->kind == OPTION_TEXT) {
		(void)strlcpy(text, option->values, size);
		return;
	}
	for (unsigned i = 0; (choice = name_at(option, i)) != NULL && n < size;
	     i++)
		n += (size_t)snprintf(text + n, size - n, "%s%s",
				      i == 0 ? "" : "|", choice);
}

/* -- tables of them --------------------------------------------------------- */

/* The i-th setting of all tables; NULL past the last. */
static const struct boot_option *
option_at(option_tables tables, unsigned i)
{
	for (unsigned t = 0; tables[t] != NULL; t++)
		for (unsigned k = 0; tables[t][k] != NULL; k++)
			if (i-- == 0)
				return tables[t][k];
	return NULL;
}

static const struct boot_option *
find_option(option_tables tables, const char *name)
{
	const struct boot_option *option;

	for (unsigned i = 0; (option = option_at(tables, i)) != NULL; i++)
		if (strcmp(option->name, name) == 0)
			break;
	return option;
}

static void
complain_unknown(option_tables tables, const char *name)
{
	const struct boot_option *option;

	printk("boot: there is no setting \"%.*s\"; there are:", SHOWN_MAX,
	       name);
	for (unsigned i = 0; (option = option_at(tables, i)) != NULL; i++)
		printk(" %s", option->name);
	printk("\n");
}

/* A long value comes behind the reason: the log cuts the end of what is too long. */
static void
complain_value(const struct boot_option *option, const char *value, int err)
{
	char values[VALUES_MAX], scratch[OPTION_NUMBER_TEXT];
	const char *why = err == -E_NO_SPACE ? "too long"
					     : "not a value it can have";
	size_t length = strlen(value);

	option_values(option, values, sizeof(values));
	if (length <= SHOWN_MAX)
		printk("boot: %s=%s: %s (%s); it stays %s\n", option->name,
		       value, why, values, option_get(option, scratch));
	else
		printk("boot: %s: %s (%s); it stays %.*s; %zu characters are: "
		       "%s\n",
		       option->name, why, values, SHOWN_MAX,
		       option_get(option, scratch), length, value);
}

/* Returns whether there was something to complain about. */
static bool
apply_word(option_tables tables, char *word)
{
	char *equals = strchr(word, '=');
	const struct boot_option *option;
	int err;

	option = find_option(tables, word);
	if (equals == NULL && option != NULL && option->alone != NULL)
		return option_set(option, option->alone) != 0;
	if (equals == NULL) {
		printk("boot: \"%.*s\" is not name=value; ignored\n", SHOWN_MAX,
		       word);
		return true;
	}
	*equals = '\0';
	option = find_option(tables, word);
	if (option == NULL) {
		complain_unknown(tables, word);
		return true;
	}
	err = option_set(option, equals + 1);
	if (err != 0)
		complain_value(option, equals + 1, err);
	return err != 0;
}

unsigned
options_apply(option_tables tables, const char *command_line)
{
	unsigned nr_complaints = 0;
	int nr;

	if (strlcpy(line, command_line, sizeof(line)) >= sizeof(line)) {
		printk("boot: the command line is longer than %d characters; "
		       "all of it is ignored\n",
		       LINE_MAX - 1);
		return 1;
	}
	nr = split_words(line, words, ARRAY_SIZE(words));
	if (nr == -E_INVAL) {
		printk("boot: a quote is never closed; all settings are "
		       "ignored: %.*s\n",
		       4 * SHOWN_MAX, command_line);
		return 1;
	}
	if (nr < 0) {
		printk("boot: more than %d words; all settings are ignored\n",
		       WORDS_MAX);
		return 1;
	}
	for (int i = 0; i < nr; i++)
		nr_complaints += apply_word(tables, words[i]);
	return nr_complaints;
}

void
options_print(option_tables tables)
{
	char values[VALUES_MAX], scratch[OPTION_NUMBER_TEXT];
	const struct boot_option *option;

	for (unsigned i = 0; (option = option_at(tables, i)) != NULL; i++) {
		option_values(option, values, sizeof(values));
		printk("%s=%s\n    %s (now: %s)\n", option->name, values,
		       option->help, option_get(option, scratch));
	}
}
