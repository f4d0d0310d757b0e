/*
 * Rows of the peer programs: samples, and which of them are asked for.
 */
#include "peer.h"

#include <stdarg.h>
#include <string.h>

static int nr_words;
static char **words;
static unsigned nr_samples_wanted = PEER_SAMPLES;

void
peer_arguments(int argc, char *argv[])
{
	nr_words = argc;
	words = argv;
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "n=", 2) != 0)
			continue;
		nr_samples_wanted = (unsigned)strtoul(argv[i] + 2, NULL, 10);
		if (nr_samples_wanted == 0 ||
		    nr_samples_wanted >= PEER_SAMPLES_MAX)
			die(argv[i], 0);
	}
}

static bool
begins_with(const char *name, const char *word)
{
	return strncmp(name, word, strlen(word)) == 0;
}

static bool
is_asked_for(const char *name, bool also_parts)
{
	bool any = false;

	for (int i = 1; i < nr_words; i++) {
		if (strchr(words[i], '=') != NULL)
			continue;
		if (begins_with(name, words[i]) ||
		    (also_parts && begins_with(words[i], name)))
			return true;
		any = true;
	}
	return !any;
}

bool
peer_is_named(const char *name)
{
	return is_asked_for(name, true);
}

bool
peer_is_in_full(const char *name)
{
	for (int i = 1; i < nr_words; i++)
		if (strcmp(words[i], name) == 0)
			return true;
	return false;
}

void
peer_row_init(struct peer_row *row, unsigned long ops, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(row->name, sizeof(row->name), format, ap);
	va_end(ap);
	row->ops = ops;
	row->is_wanted = is_asked_for(row->name, false);
	row->is_warm = false;
	row->nr_samples = 0;
	row->total = 0;
}

bool
peer_wants_more(const struct peer_row *row)
{
	if (!row->is_wanted || row->nr_samples >= nr_samples_wanted)
		return false;
	return row->nr_samples < PEER_SAMPLES_MIN ||
	       row->total < PEER_ROW_BUDGET;
}

void
peer_put(struct peer_row *row, double value)
{
	if (row->nr_samples == PEER_SAMPLES_MAX)
		die("too many samples", 0);
	row->samples[row->nr_samples++] = value;
}

void
peer_add(struct peer_row *row, uint64_t start)
{
	double ns = (double)(peer_now() - start);

	if (!row->is_warm) {
		row->is_warm = true;
		return;
	}
	row->total += ns;
	peer_put(row, ns / (double)row->ops);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
peer_median(struct peer_row *row)
{
	qsort(row->samples, row->nr_samples, sizeof(row->samples[0]), compare);
	return row->samples[row->nr_samples / 2];
}

void
peer_print(struct peer_row *row)
{
	double median;

	if (row->nr_samples == 0 || !row->is_wanted)
		return;
	median = peer_median(row);
	printf("peer: %s n=%u ops=%lu median=%.2f min=%.2f max=%.2f\n",
	       row->name, row->nr_samples, row->ops, median, row->samples[0],
	       row->samples[row->nr_samples - 1]);
	fflush(stdout);
}

void
peer_measure(struct peer_row *row, void (*batch)(void *arg), void *arg)
{
	while (peer_wants_more(row)) {
		uint64_t start = peer_now();

		batch(arg);
		peer_add(row, start);
	}
	peer_print(row);
}

void
shuffle(unsigned order[], unsigned n)
{
	unsigned state = 1;

	for (unsigned i = 0; i < n; i++) {
		unsigned j = next_random(&state) % (i + 1);

		order[i] = order[j];
		order[j] = i;
	}
}

void
die(const char *what, int err)
{
	fprintf(stderr, "%s%s%s\n", what, err != 0 ? ": " : "",
		err != 0 ? strerror(err) : "");
	exit(1);
}

void *
allocate(size_t size)
{
	void *object = malloc(size);

	if (object == NULL)
		die("no memory", 0);
	return object;
}
