/*
 * How objects lie in slabs. Arithmetic only: no state, no memory.
 *
 * On the slab, for small objects:
 *
 *	| colour | descriptor, index list | pad | object | object | ... | left |
 *	^ page boundary			   ^ s_mem, aligned
 *
 * Off the slab, from an eighth of a page on, because there a descriptor in front
 * would cost a whole object (of powers of two, every time):
 *
 *	| colour | object | object | ... | left |
 *
 * If what is left over would hold the descriptor, it moves in again: no second
 * object to allocate and to miss in the cache.
 *
 * THE INDEX LIST has one byte for each object: of 24 bytes, 163 lie in a page instead
 * of 156 with two. So a slab has at most SLAB_NUM_MAX objects, which would leave half
 * a page of smaller ones than SLAB_SIZE_MIN unused; they are given that much.
 *
 * ORDER.  Large blocks are hard to find when memory is fragmented, so the first
 * order wins whose waste is bearable, and order_high ends the search: what
 * wastes more there, wastes more. Only an object that does not fit at all goes
 * further.
 *
 * DEBUGGING.  Red zones lie between the objects; the sizes that were asked for and
 * the notes on each object's users (debug/ops.c) behind the index list, where an
 * overrun does not reach them. Then the descriptor is always on the slab:
 *
 *	| colour | descriptor, index list, sizes, notes | pad, red | object | red | ...
 *
 * COLOURS.  The same object of different slabs would fall on the same lines of
 * a cache, since slabs begin at page boundaries. So what is left over is put to
 * use in front: slab k begins (k mod nr_colours) * colour_off bytes later.
 * Offsets 0 .. left_over in steps of a cache line, or of the alignment if that is
 * more: all objects stay aligned.
 *
 * A power of two leaves nothing over, and needs colours most: its objects begin at
 * few places of a page, so 512 bytes use 8 of the 64 sets of a cache with ways of a
 * page, for what all objects have in front. So such a slab gives up one object, if that
 * is no more than a slab may waste: 512 bytes have 7 objects in a page instead of 8,
 * and 8 colours. (1,024 bytes would need slabs of two pages for it. Measured, what they
 * win in the cache they lose by half in the TLB.) Where objects must be aligned to
 * their size, as kmalloc's, there is nothing to gain.
 *
 * `colour=off` makes all slabs begin alike, and gives up nothing.
 */
#include "debug/hooks.h"

#include <kernel/error.h>
#include <kernel/option.h>
#include <kernel/string.h>
#include "layout.h"
#include "slab.h"

/* -- colour=on|off ---------------------------------------------------------------- */

static bool colours_on = true; /* constant once the command line is applied */

const struct boot_option slab_colour_option = {
	.name = "colour",
	.help = "whether slabs begin at offsets that take turns",
	.kind = OPTION_SWITCH,
	.is_on = &colours_on,
};

int
slab_colours_named(const char *name, bool *is_on)
{
	*is_on = name == NULL ? colours_on : strcmp(name, "on") == 0;
	return name == NULL || *is_on || strcmp(name, "off") == 0 ? 0
								  : -E_INVAL;
}

/* -- objects of a slab -------------------------------------------------------------- */

/* HWCACHE_ALIGN: no object crosses a line that it could avoid; small ones
 * share a line evenly. */
static size_t
align_wanted(size_t object_size, size_t align, unsigned flags)
{
	size_t line = CACHE_LINE;

	if (!(flags & SLAB_HWCACHE_ALIGN))
		return align;
	while (object_size <= line / 2)
		line /= 2;
	return MAX(align, line);
}

/* Descriptor and index list of so many objects; on the slab the first object
 * must be aligned behind it. */
static size_t
descriptor_size(const struct slab_layout *layout, size_t num)
{
	size_t size = sizeof(struct slab) + num * sizeof(kmem_bufctl_t);

	if (layout->asked_size != 0)
		size = ALIGN_UP(size, layout->asked_size) +
		       num * layout->asked_size;
	if (layout->note_size != 0)
		size = ALIGN_UP(size, __alignof__(struct slab_note)) +
		       num * layout->note_size;
	size += layout->red_size;
	return layout->off_slab ? size : ALIGN_UP(size, layout->align);
}

