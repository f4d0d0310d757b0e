/*
 * Completion: which words the one before the cursor may become.
 *
 * The first word of a command is a command's name. The words after it are those
 * that the command lists itself (`word` in struct command), at any place. A word
 * with a quote in it is not completed.
 */
#include <kernel/printk.h>
#include <kernel/string.h>
#include "commands.h"
#include "line.h"

#define COLUMN_WIDTH 24
#define LINE_COLUMNS 3

/* What the word under the cursor is. */
struct place {
	const struct command *command; /* it follows; NULL: it is a name */
	const char *word;
	size_t length;
};

static const char *
candidate(const struct place *place, unsigned i)
{
	if (place->command == NULL)
		return commands[i] != NULL ? commands[i]->name : NULL;
	return place->command->word != NULL ? place->command->word(i) : NULL;
}

static bool
is_candidate(const struct place *place, const char *word)
{
	return strncmp(word, place->word, place->length) == 0;
}

static const struct command *
command_named(const char *name, size_t length)
{
	for (unsigned i = 0; commands[i] != NULL; i++)
		if (strlen(commands[i]->name) == length &&
		    strncmp(commands[i]->name, name, length) == 0)
			return commands[i];
	return NULL;
}

/* False: nothing can be completed there. */
static bool
find_place(const char *text, size_t length, struct place *place)
{
	size_t start = 0, name_end, word;

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '"' || text[i] == '\'')
			return false;
		if (text[i] == ';')
			start = i + 1;
	}
	while (start < length && text[start] == ' ')
		start++;
	for (name_end = start; name_end < length && text[name_end] != ' ';)
		name_end++;
	for (word = length; word > start && text[word - 1] != ' ';)
		word--;
	*place = (struct place){ .word = text + word, .length = length - word };
	if (word == start)
		return true;
	place->command = command_named(text + start, name_end - start);
	return place->command != NULL;
}

struct line_completion
line_complete(const char *text, size_t length)
{
	struct line_completion found = { .nr = 0 };
	struct place place;
	const char *word;

	if (!find_place(text, length, &place))
		return found;
	for (unsigned i = 0; (word = candidate(&place, i)) != NULL; i++) {
		size_t same = 0;

		if (!is_candidate(&place, word))
			continue;
		if (found.nr++ == 0) {
			found.more = word + place.length;
			found.nr_more = strlen(found.more);
			continue;
		}
		while (same < found.nr_more &&
		       found.more[same] == word[place.length + same])
			same++;
		found.nr_more = same;
	}
	return found;
}

void
line_complete_print(const char *line, size_t length)
{
	char text[COLUMN_WIDTH + 2];
	struct place place;
	const char *word;
	unsigned nr = 0;
	size_t n;

	if (!find_place(line, length, &place))
		return;
	for (unsigned i = 0; (word = candidate(&place, i)) != NULL; i++) {
		if (!is_candidate(&place, word))
			continue;
		n = (size_t)snprintf(text, sizeof(text), "%s%-*s",
				     nr++ % LINE_COLUMNS == 0 ? "\n" : "",
				     COLUMN_WIDTH, word);
		console_write(text, MIN(n, sizeof(text) - 1));
	}
	console_write("\n", 1);
}
