/*
 * What colours do: where objects fall in a processor's cache, and what that costs.
 *
 * A cache of sets and ways looks an address up in one set only: (address / line size)
 * mod the number of sets, which is the same for addresses a way's size apart. All
 * slabs begin at page boundaries, so without colours object 0 of every slab falls
 * into one and the same set (of a cache whose ways are pages, as most first-level
 * caches have), and a walk over many slabs that reads one field of each object uses
 * a few sets and leaves the others idle.
 *
 * THE PICTURE.  A character for each set: how many slabs have their object 0 there.
 *
 * THE WALK.  Two caches of the same objects, one with colours and one without
 * (SLAB_NO_COLOURS), each of NR_SLABS slabs. The first words of the objects make a
 * chain: object 0 of each slab, then object 1 of each, so that each load waits for
 * the one before, and nothing can be fetched ahead. Three walks: object 0 of all
 * slabs; all objects of so many slabs that their lines would fit into a first-level
 * cache, if they were spread over its sets; all objects. The quickest of ROUNDS walks
 * counts: neighbours on the machine only make a walk slower. An emulator without
 * caches shows no difference.
 */
#include <kernel/error.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#include "slab_view.h"

#define NR_SLABS 64
#define NR_COLUMNS 64
#define ROUNDS 50
/* A walk takes so many steps at least: reading the counter is not free. */
#define STEPS_MIN 16384ul
/* Lines of a walk that fits into a small first-level cache, if evenly spread. */
#define LINES_CACHED 448
/* Larger objects: 64 slabs would be more memory than a picture is worth. */
#define COMPARE_SIZE_MAX 8192

/* -- the picture ------------------------------------------------------------------ */

struct histogram {
	size_t way_size;
	unsigned nr_slabs;
	unsigned count[NR_COLUMNS];
};

static unsigned
nr_columns(const struct histogram *histogram)
{
	return (unsigned)MIN(histogram->way_size / CACHE_LINE,
			     (size_t)NR_COLUMNS);
}

static void
histogram_add(struct histogram *histogram, uintptr_t address)
{
	size_t offset = address & (histogram->way_size - 1);
	size_t column_size = histogram->way_size / nr_columns(histogram);

	histogram->nr_slabs++;
	histogram->count[offset / column_size]++;
}

/* 1 to 9, a to z for 10 to 35, + for more. */
static char
count_char(unsigned n)
{
	if (n == 0)
		return '.';
	if (n < 10)
		return (char)('0' + n);
	return n < 36 ? (char)('a' + n - 10) : '+';
}

static void
histogram_draw(struct view *view, const struct histogram *histogram,
	       const char *what)
{
	unsigned nr_used = 0, most = 0;

	for (unsigned i = 0; i < nr_columns(histogram); i++) {
		nr_used += histogram->count[i] != 0;
		most = MAX(most, histogram->count[i]);
	}
	view_line(view, "  %s: %u of %u sets used, at most %u of %u in one",
		  what, nr_used, nr_columns(histogram), most,
		  histogram->nr_slabs);
	view_add(view, "    |");
	for (unsigned i = 0; i < nr_columns(histogram); i++)
		view_add(view, "%c", count_char(histogram->count[i]));
	view_line(view, "|");
}

static void
draw_heading(struct view *view, size_t way_size)
{
	size_t nr_sets = way_size / CACHE_LINE;
	size_t each = MAX(nr_sets / NR_COLUMNS, (size_t)1);

	view_line(
		view,
		"where object 0 of each slab falls in a cache: ways of %zu bytes, "
		"%zu sets",
		way_size, nr_sets);
	view_line(view,
		  "of lines of %d bytes; a character is %zu set%s, + is > 35",
		  CACHE_LINE, each, each == 1 ? "" : "s");
}

static void
draw_colours(struct view *view, const struct slab_layout *layout)
{
	view_line(view, "%zu bytes an object, %u a slab; %u colour%s, %u apart",
		  layout->size, layout->num, layout->nr_colours,
		  layout->nr_colours == 1 ? "" : "s", layout->colour_off);
}

