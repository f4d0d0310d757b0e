/*
 * Extents in order of (length, address): bins and trees for best and worst fit.
 *
 *	bins_used   . 1 . 1 . . . . 1 ...            one bit per bin
 *	bins[]        |   |         |
 *	length:       1   3         8        0: 64 and more
 *	             / \   \                    /   \
 *	          @2   @9  @25    @40       70 @100  64 @300
 *
 * Most extents are short, and many of them equally long. So every length below
 * 64 has a tree of its own, in order of address, and remembers its lowest
 * extent: the choice among equals takes no search at all. The few long ones share
 * the tree of bin 0, in order of (length, address).
 *
 * A change of length mostly means another bin. A long extent may keep its place
 * (the longest stays the longest while it is eaten up): its neighbours in the
 * order tell so, and the tree stays as it is.
 *
 * Freeing finds neighbours by their tags (extent.h). The address in the order is
 * the last frame's: for extents of one length that is the same order.
 */
#include "by_size.h"

#define BIN_LARGE 0

static inline unsigned
bin_of(size_t nr)
{
	return nr < NR_SIZE_BINS ? (unsigned)nr : BIN_LARGE;
}

static inline bool
by_size_less(const struct page *a, size_t nr_a, const struct page *b)
{
	return nr_a < b->nr || (nr_a == b->nr && a < b);
}

void
by_size_init(struct page_pool *pool)
{
	for (unsigned i = 0; i < ARRAY_SIZE(pool->bins_used); i++)
		pool->bins_used[i] = 0;
	for (unsigned i = 0; i < NR_SIZE_BINS; i++) {
		pool->bins[i].node = NULL;
		pool->lowest[i] = NULL;
	}
}

static inline bool
bin_is_used(const struct page_pool *pool, unsigned bin)
{
	return pool->bins_used[bin / BINS_PER_WORD] >> bin % BINS_PER_WORD & 1;
}

/* The first bin from `bin` on that is not empty; BIN_LARGE: none is. */
static inline unsigned
bin_at_least(const struct page_pool *pool, unsigned bin)
{
	unsigned word = bin / BINS_PER_WORD;
	uint32_t bits = pool->bins_used[word] &
			(~(uint32_t)0 << (bin % BINS_PER_WORD));

	while (bits == 0) {
		if (++word == ARRAY_SIZE(pool->bins_used))
			return BIN_LARGE;
		bits = pool->bins_used[word];
	}
	return word * BINS_PER_WORD + (unsigned)__builtin_ctz(bits);
}

