/*
 * Boot settings from the command line (<kernel/option.h>).
 *
 * The line is copied, split into words (quotes may open anywhere in a word),
 * and each word "name=value" is offered to the setting of that name; the last
 * one wins. Whatever is wrong is said with the word that is wrong and what
 * would have been right; the setting keeps its value, and the boot goes on.
 */
#include <kernel/error.h>
#include <kernel/option.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#define LINE_MAX 2048
#define WORDS_MAX 64

/* Used once, on the boot CPU, before anything else runs. */
static char line[LINE_MAX];
static char *words[WORDS_MAX];

static void
print_values(const struct boot_option *option)
{
	const char *choice;

	if (option->choice == NULL) {
		printk("%s", option->values);
		return;
	}
	for (unsigned i = 0; (choice = option->choice(i)) != NULL; i++)
		printk("%s%s", i == 0 ? "" : "|", choice);
}

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

	printk("boot: there is no setting \"%s\"; there are:", name);
	for (unsigned i = 0; (option = option_at(tables, i)) != NULL; i++)
		printk(" %s", option->name);
	printk("\n");
}

/* Returns whether there was something to complain about. */
static bool
apply_word(option_tables tables, char *word)
{
	char *equals = strchr(word, '=');
	const struct boot_option *option;

	option = find_option(tables, word);
	if (equals == NULL && option != NULL && option->alone != NULL)
		return option->set(option->alone) != 0;
	if (equals == NULL) {
		printk("boot: \"%s\" is not name=value; ignored\n", word);
		return true;
	}
	*equals = '\0';
	option = find_option(tables, word);
	if (option == NULL) {
		complain_unknown(tables, word);
		return true;
	}
	if (option->set(equals + 1) == 0)
		return false;
	printk("boot: %s=%s: not a value it can have (", word, equals + 1);
	print_values(option);
	printk("); it stays %s\n", option->get());
	return true;
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
		       "ignored: %s\n",
		       command_line);
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
	const struct boot_option *option;

	for (unsigned i = 0; (option = option_at(tables, i)) != NULL; i++) {
		printk("%s=", option->name);
		print_values(option);
		printk("\n    %s (now: %s)\n", option->help, option->get());
	}
}
