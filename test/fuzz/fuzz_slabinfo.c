/*
 * Fuzz target: any text written to slabinfo, while caches are in use.
 *
 * An input is a text. Each of its lines is written, and between two lines objects
 * come and go. What the answer must be is worked out here by other means
 * (sscanf), for lines that are plain; for all others it may be anything, as long
 * as nothing has changed if it is an error. What was accepted is read back.
 */
#include <ctype.h>
#include <string.h>

#include <kernel/error.h>

#include "../../core/kmem/slab.h"
#include "../check/slab_model.h"
#include "fuzz.h"

#define LINES_MAX 20
#define CACHES_MAX 64
#define OBJECTS 150

struct row {
	char name[32];
	unsigned limit, batchcount, shared;
};

static struct table {
	unsigned nr;
	struct row rows[CACHES_MAX];
} before, after, at_rest;

static struct kmem_cache *traffic[2];
static void *objects[2][OBJECTS];
static unsigned turn;

/* -- reading ---------------------------------------------------------------------- */

static void
line_read(const char *line, void *arg)
{
	struct table *table = arg;
	struct row *row = &table->rows[table->nr];
	unsigned long active, num, size, per_slab, pages, active_slabs;
	unsigned long num_slabs, avail;

	if (line[0] == '#' || strncmp(line, "slabinfo", 8) == 0)
		return;
	FUZZ_EXPECT(table->nr < CACHES_MAX);
	FUZZ_EXPECT(sscanf(line,
			   "%31s %lu %lu %lu %lu %lu : tunables %u %u %u : "
			   "slabdata %lu %lu %lu",
			   row->name, &active, &num, &size, &per_slab, &pages,
			   &row->limit, &row->batchcount, &row->shared,
			   &active_slabs, &num_slabs, &avail) == 12);
	FUZZ_EXPECT(num == num_slabs * per_slab && active <= num &&
		    active_slabs <= num_slabs &&
		    size * per_slab <= pages * PAGE_SIZE);
	/* Caches of sheaves have no CPU parts. */
	FUZZ_EXPECT(row->batchcount <= row->limit &&
		    (row->batchcount >= 1 || row->limit == 0));
	table->nr++;
}

static void
table_read(struct table *table)
{
	/* Whole rows are compared, behind the names too. */
	memset(table, 0, sizeof(*table));
	FUZZ_EXPECT(kmem_slabinfo_read(line_read, table, false) == 0);
}

static struct row *
row_find(struct table *table, const char *name)
{
	for (unsigned i = 0; i < table->nr; i++)
		if (strcmp(table->rows[i].name, name) == 0)
			return &table->rows[i];
	return NULL;
}

/* -- writing ------------------------------------------------------------------------ */

/* Whether the line is a name and three numbers of up to nine digits, with single
 * blanks between: then what is in it. */
static bool
is_plain(const char *line, struct row *row)
{
	char again[128];

	if (strlen(line) >= sizeof(again) || strpbrk(line, "\"'\\") != NULL ||
	    sscanf(line, "%31s %9u %9u %9u", row->name, &row->limit,
		   &row->batchcount, &row->shared) != 4)
		return false;
	snprintf(again, sizeof(again), "%s %u %u %u", row->name, row->limit,
		 row->batchcount, row->shared);
	return strcmp(line, again) == 0;
}

/* The largest that slabinfo takes; slab_cpu_array.c. */
#define LIMIT_MAX 16384
#define SHARED_MAX 65536

static bool
is_sound(const struct row *row)
{
	return row->batchcount >= 1 && row->batchcount <= row->limit &&
	       row->limit <= LIMIT_MAX &&
	       row->shared <= SHARED_MAX / row->batchcount;
}

static void
answer_expect(const char *line, int answer)
{
	struct row row = { .limit = 0 };

	FUZZ_EXPECT(answer == 0 || answer == -E_INVAL ||
		    answer == -E_NOT_FOUND || answer == -E_NO_MEM);
	if (answer == -E_NO_MEM)
		FUZZ_EXPECT(!model_memory_is_plenty());
	if (!is_plain(line, &row))
		return;
	if (!is_sound(&row))
		FUZZ_EXPECT(answer == -E_INVAL);
	else if (row_find(&before, row.name) == NULL)
		FUZZ_EXPECT(answer == -E_NOT_FOUND);
	else
		FUZZ_EXPECT(answer == 0 || answer == -E_NO_MEM);
	if (answer == 0) {
		struct row *found = row_find(&after, row.name);

		FUZZ_EXPECT(found != NULL &&
			    memcmp(found, &row, sizeof(row)) == 0);
	}
}

/* Of all rows, at most one is another. */
static unsigned
nr_changed(void)
{
	unsigned nr = 0;

	FUZZ_EXPECT(before.nr == after.nr);
	for (unsigned i = 0; i < before.nr; i++)
		nr += memcmp(&before.rows[i], &after.rows[i],
			     sizeof(before.rows[i])) != 0;
	return nr;
}

static void
line_write(const char *line)
{
	int answer;

	table_read(&before);
	answer = kmem_slabinfo_write(line);
	table_read(&after);
	answer_expect(line, answer);
	FUZZ_EXPECT(nr_changed() <= (answer == 0));
	FUZZ_EXPECT(slab_validate());
}

/* -- use -------------------------------------------------------------------------------- */

static void
use_caches(void)
{
	for (unsigned i = 0; i < OBJECTS; i++) {
		unsigned which = (turn + i) % 2;
		void **object = &objects[which][(turn * 31 + i) % OBJECTS];

		if (*object != NULL) {
			kmem_cache_free(traffic[which], *object);
			*object = NULL;
		} else {
			*object = kmem_cache_alloc_node(
				traffic[which], GFP_ATOMIC | __GFP_NOWARN,
				i % 3 == 0 ? nr_page_nodes - 1 : NODE_ANY);
		}
	}
	turn++;
}

static void
use_end(void)
{
	for (unsigned which = 0; which < 2; which++) {
		for (unsigned i = 0; i < OBJECTS; i++) {
			kmem_cache_free(traffic[which], objects[which][i]);
			objects[which][i] = NULL;
		}
	}
	turn = 0;
}

/* All caches as they were, by the same door. */
static void
tunables_restore(void)
{
	char line[64];

	(void)kmem_shrink();
	table_read(&after);
	for (unsigned i = 0; i < at_rest.nr; i++) {
		const struct row *row = &at_rest.rows[i];

		if (memcmp(row, &after.rows[i], sizeof(*row)) == 0)
			continue;
		snprintf(line, sizeof(line), "%s %u %u %u", row->name,
			 row->limit, row->batchcount, row->shared);
		FUZZ_EXPECT(kmem_slabinfo_write(line) == 0);
	}
}

/* -- the target --------------------------------------------------------------------------- */

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	/* Its sizes are the ones that is_sound knows. */
	FUZZ_EXPECT(slab_cpu_option.set("array") == 0);
	fuzz_machine_start();
	traffic[0] = kmem_cache_create("a", 40, 0, 0, NULL);
	traffic[1] = kmem_cache_create("b", 700, 0, 0, NULL);
	FUZZ_EXPECT(traffic[0] != NULL && traffic[1] != NULL);
	table_read(&at_rest);
	fuzz_rest_remember();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *line = text;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	for (unsigned i = 0; i < LINES_MAX && line != NULL; i++) {
		char *end = strchr(line, '\n');

		if (end != NULL)
			*end++ = '\0';
		use_caches();
		line_write(line);
		line = end;
	}
	free(text);
	use_end();
	tunables_restore();
	fuzz_rest_expect(0, false);
	return 0;
}
