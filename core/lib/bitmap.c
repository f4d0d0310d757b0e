/*
 * Bitmaps with summaries: the way up and down the levels.
 *
 * Bits past the end of a level are never set, so the last word of a level may
 * look as if there were room. Whatever is found there is recognised by its
 * number, and means that there is none: it is larger than all that are right.
 */
#include <kernel/bitmap.h>

/* Bits [from, BITS_PER_WORD) of a word. from may be BITS_PER_WORD. */
static unsigned long
bits_from(size_t from)
{
	return from < BITS_PER_WORD ? ~0ul << from : 0;
}

/* Index of the first leaf word after `leaf` that is not all ones. It may be past
 * the end. */
static size_t
next_leaf(const struct bitmap_tree *tree, size_t leaf)
{
	size_t nr_mids = BITMAP_WORDS(BITMAP_WORDS(tree->nr_bits));
	size_t mid = leaf / BITS_PER_WORD;
	unsigned long zeros = ~tree->mid[mid] &
			      bits_from(leaf % BITS_PER_WORD + 1);

	if (zeros == 0) {
		zeros = ~*tree->top & bits_from(mid + 1);
		if (zeros == 0)
			return SIZE_MAX;
		mid = (size_t)__builtin_ctzl(zeros);
		if (mid >= nr_mids)
			return SIZE_MAX;
		zeros = ~tree->mid[mid];
	}
	return mid * BITS_PER_WORD + (size_t)__builtin_ctzl(zeros);
}

size_t
bitmap_tree_next_zero_far(const struct bitmap_tree *tree, size_t from)
{
	size_t leaf = next_leaf(tree, from / BITS_PER_WORD);
	size_t nr;

	if (leaf >= BITMAP_WORDS(tree->nr_bits))
		return tree->nr_bits;
	nr = leaf * BITS_PER_WORD + (size_t)__builtin_ctzl(~tree->leaf[leaf]);
	return MIN(nr, tree->nr_bits);
}
