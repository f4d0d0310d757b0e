/*
 * Fuzz target: any text written to slabinfo, while caches are in use.
 *
 * An input is a text. Each of its lines is written, and between two lines objects
 * come and go. What the answer must be is worked out here by other means
 * (sscanf), for lines that are plain; for all others it may be anything, as long
 * as nothing has changed if it is an error. What was accepted is read back, and the
 * tuned cache is driven past its new limits.
 *
 * What may be asked for is each layer's own affair (cpu=). The rules are written
 * down here once more, from what the layers' files say about themselves.
 */
#include <ctype.h>
#include <string.h>

#include <kernel/error.h>

#include "kmem/slab/debug/validate.h"
#include "kmem/slab/percpu/layer.h"
#include "../check/slab_model.h"
#include "fuzz.h"

#define LINES_MAX 20
#define CACHES_MAX 64
#define OBJECTS 150
/* At once out of a cache that was just tuned. */
#define BURST_OBJECTS 1100
#define BURST_BYTES ((size_t)1 << 20)

struct row {
	char name[32];
	unsigned limit, batchcount, shared;
	unsigned size; /* of an object, in a slab */
};

static struct table {
	unsigned nr;
	struct row rows[CACHES_MAX];
} before, after, at_rest;

static const char *const names[2] = { "a", "b" };
static const size_t sizes[2] = { 40, 700 };
static struct kmem_cache *traffic[2];
static void *objects[2][OBJECTS];
static unsigned turn;

/* -- the layers' rules ------------------------------------------------------------ */

/* cpu=array: pointers of a CPU's array, of a shared one. */
#define ARRAY_LIMIT_MAX 16384
#define ARRAY_SHARED_MAX 65536
/* cpu=sheaf: a header, a word below the first object and one for each; sheaves of a
 * depot; of its node's memory it may keep one part in so many. */
#define SHEAF_BYTES 3968
#define SHEAF_SHARED_MAX 65536
#define DEPOT_FRACTION 32

static bool
is_sheaf(void)
{
	return strcmp(slab_kernel_root.layer->name, "sheaf") == 0;
}

/* Sheaves are no objects that sheaves carry. */
static bool
has_no_parts(const struct row *row)
{
	return is_sheaf() && strncmp(row->name, "kmem_sheaf-", 11) == 0 &&
	       row->limit == 0 && row->batchcount == 0 && row->shared == 0;
}

static bool
is_sound(const struct row *row)
{
	size_t words =
		(SHEAF_BYTES - sizeof(struct kmem_sheaf)) / sizeof(void *);

	if (row->batchcount < 1 || row->batchcount > row->limit)
		return false;
	if (is_sheaf())
		return row->limit + 1 <= words &&
		       row->shared <= SHEAF_SHARED_MAX;
	return row->limit <= ARRAY_LIMIT_MAX &&
	       row->shared <= ARRAY_SHARED_MAX / row->batchcount;
}

/* What a cache has that nobody tuned. One CPU: arrays are not shared. */
static void
defaults_expect(const struct row *row)
{
	static const struct {
		size_t above;
		unsigned array, sheaf;
	} limits[] = {
		{ 128 * 1024, 1, 1 }, { PAGE_SIZE, 8, 4 }, { 1024, 24, 12 },
		{ 256, 54, 28 },      { 0, 120, 108 },
	};
	size_t share =
		nr_managed_pages() / nr_page_nodes * PAGE_SIZE / DEPOT_FRACTION;
	unsigned i = 0;

	if (has_no_parts(row))
		return;
	while (row->size <= limits[i].above)
		i++;
	if (is_sheaf()) {
		FUZZ_EXPECT(row->limit == limits[i].sheaf &&
			    row->batchcount == (row->limit + 1) / 2 &&
			    row->shared <= SHEAF_SHARED_MAX &&
			    (size_t)row->shared * row->limit * row->size <=
				    share);
	} else {
		FUZZ_EXPECT(row->limit == limits[i].array &&
			    row->batchcount == (row->limit + 1) / 2 &&
			    row->shared == 0);
	}
}

/* -- reading ---------------------------------------------------------------------- */

