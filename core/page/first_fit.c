/*
 * First fit: the lowest run of free frames that is long enough, from its low
 * end.
 *
 * The textbook walks a list of free extents in order of address and takes the
 * first that fits: with thousands of holes, thousands of steps. Here the extents
 * are a tree in order of address, and each node also knows the longest extent
 * of its subtree (`max`):
 *
 *	               [60..63] max 9
 *	             /                \
 *	     [10..11] max 7        [80..88] max 9
 *	     /          \
 *	[2..4] max 3   [20..26] max 7          n = 5: left (7 >= 5), not into
 *	                                       [2..4] (3 < 5), not [10..11]
 *	                                       itself, so right: [20..26]
 *
 * From the root: if the left subtree has one long enough, the answer is there;
 * else if the node itself is, it is the answer; else it is to the right, where
 * there must be one because the subtree's max said so. One way down, and one
 * way up to correct max: O(log extents), the choice exactly the textbook's.
 *
 * Freeing looks at the neighbours' tags: only a hole that touches no other one
 * takes a search. Nodes live in last frames, so an extent that grows or shrinks
 * at its low end keeps its node.
 */
#include "extent.h"

static bool
first_fit_augment(struct rb_node *node)
{
	struct page *last = extent_entry(node);
	size_t max = last->nr;

	if (node->left != NULL)
		max = MAX(max, extent_entry(node->left)->max);
	if (node->right != NULL)
		max = MAX(max, extent_entry(node->right)->max);
	if (max == last->max)
		return false;
	last->max = max;
	return true;
}

/* The extent became longer: whoever is above knows at least so much. */
static void
first_fit_grown(struct page *last)
{
	struct rb_node *node = &last->rb;
	size_t nr = last->nr;

	while (node != NULL && extent_entry(node)->max < nr) {
		extent_entry(node)->max = nr;
		node = rb_parent(node);
	}
}

/* The extent became shorter than `before`: who knew a longer one is not
 * concerned. */
static void
first_fit_shrunk(struct page *last, size_t before)
{
	struct rb_node *node = &last->rb;

	while (node != NULL && extent_entry(node)->max == before) {
		if (!first_fit_augment(node))
			break;
		node = rb_parent(node);
	}
}

static void
first_fit_init(struct page_pool *pool)
{
	pool->extents.node = NULL;
}

/* The extent at the lowest address with at least n frames; NULL: none. */
static struct page *
first_fit_search(const struct page_pool *pool, size_t n)
{
	struct rb_node *node = pool->extents.node, *left;

	if (node == NULL || extent_entry(node)->max < n)
		return NULL;
	for (;;) {
		left = node->left;
		if (left != NULL && extent_entry(left)->max >= n) {
			node = left;
			continue;
		}
		if (extent_entry(node)->nr >= n)
			return extent_entry(node);
		node = node->right;
	}
}

static struct page *
first_fit_alloc(struct page_pool *pool, size_t n)
{
	struct page *last = first_fit_search(pool, n), *first;

	if (last == NULL)
		return NULL;
	first = extent_first(last);
	if (last->nr == n) {
		rb_erase(&pool->extents, &last->rb, first_fit_augment);
		first->tag = 0;
		last->tag = 0;
	} else {
		extent_carve(last, n);
		first_fit_shrunk(last, last->nr + n);
	}
	pool_count_allocated(pool, n);
	return first;
}

static void
first_fit_insert(struct page_pool *pool, struct page *last)
{
	struct rb_node **link = &pool->extents.node, *parent = NULL;

	/* Nodes lie in the array of struct pages: their order is the frames'. */
	while (*link != NULL) {
		parent = *link;
		link = &last->rb < parent ? &parent->left : &parent->right;
	}
	rb_insert(&pool->extents, &last->rb, parent, link, first_fit_augment);
}

static void
first_fit_free(struct page_pool *pool, struct page *base, size_t n)
{
	struct page *below = extent_below(pool, base);
	struct page *above = extent_above(pool, base + n);
	struct page *last = base + (n - 1);

	pool_count_free(pool, n);
	if (above != NULL) {
		(base + n)->tag = 0;
		if (below != NULL) {
			rb_erase(&pool->extents, &below->rb, first_fit_augment);
			n = extent_absorb(below, n);
		}
		extent_tag(above, above->nr + n);
		first_fit_grown(above);
	} else if (below != NULL) {
		extent_tag(last, extent_absorb(below, n));
		rb_replace(&pool->extents, &below->rb, &last->rb,
			   first_fit_augment);
	} else {
		extent_tag(last, n);
		first_fit_insert(pool, last);
	}
}

static size_t
first_fit_nr_free(const struct page_pool *pool)
{
	return pool_nr_free(pool);
}

static const char *
first_fit_validate(const struct page_pool *pool)
{
	struct rb_node *node;
	struct page *previous = NULL;
	size_t nr_free = 0, max;
	const char *wrong;

	for (node = rb_first(&pool->extents); node != NULL;
	     node = rb_next(node)) {
		struct page *last = extent_entry(node);

		wrong = extent_validate(pool, last);
		if (wrong != NULL)
			return wrong;
		if (previous != NULL && previous >= extent_first(last))
			return "extents are not in order of address";
		max = last->nr;
		if (node->left != NULL)
			max = MAX(max, extent_entry(node->left)->max);
		if (node->right != NULL)
			max = MAX(max, extent_entry(node->right)->max);
		if (max != last->max)
			return "a subtree's longest extent is wrong";
		nr_free += last->nr;
		previous = last;
	}
	return nr_free == pool->nr_free ? NULL : "extents and nr_free differ";
}

const struct page_policy policy_first_fit = {
	.name = "first-fit",
	.description = "the lowest address that fits",
	.init = first_fit_init,
	.init_memmap = first_fit_free,
	.alloc = first_fit_alloc,
	.free = first_fit_free,
	.nr_free = first_fit_nr_free,
	.validate = first_fit_validate,
};
