/*
 * Extents in order of (length, address).
 *
 *	                  8 at 40
 *	                /         \
 *	         3 at 9             9 at 70        all extents of one length
 *	        /      \           /               stand together, lowest
 *	   1 at 2     3 at 25   9 at 52            address first
 *
 * A change of length may change an extent's place. Often it does not (the
 * longest extent stays the longest while it is eaten up): then its neighbours
 * in the order tell so, and the tree stays as it is. Else the node leaves the
 * tree and is put in again.
 *
 * Freeing finds neighbours by their tags (extent.h). The key's address is the
 * last frame's: for extents of one length that is the same order.
 */
#include "by_size.h"

static inline bool
by_size_less(const struct page *a, size_t nr_a, const struct page *b)
{
	return nr_a < b->nr || (nr_a == b->nr && a < b);
}

void
by_size_init(struct page_pool *pool)
{
	pool->extents.node = NULL;
}

struct page *
by_size_at_least(const struct page_pool *pool, size_t n)
{
	struct rb_node *node = pool->extents.node;
	struct page *best = NULL;

	while (node != NULL) {
		if (extent_entry(node)->nr >= n) {
			best = extent_entry(node);
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}

static void
by_size_insert(struct page_pool *pool, struct page *last)
{
	struct rb_node **link = &pool->extents.node, *parent = NULL;
	size_t nr = last->nr;

	while (*link != NULL) {
		parent = *link;
		if (by_size_less(last, nr, extent_entry(parent)))
			link = &parent->left;
		else
			link = &parent->right;
	}
	rb_insert(&pool->extents, &last->rb, parent, link, NULL);
}

/* The extent's length becomes nr. */
static void
by_size_shrink(struct page_pool *pool, struct page *last, size_t nr)
{
	struct rb_node *prev = rb_prev(&last->rb);
	bool stays = prev == NULL ||
		     !by_size_less(last, nr, extent_entry(prev));

	if (!stays)
		rb_erase(&pool->extents, &last->rb, NULL);
	extent_tag(last, nr);
	if (!stays)
		by_size_insert(pool, last);
}

static void
by_size_grow(struct page_pool *pool, struct page *last, size_t nr)
{
	struct rb_node *next = rb_next(&last->rb);
	bool stays = next == NULL || by_size_less(last, nr, extent_entry(next));

	if (!stays)
		rb_erase(&pool->extents, &last->rb, NULL);
	extent_tag(last, nr);
	if (!stays)
		by_size_insert(pool, last);
}

struct page *
by_size_take(struct page_pool *pool, struct page *last, size_t n)
{
	struct page *first = extent_first(last);

	first->tag = 0;
	if (last->nr == n) {
		rb_erase(&pool->extents, &last->rb, NULL);
		last->tag = 0;
	} else {
		by_size_shrink(pool, last, last->nr - n);
	}
	pool_count_allocated(pool, n);
	return first;
}

void
by_size_free(struct page_pool *pool, struct page *base, size_t n)
{
	struct page *below = extent_below(pool, base);
	struct page *above = extent_above(pool, base + n);
	struct page *last = base + (n - 1);

	pool_count_free(pool, n);
	if (below != NULL) {
		rb_erase(&pool->extents, &below->rb, NULL);
		n = extent_absorb(below, n);
	}
	if (above != NULL) {
		(last + 1)->tag = 0;
		by_size_grow(pool, above, above->nr + n);
	} else {
		extent_tag(last, n);
		by_size_insert(pool, last);
	}
}

size_t
by_size_nr_free(const struct page_pool *pool)
{
	return pool_nr_free(pool);
}

const char *
by_size_validate(const struct page_pool *pool)
{
	struct rb_node *node;
	struct page *previous = NULL;
	size_t nr_free = 0;
	const char *wrong;

	for (node = rb_first(&pool->extents); node != NULL;
	     node = rb_next(node)) {
		struct page *last = extent_entry(node);

		wrong = extent_validate(pool, last);
		if (wrong != NULL)
			return wrong;
		if (previous != NULL &&
		    !by_size_less(previous, previous->nr, last))
			return "extents are not in order of length, address";
		nr_free += last->nr;
		previous = last;
	}
	return nr_free == pool->nr_free ? NULL : "extents and nr_free differ";
}