/* The shortest of the long extents that has n frames. */
static struct page *
large_at_least(const struct page_pool *pool, size_t n)
{
	struct rb_node *node = pool->bins[BIN_LARGE].node;
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

struct page *
by_size_at_least(const struct page_pool *pool, size_t n)
{
	unsigned bin;

	if (n < NR_SIZE_BINS) {
		bin = bin_at_least(pool, (unsigned)n);
		if (bin != BIN_LARGE)
			return pool->lowest[bin];
	}
	return large_at_least(pool, n);
}

struct page *
by_size_longest(const struct page_pool *pool)
{
	struct rb_node *node = rb_last(&pool->bins[BIN_LARGE]), *prev;

	if (node == NULL) {
		for (unsigned i = ARRAY_SIZE(pool->bins_used); i-- > 0;)
			if (pool->bins_used[i] != 0)
				return pool->lowest[i * BINS_PER_WORD +
						    BINS_PER_WORD - 1 -
						    (unsigned)__builtin_clz(
							    pool->bins_used[i])];
		return NULL;
	}
	/* Mostly there is one of that length. */
	prev = rb_prev(node);
	if (prev != NULL && extent_entry(prev)->nr == extent_entry(node)->nr)
		return large_at_least(pool, extent_entry(node)->nr);
	return extent_entry(node);
}

static void
by_size_insert(struct page_pool *pool, struct page *last)
{
	unsigned bin = bin_of(last->nr);
	struct rb_node **link = &pool->bins[bin].node, *parent = NULL;

	if (bin != BIN_LARGE) {
		/* Nodes lie in the array of struct pages: their order is the
		 * frames'. */
		while (*link != NULL) {
			parent = *link;
			link = &last->rb < parent ? &parent->left
						  : &parent->right;
		}
		if (pool->lowest[bin] == NULL || last < pool->lowest[bin])
			pool->lowest[bin] = last;
		pool->bins_used[bin / BINS_PER_WORD] |=
			(uint32_t)1 << (bin % BINS_PER_WORD);
	} else {
		while (*link != NULL) {
			parent = *link;
			if (by_size_less(last, last->nr, extent_entry(parent)))
				link = &parent->left;
			else
				link = &parent->right;
		}
	}
	rb_insert(&pool->bins[bin], &last->rb, parent, link, NULL);
}

static void
by_size_erase(struct page_pool *pool, struct page *last)
{
	unsigned bin = bin_of(last->nr);
	struct rb_node *next;

	if (bin != BIN_LARGE && pool->lowest[bin] == last) {
		next = rb_next(&last->rb);
		pool->lowest[bin] = next != NULL ? extent_entry(next) : NULL;
		if (next == NULL)
			pool->bins_used[bin / BINS_PER_WORD] &=
				~((uint32_t)1 << (bin % BINS_PER_WORD));
	}
	rb_erase(&pool->bins[bin], &last->rb, NULL);
}

/* Whether a long extent that becomes nr frames long keeps its place. */
static bool
by_size_stays(const struct page *last, size_t nr)
{
	struct rb_node *other;

	if (bin_of(last->nr) != BIN_LARGE || bin_of(nr) != BIN_LARGE)
		return false;
	if (nr > last->nr) {
		other = rb_next(&last->rb);
		return other == NULL ||
		       by_size_less(last, nr, extent_entry(other));
	}
	other = rb_prev(&last->rb);
	return other == NULL || !by_size_less(last, nr, extent_entry(other));
}

/* The extent's length becomes nr. */
static void
by_size_resize(struct page_pool *pool, struct page *last, size_t nr)
{
	bool stays = by_size_stays(last, nr);

	if (!stays)
		by_size_erase(pool, last);
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
		by_size_erase(pool, last);
		last->tag = 0;
	} else {
		by_size_resize(pool, last, last->nr - n);
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
		by_size_erase(pool, below);
		n = extent_absorb(below, n);
	}
	if (above != NULL) {
		(last + 1)->tag = 0;
		by_size_resize(pool, above, above->nr + n);
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

static const char *
bin_validate(const struct page_pool *pool, unsigned bin, size_t *nr_free)
{
	struct rb_node *node = rb_first(&pool->bins[bin]);
	struct page *previous = NULL, *last;
	const char *wrong;

	if (bin != BIN_LARGE) {
		if (bin_is_used(pool, bin) != (node != NULL))
			return "a bin's bit is wrong";
		if (pool->lowest[bin] !=
		    (node != NULL ? extent_entry(node) : NULL))
			return "a bin's lowest extent is wrong";
	}
	for (; node != NULL; node = rb_next(node)) {
		last = extent_entry(node);
		wrong = extent_validate(pool, last);
		if (wrong != NULL)
			return wrong;
		if (bin_of(last->nr) != bin)
			return "an extent is in a wrong bin";
		if (previous != NULL &&
		    !by_size_less(previous, previous->nr, last))
			return "extents are not in order of length, address";
		*nr_free += last->nr;
		previous = last;
	}
	return NULL;
}

const char *
by_size_validate(const struct page_pool *pool)
{
	size_t nr_free = 0;
	const char *wrong;

	for (unsigned bin = 0; bin < NR_SIZE_BINS; bin++) {
		wrong = bin_validate(pool, bin, &nr_free);
		if (wrong != NULL)
			return wrong;
	}
	return nr_free == pool->nr_free ? NULL : "extents and nr_free differ";
}
