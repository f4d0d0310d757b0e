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
 * ORDER.  Large blocks are hard to find when memory is fragmented, so the first
 * order wins whose waste is bearable, and order_high ends the search: what
 * wastes more there, wastes more. Only an object that does not fit at all goes
 * further.
 *
 * COLOURS.  The same object of different slabs would fall on the same lines of
 * a cache, since slabs begin at page boundaries. So what is left over is put to
 * use in front: slab k begins (k mod nr_colours) * colour_off bytes later.
 * Offsets 0 .. left_over in steps of a cache line, or of the alignment if that is
 * more: all objects stay aligned.
 */
#include "slab.h"

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

	return layout->off_slab ? size : ALIGN_UP(size, layout->align);
}

/* Fills in num, slab_size and left_over for slabs of 2^order pages. */
static void
fill_slab(struct slab_layout *layout, unsigned order)
{
	size_t bytes = PAGE_SIZE << order;
	size_t each = layout->size, head = 0, num;

	if (!layout->off_slab) {
		head = sizeof(struct slab);
		each += sizeof(kmem_bufctl_t);
	}
	num = (bytes - head) / each;
	num = MIN(num, (size_t)SLAB_NUM_MAX);
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

bool
slab_layout_choose(struct slab_layout *layout, size_t object_size, size_t align,
		   unsigned flags, unsigned order_high, bool may_be_off)
{
	size_t on_slab_size;

	layout->align = align_wanted(object_size, align, flags);
	layout->size = ALIGN_UP(object_size, layout->align);
	layout->off_slab = may_be_off && layout->size >= SLAB_OFF_MIN;
	if (!choose_order(layout, flags, order_high))
		return false;
	if (layout->off_slab) {
		on_slab_size = ALIGN_UP(layout->slab_size, layout->align);
		if (layout->left_over >= on_slab_size) {
			layout->off_slab = false;
			layout->slab_size = on_slab_size;
			layout->left_over -= on_slab_size;
		}
	}
	layout->colour_off = (unsigned)MAX(layout->align, (size_t)CACHE_LINE);
	layout->nr_colours =
		(unsigned)(layout->left_over / layout->colour_off) + 1;
	return true;
}
