/*
 * A cache as a picture, for a terminal of 80 columns:
 *
 *	how a slab is cut	bytes from its start, and a bar
 *	CPUs			how full each one's array is, what is on top
 *	nodes			each list, each slab of it, each object:
 *
 *	    partial 0xc0341000  colour  64  13 of 20 out  #####00000111.......
 *		index list: 13 14 15 16 17 18 19
 *
 * A CPU's line is about the stack that the front uses; "+108" are objects that
 * the layer has beside it.
 *
 * What is drawn is a copy (snapshot.c). Large things are drawn in part, and the
 * picture says so: slabs beyond the number asked for, objects beyond STRIP_MAX, free
 * lists beyond CHAIN_SHOWN.
 */
#include <kernel/error.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#include "../chain.h"
#include "../percpu/layer.h"
#include "snapshot.h"
#include "view.h"

#define BAR_WIDTH 64   /* of a slab */
#define GAUGE_WIDTH 20 /* of a CPU's array */
#define INDENT 4
/* Characters of a strip in a line: up to STRIP_INLINE behind the slab's facts, else
 * in lines of their own. */
#define STRIP_INLINE 24
#define STRIP_WIDTH 64
#define STRIP_MAX (2 * STRIP_WIDTH)
/* Slabs of more objects have their free lists left out; of others' so many entries. */
#define CHAIN_NUM_MAX 32
#define CHAIN_SHOWN 12

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* -- how a slab is cut ------------------------------------------------------------ */

/* What lies at this byte of a slab of colour 0. */
static char
layout_char(const struct slab_layout *layout, size_t first, size_t last)
{
	size_t head = layout->off_slab ? 0 : layout->slab_size;
	size_t end = head + layout->num * layout->size;

	if (first < head)
		return 'D';
	if (first >= end)
		return '_';
	/* An object begins here, or goes on. */
	return (first - head) % layout->size == 0 ||
			       (first - head) / layout->size !=
				       (last - head) / layout->size
		       ? '['
		       : '=';
}

static void
draw_bar(struct view *view, const struct slab_layout *layout)
{
	size_t bytes = PAGE_SIZE << layout->order, step = bytes / BAR_WIDTH;

	view_add(view, "    |");
	for (size_t i = 0; i < BAR_WIDTH; i++)
		view_add(view, "%c",
			 layout_char(layout, i * step, (i + 1) * step - 1));
	view_line(view, "|");
	view_line(
		view,
		"     D descriptor  [ an object begins  = goes on  _ left over; "
		"%zu bytes each",
		step);
}

static void
draw_descriptor(struct view *view, const struct slab_cache *cache)
{
	const struct slab_layout *layout = &cache->layout;
	size_t list = layout->num * sizeof(kmem_bufctl_t);

	if (layout->off_slab) {
		view_line(
			view,
			"  off the slab: descriptor %zu + index list %zu bytes, "
			"from %s",
			sizeof(struct slab), list,
			cache->slabp_cache->base.name);
		return;
	}
	view_line(view,
		  "  +%-8u descriptor %zu, index list %u x %zu, padding %zu", 0,
		  sizeof(struct slab), layout->num, sizeof(kmem_bufctl_t),
		  layout->slab_size - sizeof(struct slab) - list);
}

static void
draw_objects(struct view *view, const struct slab_layout *layout)
{
	size_t head = layout->off_slab ? 0 : layout->slab_size;

	view_line(view, "  +%-8zu object 0", head);
	if (layout->num > 1)
		view_line(view, "  +%-8zu object 1", head + layout->size);
	if (layout->num > 3)
		view_line(view, "   ...");
	if (layout->num > 2)
		view_line(view, "  +%-8zu object %u",
			  head + (layout->num - 1) * layout->size,
			  layout->num - 1);
	view_line(view, "  +%-8zu left over: %zu bytes",
		  head + layout->num * layout->size, layout->left_over);
}

static void
draw_colours(struct view *view, const struct slab_layout *layout)
{
	if (layout->nr_colours == 1)
		view_line(view, "  1 colour: each slab begins like this one");
	else
		view_line(view,
			  "  %u colours: a slab begins 0, %u, ... or %u bytes "
			  "later than this one",
			  layout->nr_colours, layout->colour_off,
			  (layout->nr_colours - 1) * layout->colour_off);
}

static void
draw_layout(struct view *view, const struct slab_cache *cache)
{
	const struct slab_layout *layout = &cache->layout;
	size_t nr_pages = (size_t)1 << layout->order;

	view_line(view,
		  "objects of %zu bytes, %zu with padding, aligned to %zu",
		  cache->base.object_size, layout->size, layout->align);
	view_line(view,
		  "slabs of %zu page%s, %u object%s; bytes from its start:",
		  nr_pages, plural(nr_pages), layout->num, plural(layout->num));
	draw_descriptor(view, cache);
	draw_objects(view, layout);
	draw_bar(view, layout);
	draw_colours(view, layout);
}

/* -- CPUs ---------------------------------------------------------------------------- */