static void
line_read(const char *line, void *arg)
{
	struct table *table = arg;
	struct row *row = &table->rows[table->nr];
	unsigned long active, num, per_slab, pages, active_slabs;
	unsigned long num_slabs, avail;

	if (line[0] == '#' || strncmp(line, "slabinfo", 8) == 0)
		return;
	FUZZ_EXPECT(table->nr < CACHES_MAX);
	FUZZ_EXPECT(sscanf(line,
			   "%31s %lu %lu %u %lu %lu : tunables %u %u %u : "
			   "slabdata %lu %lu %lu",
			   row->name, &active, &num, &row->size, &per_slab,
			   &pages, &row->limit, &row->batchcount, &row->shared,
			   &active_slabs, &num_slabs, &avail) == 12);
	FUZZ_EXPECT(num == num_slabs * per_slab && active <= num &&
		    active_slabs <= num_slabs &&
		    row->size * per_slab <= pages * PAGE_SIZE);
	FUZZ_EXPECT(has_no_parts(row) ||
		    (row->batchcount >= 1 && row->batchcount <= row->limit));
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

/* Tuning takes new arrays; depots are told, and take nothing. */
static void
sound_answer_expect(const struct row *wanted, int answer)
{
	const struct row *was = row_find(&before, wanted->name);
	const struct row *is = row_find(&after, wanted->name);

	if (was == NULL) {
		FUZZ_EXPECT(answer == -E_NOT_FOUND);
	} else if (has_no_parts(was)) {
		FUZZ_EXPECT(answer == -E_INVAL);
	} else if (answer != 0) {
		FUZZ_EXPECT(answer == -E_NO_MEM && !is_sheaf());
	} else {
		FUZZ_EXPECT(is != NULL && is->limit == wanted->limit &&
			    is->batchcount == wanted->batchcount &&
			    is->shared == wanted->shared);
	}
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
	if (is_sound(&row))
		sound_answer_expect(&row, answer);
	else
		FUZZ_EXPECT(answer == -E_INVAL);
}

/* Of all rows, at most one is another: it, or NULL. */
static const struct row *
changed_row(void)
{
	const struct row *changed = NULL;

	FUZZ_EXPECT(before.nr == after.nr);
	for (unsigned i = 0; i < before.nr; i++) {
		if (memcmp(&before.rows[i], &after.rows[i],
			   sizeof(before.rows[i])) == 0)
			continue;
		FUZZ_EXPECT(changed == NULL);
		changed = &after.rows[i];
	}
	return changed;
}

/* Ours of that name; NULL: kmalloc's, or the allocator's own. */
static struct kmem_cache *
traffic_find(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(traffic); i++)
		if (strcmp(names[i], name) == 0)
			return traffic[i];
	return NULL;
}

/* More than the CPU has room for, twice over, out and in again. */
static void
tuned_use(const struct row *row)
{
	static void *burst[BURST_OBJECTS];
	size_t nr = MIN((size_t)2 * row->limit + 3, (size_t)BURST_OBJECTS);
	struct kmem_cache *cache = traffic_find(row->name);
	gfp_t gfp = GFP_ATOMIC | __GFP_NOWARN;

	if (cache == NULL && strncmp(row->name, "kmalloc-", 8) != 0)
		return;
	nr = MIN(nr, BURST_BYTES / row->size);
	for (size_t i = 0; i < nr; i++)
		burst[i] = cache != NULL ? kmem_cache_alloc(cache, gfp)
					 : kmalloc(row->size, gfp);
	FUZZ_EXPECT(slab_validate(&slab_kernel_root));
	for (size_t i = 0; i < nr; i++) {
		if (cache != NULL)
			kmem_cache_free(cache, burst[i]);
		else
			kfree(burst[i]);
	}
}

static void
line_write(const char *line)
{
	const struct row *changed;
	int answer;

	table_read(&before);
	answer = kmem_slabinfo_write(line);
	table_read(&after);
	answer_expect(line, answer);
	changed = changed_row();
	FUZZ_EXPECT(changed == NULL || answer == 0);
	FUZZ_EXPECT(slab_validate(&slab_kernel_root));
	if (changed == NULL)
		return;
	tuned_use(changed);
	FUZZ_EXPECT(slab_validate(&slab_kernel_root));
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
	fuzz_machine_start();
	for (unsigned i = 0; i < ARRAY_SIZE(traffic); i++) {
		traffic[i] = kmem_cache_create(names[i], sizes[i], 0, 0, NULL);
		FUZZ_EXPECT(traffic[i] != NULL);
	}
	table_read(&at_rest);
	for (unsigned i = 0; i < at_rest.nr; i++)
		defaults_expect(&at_rest.rows[i]);
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