int
kmem_show_colours(const char *name, size_t way_size, kmem_line_fn *fn,
		  void *arg)
{
	struct histogram with = { .way_size = way_size }, without = with;
	struct view view = { .fn = fn, .arg = arg };
	struct slab_cache *cache = view_find_cache(&view, name);
	struct slab_snapshot *snapshot;

	if (cache == NULL)
		return -E_NOT_FOUND;
	snapshot = slab_snapshot_take(cache, NR_SLABS);
	if (snapshot == NULL) {
		view_line(&view, "no memory for a picture of %s", name);
		slab_chain_unpin(cache);
		return -E_NO_MEM;
	}
	for (unsigned i = 0; i < MIN(snapshot->nr_slabs, (unsigned)NR_SLABS);
	     i++) {
		const struct seen_slab *slab = snapshot->slabs[i];

		histogram_add(&with, slab->s_mem);
		histogram_add(&without, slab->s_mem - slab->colouroff);
	}
	draw_colours(&view, &cache->layout);
	draw_heading(&view, way_size);
	histogram_draw(&view, &with, "as they are");
	histogram_draw(&view, &without, "less their colours");
	slab_snapshot_free(snapshot);
	slab_chain_unpin(cache);
	return 0;
}

/* -- the walk --------------------------------------------------------------------- */

/* A cache made to be walked. */
struct trial {
	struct slab_cache *cache;
	size_t nr_objects; /* all of all slabs */
	void *chain;	   /* as they were allocated */
	unsigned char *s_mem[NR_SLABS];
};

static void
trial_end(struct trial *trial)
{
	void *object, *next;
	size_t nr_live;
	int err;

	for (object = trial->chain; object != NULL; object = next) {
		next = *(void **)object;
		slab_free(trial->cache, object);
	}
	err = slab_destroy(trial->cache, &nr_live);
	assert(err == 0);
}

/* All objects of NR_SLABS slabs, nothing in arrays: they have room for one. */
static int
trial_fill(struct trial *trial)
{
	const struct slab_tunables tunables = { .limit = 1, .batchcount = 1 };
	struct slab_cache *cache = trial->cache;
	unsigned nr_slabs = 0;
	int err = slab_tune(cache, &tunables);

	trial->nr_objects = (size_t)NR_SLABS * cache->layout.num;
	for (size_t i = 0; i < trial->nr_objects && err == 0; i++) {
		void **object = slab_alloc(cache, GFP_KERNEL);
		const struct slab *slab;

		if (object == NULL)
			return -E_NO_MEM;
		*object = trial->chain;
		trial->chain = object;
		slab = slab_page_of(object)->owner.slab;
		if ((void *)slab->s_mem == object && nr_slabs < NR_SLABS)
			trial->s_mem[nr_slabs++] = slab->s_mem;
	}
	/* Should we have moved to another node, some are missing. */
	return err == 0 && nr_slabs < NR_SLABS ? -E_BUSY : err;
}

static int
trial_begin(struct trial *trial, size_t object_size, bool is_coloured)
{
	struct kmem_cache wanted = {
		.object_size = object_size,
		.align = sizeof(void *),
		.flags = is_coloured ? 0 : SLAB_NO_COLOURS,
	};
	int err;

	(void)strlcpy(wanted.name,
		      is_coloured ? "trial-colours" : "trial-no-colours",
		      sizeof(wanted.name));
	*trial = (struct trial){ .cache = slab_create(&wanted) };
	if (trial->cache == NULL)
		return -E_NO_MEM;
	err = trial_fill(trial);
	if (err != 0)
		trial_end(trial);
	return err;
}

/* Chains objects 0 .. nr_each - 1 of the first nr_slabs slabs: object 0 of each,
 * object 1 of each... Returns the last one's link. */
