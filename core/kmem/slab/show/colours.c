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
 */
#include <kernel/error.h>

#include "../chain.h"
#include "colours.h"
#include "snapshot.h"

#define NR_SLABS 64

/* -- the picture ------------------------------------------------------------------ */

static unsigned
nr_columns(const struct colours *colours)
{
	return (unsigned)MIN(colours->way_size / CACHE_LINE,
			     (size_t)COLOURS_COLUMNS);
}

void
slab_colours_add(struct colours *colours, uintptr_t address)
{
	size_t offset = address & (colours->way_size - 1);
	size_t column_size = colours->way_size / nr_columns(colours);

	colours->nr_slabs++;
	colours->count[offset / column_size]++;
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

void
slab_colours_draw(struct view *view, const struct colours *colours,
		  const char *what)
{
	unsigned nr_used = 0, most = 0;

	for (unsigned i = 0; i < nr_columns(colours); i++) {
		nr_used += colours->count[i] != 0;
		most = MAX(most, colours->count[i]);
	}
	view_line(view, "  %s: %u of %u sets used, at most %u of %u in one",
		  what, nr_used, nr_columns(colours), most, colours->nr_slabs);
	view_add(view, "    |");
	for (unsigned i = 0; i < nr_columns(colours); i++)
		view_add(view, "%c", count_char(colours->count[i]));
	view_line(view, "|");
}

void
slab_colours_heading(struct view *view, size_t way_size)
{
	size_t nr_sets = way_size / CACHE_LINE;
	size_t each = MAX(nr_sets / COLOURS_COLUMNS, (size_t)1);

	view_line(
		view,
		"where object 0 of each slab falls in a cache: ways of %zu bytes, "
		"%zu sets",
		way_size, nr_sets);
	view_line(view,
		  "of lines of %d bytes; a character is %zu set%s, + is > 35",
		  CACHE_LINE, each, each == 1 ? "" : "s");
}

void
slab_colours_layout(struct view *view, const struct slab_layout *layout)
{
	view_line(view, "%zu bytes an object, %u a slab; %u colour%s, %u apart",
		  layout->size, layout->num, layout->nr_colours,
		  layout->nr_colours == 1 ? "" : "s", layout->colour_off);
}

int
kmem_show_colours(const char *name, size_t way_size, kmem_line_fn *fn,
		  void *arg)
{
	struct colours with = { .way_size = way_size }, without = with;
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

		slab_colours_add(&with, slab->s_mem);
		slab_colours_add(&without, slab->s_mem - slab->colouroff);
	}
	slab_colours_layout(&view, &cache->layout);
	slab_colours_heading(&view, way_size);
	slab_colours_draw(&view, &with, "as they are");
	slab_colours_draw(&view, &without, "less their colours");
	slab_snapshot_free(snapshot);
	slab_chain_unpin(cache);
	return 0;
}
