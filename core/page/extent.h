/*
 * Extents: maximal runs of free frames, for the policies that keep them whole.
 *
 *	     first            last
 *	+---+-----+---+---+---+-----+---+
 *	| A |  5  |   |   |   |  5  | A |      A: allocated, or not ours
 *	+---+-----+---+---+---+-----+---+
 *	      tag               tag
 *	      nr                nr, rb
 *
 * Both edges say how long the extent is (boundary tags), so whoever frees a
 * neighbour finds it without a search. The policy's tree node lives in the last
 * frame: what is carved off the low end leaves it where it is.
 */
#ifndef CORE_PAGE_EXTENT_H
#define CORE_PAGE_EXTENT_H

#include "internal.h"

/* page->tag of an extent's first and last frame. */
#define EXTENT_EDGE 1

#define extent_entry(rb_node) container_of(rb_node, struct page, rb)

static inline struct page *
extent_first(const struct page *last)
{
	return (struct page *)last - (last->nr - 1);
}

/* Tags nr frames, the last of which is `last`; tags inside are cleared by
 * whoever joins extents. */
static inline void
extent_tag(struct page *last, size_t nr)
{
	struct page *first = last - (nr - 1);

	first->tag = EXTENT_EDGE;
	first->nr = nr;
	last->tag = EXTENT_EDGE;
	last->nr = nr;
}

static inline bool
extent_edge(const struct page_pool *pool, const struct page *page)
{
	return page->tag == EXTENT_EDGE && page->node == pool->node;
}

/* The last frame of the extent that ends right below base; NULL: none does. */
static inline struct page *
extent_below(const struct page_pool *pool, struct page *base)
{
	return extent_edge(pool, base - 1) ? base - 1 : NULL;
}

/* The last frame of the extent that begins at `end`; NULL: none does. */
static inline struct page *
extent_above(const struct page_pool *pool, struct page *end)
{
	return extent_edge(pool, end) ? end + (end->nr - 1) : NULL;
}

/* What is left of an extent after its n lowest frames (not all) went. */
static inline void
extent_carve(struct page *last, size_t n)
{
	extent_first(last)->tag = 0;
	extent_tag(last, last->nr - n);
}

/* The nr frames up to `last` grow downwards by those of extent `below`, whose
 * node has left the tree; returns how many they are together. */
static inline size_t
extent_absorb(struct page *below, size_t nr)
{
	size_t nr_below = below->nr;

	extent_first(below)->tag = 0;
	below->tag = 0;
	return nr_below + nr;
}

/* NULL, or what is wrong with the extent by itself. */
const char *extent_validate(const struct page_pool *pool,
			    const struct page *last);

#endif /* CORE_PAGE_EXTENT_H */