static void **
chain_objects(struct trial *trial, unsigned nr_slabs, unsigned nr_each)
{
	size_t size = trial->cache->layout.size;
	void **link = &trial->chain;

	for (unsigned i = 0; i < nr_each; i++) {
		for (unsigned k = 0; k < nr_slabs; k++) {
			*link = trial->s_mem[k] + i * size;
			link = *link;
		}
	}
	return link;
}

/* Pages in a row would be a pattern that processors know. */
static void
shuffle_slabs(struct trial *trial)
{
	unsigned state = 1;

	for (unsigned i = NR_SLABS; i-- > 1;) {
		unsigned char *s_mem = trial->s_mem[i];
		unsigned k;

		state = state * 1103515245u + 12345u;
		k = (state >> 16) % (i + 1);
		trial->s_mem[i] = trial->s_mem[k];
		trial->s_mem[k] = s_mem;
	}
}

/* The quickest of some walks around such a chain, in cycles for ten objects. */
static unsigned long
walk(struct trial *trial, unsigned nr_slabs, unsigned nr_each)
{
	unsigned long nr = (unsigned long)nr_slabs * nr_each;
	unsigned long nr_turns = MAX(STEPS_MIN / nr, 1ul);
	unsigned long best = ~0ul;

	*chain_objects(trial, nr_slabs, nr_each) = trial->chain;
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t start = arch_cycles();
		void *at = trial->chain;
		unsigned long cycles;

		for (unsigned long step = 0; step < nr * nr_turns; step++)
			at = *(void *volatile *)at;
		cycles = (unsigned long)(arch_cycles() - start);
		best = MIN(best, cycles);
	}
	/* So that all of them are found when they are freed. */
	*chain_objects(trial, NR_SLABS, trial->cache->layout.num) = NULL;
	return best * 10 / (nr * nr_turns);
}

static void
trial_show(struct view *view, struct trial *trial, size_t way_size,
	   const char *what)
{
	struct histogram histogram = { .way_size = way_size };
	unsigned num = trial->cache->layout.num;
	unsigned some = MIN(MAX(LINES_CACHED / num, 1u), (unsigned)NR_SLABS);
	unsigned long first, few, all;

	for (unsigned i = 0; i < NR_SLABS; i++)
		histogram_add(&histogram, (uintptr_t)trial->s_mem[i]);
	histogram_draw(view, &histogram, what);
	shuffle_slabs(trial);
	first = walk(trial, NR_SLABS, 1);
	few = walk(trial, some, num);
	all = walk(trial, NR_SLABS, num);
	view_line(view,
		  "    cycles an object: %lu.%lu object 0 of %d slabs, %lu.%lu "
		  "all of %u slabs, %lu.%lu all",
		  first / 10, first % 10, NR_SLABS, few / 10, few % 10, some,
		  all / 10, all % 10);
}

static int
compare(struct view *view, size_t object_size, size_t way_size)
{
	static const char *const names[] = { "without colours",
					     "with colours" };
	struct trial trial;
	int err = 0;

	draw_heading(view, way_size);
	for (unsigned i = 0; i < ARRAY_SIZE(names) && err == 0; i++) {
		err = trial_begin(&trial, object_size, i == 1);
		if (err != 0)
			break;
		draw_colours(view, &trial.cache->layout);
		trial_show(view, &trial, way_size, names[i]);
		trial_end(&trial);
	}
	if (err != 0)
		view_line(view, "%d slabs cannot be made: %s", NR_SLABS,
			  error_name(err));
	return err;
}

int
kmem_compare_colours(size_t object_size, size_t way_size, kmem_line_fn *fn,
		     void *arg)
{
	struct view view = { .fn = fn, .arg = arg };

	if (!view_slab_serves(&view))
		return -E_NOT_FOUND;
	if (object_size < sizeof(void *) || object_size > COMPARE_SIZE_MAX) {
		view_line(&view,
			  "objects of %zu bytes: %zu to %d can be compared",
			  object_size, sizeof(void *), COMPARE_SIZE_MAX);
		return -E_INVAL;
	}
	return compare(&view, object_size, way_size);
}