static void
draw_cpu(struct view *view, const struct slab_snapshot *snapshot, unsigned cpu)
{
	const struct seen_cpu *seen = &snapshot->cpu[cpu];
	unsigned filled = seen->avail * GAUGE_WIDTH / MAX(seen->limit, 1u);
	const struct seen_slab *slab;

	view_add(view, "  %2u  [", cpu);
	for (unsigned i = 0; i < GAUGE_WIDTH; i++)
		view_add(view, "%c", i < filled ? '#' : '-');
	view_add(view, "] %u of %u", seen->avail, seen->limit);
	if (seen->nr_held > seen->avail)
		view_add(view, " +%u", seen->nr_held - seen->avail);
	if (seen->avail > 0) {
		slab = slab_snapshot_find(snapshot, seen->top);
		view_add(view, ", top 0x%lx", (unsigned long)seen->top);
		if (slab != NULL)
			view_add(view, " (object %zu)",
				 (seen->top - slab->s_mem) /
					 snapshot->cache->layout.size);
	}
	view_end(view);
}

static void
line_of_layer(const char *line, void *arg)
{
	view_line(arg, "  %s", line);
}

static void
draw_cpus(struct view *view, const struct slab_snapshot *snapshot)
{
	const struct slab_tunables *tunables = &snapshot->tunables;

	view_line(view, "CPUs, layer %s: limit %u, batchcount %u, shared %u",
		  snapshot->cache->layer->name, tunables->limit,
		  tunables->batchcount, tunables->shared);
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		draw_cpu(view, snapshot, cpu);
	snapshot->cache->layer->describe(snapshot->cache, line_of_layer, view);
}

/* -- slabs ----------------------------------------------------------------------------- */

static void
draw_strip(struct view *view, const struct seen_slab *slab, unsigned num)
{
	unsigned shown = MIN(num, (unsigned)STRIP_MAX), nr_free = 0;

	if (num <= STRIP_INLINE) {
		view_line(view, "  %.*s", (int)num, slab->objects);
		return;
	}
	view_end(view);
	for (unsigned i = 0; i < shown; i += STRIP_WIDTH) {
		view_column(view, 2 * INDENT);
		view_line(view, "%.*s",
			  (int)MIN(shown - i, (unsigned)STRIP_WIDTH),
			  slab->objects + i);
	}
	if (shown == num)
		return;
	for (unsigned i = shown; i < num; i++)
		nr_free += slab->objects[i] == SEEN_FREE;
	view_column(view, 2 * INDENT);
	view_line(view, "... and %u objects more, %u of them free", num - shown,
		  nr_free);
}

/* In which order free objects would go out. */
static void
draw_chain(struct view *view, const struct seen_slab *slab, unsigned num)
{
	unsigned nr_free = num - slab->inuse;

	if (num == 1 || num > CHAIN_NUM_MAX || nr_free == 0)
		return;
	view_column(view, 2 * INDENT);
	view_add(view, "index list:");
	for (unsigned i = 0; i < MIN(slab->nr_chain, (unsigned)CHAIN_SHOWN);
	     i++)
		view_add(view, " %u", slab->chain[i]);
	if (slab->nr_chain > CHAIN_SHOWN)
		view_add(view, " ... (%u more)", slab->nr_chain - CHAIN_SHOWN);
	view_end(view);
}

static void
draw_slab(struct view *view, const struct seen_slab *slab, const char *list,
	  const struct slab_layout *layout)
{
	view_add(view, "%*s%-7s 0x%lx  colour %3u  %u of %u out", INDENT, "",
		 list, (unsigned long)slab->base, slab->colouroff, slab->inuse,
		 layout->num);
	draw_strip(view, slab, layout->num);
	draw_chain(view, slab, layout->num);
}

static const char *const list_names[NR_SEEN_LISTS] = { "partial", "full",
						       "free" };

static void
draw_list(struct view *view, const struct slab_snapshot *snapshot,
	  const struct seen_node *node, enum seen_list list)
{
	for (unsigned i = 0; i < node->nr_seen[list]; i++)
		draw_slab(view, &node->slabs[list][i], list_names[list],
			  &snapshot->cache->layout);
	if (!node->is_whole[list])
		view_line(view, "    %-7s ... only the first %u are drawn",
			  list_names[list], node->nr_seen[list]);
}

static void
draw_node(struct view *view, const struct slab_snapshot *snapshot,
	  unsigned nodeid)
{
	const struct seen_node *node = &snapshot->node[nodeid];

	view_line(view,
		  "node %u: %zu slab%s, %zu wholly free; %zu free objects "
		  "(limit %zu), %zu shared",
		  nodeid, node->nr_slabs, plural(node->nr_slabs),
		  node->nr_free_slabs, node->free_objects, node->free_limit,
		  node->nr_held);
	for (unsigned list = 0; list < NR_SEEN_LISTS; list++)
		draw_list(view, snapshot, node, list);
}

int
kmem_draw_cache(const char *name, unsigned nr_slabs, kmem_line_fn *fn,
		void *arg)
{
	struct view view = { .fn = fn, .arg = arg };
	struct slab_cache *cache = view_find_cache(&view, name);
	struct slab_snapshot *snapshot;

	if (cache == NULL)
		return -E_NOT_FOUND;
	snapshot = slab_snapshot_take(cache, nr_slabs);
	if (snapshot == NULL) {
		view_line(&view, "no memory for a picture of %s", name);
		slab_chain_unpin(cache);
		return -E_NO_MEM;
	}
	draw_layout(&view, cache);
	draw_cpus(&view, snapshot);
	for (unsigned i = 0; i < nr_page_nodes; i++)
		draw_node(&view, snapshot, i);
	view_line(&view,
		  "     %c free in its slab  0-9a-f in that CPU's array  "
		  "%c shared  %c with a caller",
		  SEEN_FREE, SEEN_NODE, SEEN_OUT);
	slab_snapshot_free(snapshot);
	slab_chain_unpin(cache);
	return 0;
}