BUILD_ASSERT(PAGE_SIZE / (SLAB_SIZE_MIN + sizeof(kmem_bufctl_t)) <=
	     SLAB_NUM_MAX);

/* Fills in num, slab_size and left_over for slabs of 2^order pages. */
static void
fill_slab(struct slab_layout *layout, unsigned order)
{
	size_t bytes = PAGE_SIZE << order;
	size_t each = layout->size, head = 0, num;

	if (!layout->off_slab) {
		head = sizeof(struct slab) + layout->red_size;
		each += sizeof(kmem_bufctl_t) + layout->asked_size +
			layout->note_size;
	}
	num = (bytes - head) / each;
	num = MIN(num, (size_t)SLAB_NUM_MAX); /* of more than a page */
	/* Slab and objects are multiples of the alignment, so what is left for
	 * the list is one, too: it can be padded. */
	layout->order = order;
	layout->num = (unsigned)num;
	layout->slab_size = descriptor_size(layout, num);
	layout->left_over = bytes - num * layout->size;
	if (!layout->off_slab)
		layout->left_over -= layout->slab_size;
}

static bool
choose_order(struct slab_layout *layout, unsigned flags, unsigned order_high)
{
	for (unsigned order = 0; order <= SLAB_ORDER_MAX; order++) {
		fill_slab(layout, order);
		if (layout->num == 0)
			continue;
		/* Reclaimable objects: every page that comes free counts. */
		if (order >= order_high || (flags & SLAB_RECLAIM_ACCOUNT) ||
		    layout->left_over * SLAB_WASTE_FRACTION <= PAGE_SIZE
								       << order)
			return true;
	}
	return false;
}

/* If what is left over would hold the descriptor, it moves in. */
static void
move_descriptor_in(struct slab_layout *layout)
{
	size_t size = ALIGN_UP(layout->slab_size, layout->align);

	if (!layout->off_slab || layout->left_over < size)
		return;
	layout->off_slab = false;
	layout->slab_size = size;
	layout->left_over -= size;
}

static unsigned
count_colours(const struct slab_layout *layout)
{
	return (unsigned)(layout->left_over / layout->colour_off) + 1;
}

/* One object less, for colours, if that is bearable. */
static void
give_up_object(struct slab_layout *layout)
{
	struct slab_layout less = *layout;

	less.left_over += less.size;
	if (less.num == 1 ||
	    less.left_over * SLAB_WASTE_FRACTION > PAGE_SIZE << less.order)
		return;
	less.num--;
	less.left_over += less.off_slab ? 0 : less.slab_size;
	less.slab_size = descriptor_size(&less, less.num);
	less.left_over -= less.off_slab ? 0 : less.slab_size;
	move_descriptor_in(&less);
	*layout = less;
}

bool
slab_layout_choose(struct slab_layout *layout, size_t object_size, size_t align,
		   unsigned flags, unsigned order_high, bool may_be_off)
{
	bool is_coloured = !(flags & SLAB_NO_COLOURS);

	layout->align = align_wanted(object_size, align, flags);
	layout->red_size = flags & SLAB_RED_ZONE ? SLAB_RED_SIZE : 0;
	layout->asked_size = layout->red_size != 0 && (flags & SLAB_GENERAL)
				     ? sizeof(slab_asked_t)
				     : 0;
	layout->note_size = flags & SLAB_STORE_USER ? sizeof(struct slab_note)
						    : 0;
	layout->size = ALIGN_UP(MAX(object_size + 2 * layout->red_size,
				    (size_t)SLAB_SIZE_MIN),
				layout->align);
	layout->off_slab = may_be_off && layout->size >= SLAB_OFF_MIN &&
			   layout->red_size + layout->note_size == 0;
	if (!choose_order(layout, flags, order_high))
		return false;
	move_descriptor_in(layout);
	layout->colour_off = (unsigned)MAX(layout->align, (size_t)CACHE_LINE);
	layout->nr_colours = 1;
	if (!is_coloured)
		return true;
	if (count_colours(layout) == 1 && IS_POWER_OF_2(layout->size) &&
	    layout->size > layout->colour_off)
		give_up_object(layout);
	layout->nr_colours = count_colours(layout);
	return true;
}
