/*
 * Red-black trees, linked through a member of the element, with optional data that each
 * node keeps about its subtree (augmentation).
 */
#ifndef KERNEL_RBTREE_H
#define KERNEL_RBTREE_H

#include <kernel/types.h>

/* The colour lives in bit 0 of parent_color: nodes are word-aligned. */
struct rb_node {
	uintptr_t parent_color;
	struct rb_node *left, *right;
};

struct rb_root {
	struct rb_node *node;
};

/* NULL: the root. */
static inline struct rb_node *
rb_parent(const struct rb_node *node)
{
	return (struct rb_node *)(node->parent_color & ~(uintptr_t)1);
}

/*
 * Recomputes what `node` says about its subtree from its own element and its two children;
 * returns whether that changed anything. NULL in a call below: a plain tree.
 */
typedef bool rb_augment_fn(struct rb_node *node);

/* Hangs `node` into the tree at *link below `parent` (as a search found them)
 * and rebalances. */
void rb_insert(struct rb_root *root, struct rb_node *node,
	       struct rb_node *parent, struct rb_node **link,
	       rb_augment_fn *augment);
void rb_erase(struct rb_root *root, struct rb_node *node,
	      rb_augment_fn *augment);
/* `new` takes the place of `old`, which has the same position in the order. */
void rb_replace(struct rb_root *root, struct rb_node *old, struct rb_node *new,
		rb_augment_fn *augment);
/* The element of node changed, its place in the order did not. */
void rb_augment_up(struct rb_node *node, rb_augment_fn *augment);

struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

#endif /* KERNEL_RBTREE_H */
