/*
 * Bitmaps with summaries: the next clear bit in a few steps, however many are
 * set.
 *
 *	top     one word            bit i: word i of mid is all ones
 *	mid     a bit per leaf      bit i: word i of leaf is all ones
 *	leaf    a bit per number    bit i: number i is taken
 *
 * Three levels, so up to (bits of a word)^3 numbers: 32,768 on 32 bits. Storage
 * is static and all-zero bits are a valid, empty bitmap. The owner's lock
 * guards it; no function locks, sleeps or fails. Numbers out of range are a
 * bug of the caller.
 */
#ifndef KERNEL_BITMAP_H
#define KERNEL_BITMAP_H

#include <kernel/panic.h>
#include <kernel/types.h>

#define BITS_PER_WORD (8 * sizeof(unsigned long))
#define BITMAP_WORDS(nr_bits) (((nr_bits) + BITS_PER_WORD - 1) / BITS_PER_WORD)
#define BITMAP_TREE_MAX (BITS_PER_WORD * BITS_PER_WORD * BITS_PER_WORD)

struct bitmap_tree {
	size_t nr_bits;
	unsigned long *leaf;
	unsigned long *mid;
	unsigned long *top;
};

/* A static bitmap_tree of that name for the numbers [0, max); max is constant,
 * and so is the tree itself: compilers know where its words are. */
#define BITMAP_TREE_DEFINE(name, max)                                          \
	BUILD_ASSERT((max) > 0 && (max) <= BITMAP_TREE_MAX);                   \
	static unsigned long name##_leaf[BITMAP_WORDS(max)];                   \
	static unsigned long name##_mid[BITMAP_WORDS(BITMAP_WORDS(max))];      \
	static unsigned long name##_top;                                       \
	static const struct bitmap_tree name = {                               \
		.nr_bits = (max),                                              \
		.leaf = name##_leaf,                                           \
		.mid = name##_mid,                                             \
		.top = &name##_top,                                            \
	}

static inline unsigned long
bitmap_bit(size_t nr)
{
	return 1ul << (nr % BITS_PER_WORD);
}

static inline bool
bitmap_tree_test(const struct bitmap_tree *tree, size_t nr)
{
	debug_assert(nr < tree->nr_bits);
	return (tree->leaf[nr / BITS_PER_WORD] & bitmap_bit(nr)) != 0;
}

/* Sets a bit; one that is set already stays set. */
static inline void
bitmap_tree_set(const struct bitmap_tree *tree, size_t nr)
{
	size_t leaf = nr / BITS_PER_WORD, mid = leaf / BITS_PER_WORD;

	debug_assert(nr < tree->nr_bits);
	tree->leaf[leaf] |= bitmap_bit(nr);
	if (likely(~tree->leaf[leaf] != 0))
		return;
	tree->mid[mid] |= bitmap_bit(leaf);
	if (~tree->mid[mid] == 0)
		*tree->top |= bitmap_bit(mid);
}

/* Clears a bit; one that is clear already stays clear. */
static inline void
bitmap_tree_clear(const struct bitmap_tree *tree, size_t nr)
{
	size_t leaf = nr / BITS_PER_WORD, mid = leaf / BITS_PER_WORD;

	unsigned long word = tree->leaf[leaf];

	debug_assert(nr < tree->nr_bits);
	tree->leaf[leaf] = word & ~bitmap_bit(nr);
	if (likely(~word != 0))
		return; /* then its bit in mid is clear, and mid's in top */
	tree->mid[mid] &= ~bitmap_bit(leaf);
	*tree->top &= ~bitmap_bit(mid);
}

/* The smallest clear number >= from whose leaf word is not that of `from`. */
size_t bitmap_tree_next_zero_far(const struct bitmap_tree *tree, size_t from);

/* The smallest clear number >= from; the number of bits if there is none. */
static inline size_t
bitmap_tree_next_zero(const struct bitmap_tree *tree, size_t from)
{
	size_t leaf = from / BITS_PER_WORD, nr;
	unsigned long zeros;

	if (unlikely(from >= tree->nr_bits))
		return tree->nr_bits;
	zeros = ~tree->leaf[leaf] & (~0ul << (from % BITS_PER_WORD));
	if (unlikely(zeros == 0))
		return bitmap_tree_next_zero_far(tree, from);
	/* Past the end bits are clear too, and mean that there is none. */
	nr = leaf * BITS_PER_WORD + (size_t)__builtin_ctzl(zeros);
	return likely(nr < tree->nr_bits) ? nr : tree->nr_bits;
}

/* Finds the same number and sets its bit, in one go. */
static inline size_t
bitmap_tree_take_next(const struct bitmap_tree *tree, size_t from)
{
	size_t nr = bitmap_tree_next_zero(tree, from);

	if (likely(nr < tree->nr_bits))
		bitmap_tree_set(tree, nr);
	return nr;
}

/* Sets this bit if it is clear and no summary changes: whether it did. No
 * means nothing. The quick try before bitmap_tree_take_next(). */
static inline bool
bitmap_tree_try_take(const struct bitmap_tree *tree, size_t nr)
{
	unsigned long word, taken;

	if (unlikely(nr >= tree->nr_bits))
		return false;
	word = tree->leaf[nr / BITS_PER_WORD];
	taken = word | bitmap_bit(nr);
	if (unlikely(taken == word || ~taken == 0))
		return false;
	tree->leaf[nr / BITS_PER_WORD] = taken;
	return true;
}

#endif /* KERNEL_BITMAP_H */
