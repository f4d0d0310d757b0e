/*
 * Red-black trees: insertion, removal, the way from node to node.
 *
 * A binary search tree in which every node is red or black and
 *   1. the root is black,
 *   2. a red node has no red child,
 *   3. every way from a node down to a missing child meets as many black nodes.
 * The longest way down (red and black in turn) is then at most twice the
 * shortest (all black): a tree of n elements is at most 2 log2(n + 1) deep.
 *
 * Inserting hangs a red leaf, which can only break rule 2 (or 1); erasing takes
 * out a node with at most one child, which can only break rule 3, and only if
 * it was black. Either is mended on the way up, by recolouring, and ended by
 * at most two (three) rotations:
 *
 *          y                x
 *         / \   right >    / \
 *        x   c            a   y         the order a x b y c stays
 *       / \    < left        / \
 *      a   b                b   c
 *
 * Augmentation. What a node says about its subtree depends on itself and its
 * two children only. So after a change deep down the path to the root is
 * recomputed bottom-up, until a node comes out as it was; and a rotation
 * recomputes the two nodes whose children changed, the lower one first (the
 * subtree as a whole holds the same elements, so nothing above changes). Paths
 * are brought up to date before rebalancing, so that rotations start from a
 * tree that is right everywhere.
 *
 * Nothing here compares elements, allocates or locks: the caller searches, owns
 * the memory, and holds whatever guards the tree.
 */
#include <kernel/panic.h>
#include <kernel/rbtree.h>

enum rb_colour {
	RB_RED = 0,
	RB_BLACK = 1,
};

static inline bool
rb_is_black(const struct rb_node *node)
{
	return node->parent_color & RB_BLACK;
}

/* A missing child counts as black. */
static inline bool
rb_is_red(const struct rb_node *node)
{
	return node != NULL && !rb_is_black(node);
}

static inline void
rb_set_parent(struct rb_node *node, struct rb_node *parent)
{
	node->parent_color = (uintptr_t)parent |
			     (node->parent_color & RB_BLACK);
}

static inline void
rb_set_black(struct rb_node *node)
{
	node->parent_color |= RB_BLACK;
}

static inline void
rb_set_red(struct rb_node *node)
{
	node->parent_color &= ~(uintptr_t)RB_BLACK;
}

/* Whoever pointed down to `old` points to `new` (which may be NULL). */
static inline void
rb_change_child(struct rb_root *root, struct rb_node *parent,
		struct rb_node *old, struct rb_node *new)
{
	if (parent == NULL)
		root->node = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
}

/* `up` takes the place of its parent `down`, which becomes its child. */
static inline void
rb_rotated(struct rb_root *root, struct rb_node *down, struct rb_node *up,
	   rb_augment_fn *augment)
{
	struct rb_node *parent = rb_parent(down);

	rb_change_child(root, parent, down, up);
	rb_set_parent(up, parent);
	rb_set_parent(down, up);
	if (augment != NULL) {
		augment(down);
		augment(up);
	}
}

static void
rb_rotate_left(struct rb_root *root, struct rb_node *down,
	       rb_augment_fn *augment)
{
	struct rb_node *up = down->right;

	down->right = up->left;
	if (up->left != NULL)
		rb_set_parent(up->left, down);
	up->left = down;
	rb_rotated(root, down, up, augment);
}

static void
rb_rotate_right(struct rb_root *root, struct rb_node *down,
		rb_augment_fn *augment)
{
	struct rb_node *up = down->left;

	down->left = up->right;
	if (up->right != NULL)
		rb_set_parent(up->right, down);
	up->right = down;
	rb_rotated(root, down, up, augment);
}

void
rb_augment_up(struct rb_node *node, rb_augment_fn *augment)
{
	while (node != NULL && augment(node))
		node = rb_parent(node);
}

/* `node` is red and so may be its parent: rule 2 is broken there, or nowhere. */
static void
rb_mend_red(struct rb_root *root, struct rb_node *node, rb_augment_fn *augment)
{
	struct rb_node *parent, *grand, *uncle;

	for (;;) {
		parent = rb_parent(node);
		if (parent == NULL) {
			rb_set_black(node);
			return;
		}
		if (rb_is_black(parent))
			return;

		/* A red node is not the root: there is a grandparent. */
		grand = rb_parent(parent);
		uncle = grand->left == parent ? grand->right : grand->left;
		if (!rb_is_red(uncle))
			break;
		/* Both of grand's children are red: they hand it their black. */
		rb_set_black(parent);
		rb_set_black(uncle);
		rb_set_red(grand);
		node = grand;
	}

	/* The uncle is black: lift parent over grand. An inner grandchild is
	 * made an outer one first. */
	rb_set_red(grand);
	if (parent == grand->left) {
		if (node == parent->right) {
			rb_rotate_left(root, parent, augment);
			parent = node;
		}
		rb_set_black(parent);
		rb_rotate_right(root, grand, augment);
	} else {
		if (node == parent->left) {
			rb_rotate_right(root, parent, augment);
			parent = node;
		}
		rb_set_black(parent);
		rb_rotate_left(root, grand, augment);
	}
}

void
rb_insert(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
	  struct rb_node **link, rb_augment_fn *augment)
{
	node->parent_color = (uintptr_t)parent | RB_RED;
	node->left = NULL;
	node->right = NULL;
	*link = node;
	if (augment != NULL) {
		/* What node said before means nothing: go on in any case. */
		augment(node);
		rb_augment_up(parent, augment);
	}
	rb_mend_red(root, node, augment);
}

/* The sibling of a place that lacks a black is red: make it a black one, so
 * that the cases below apply. Returns the new sibling. */
static inline struct rb_node *
rb_blacken_sibling(struct rb_root *root, struct rb_node *parent,
		   struct rb_node *sibling, bool on_the_right,
		   rb_augment_fn *augment)
{
	rb_set_black(sibling);
	rb_set_red(parent);
	if (on_the_right) {
		rb_rotate_left(root, parent, augment);
		return parent->right;
	}
	rb_rotate_right(root, parent, augment);
	return parent->left;
}

/* Every way through `node` (which may be missing), a child of `parent`, has one
 * black less than its sibling's. */
static void
rb_mend_black(struct rb_root *root, struct rb_node *node,
	      struct rb_node *parent, rb_augment_fn *augment)
{
	struct rb_node *sibling;

	while (parent != NULL && !rb_is_red(node)) {
		bool on_the_right = node == parent->left;

		/* It has a black more than `node`, so it is there. */
		sibling = on_the_right ? parent->right : parent->left;
		assert(sibling != NULL);
		if (rb_is_red(sibling))
			sibling = rb_blacken_sibling(root, parent, sibling,
						     on_the_right, augment);
		if (rb_is_red(sibling->left) || rb_is_red(sibling->right))
			goto rotate;
		/* Take a black from that side too: now parent lacks one. */
		rb_set_red(sibling);
		node = parent;
		parent = rb_parent(node);
	}
	if (node != NULL)
		rb_set_black(node);
	return;

rotate:
	/* Sibling comes up in parent's colour; parent goes down, black, to
	 * node's side. The red nephew that takes sibling's place must be the
	 * outer one. */
	if (node == parent->left) {
		if (!rb_is_red(sibling->right)) {
			rb_set_black(sibling->left);
			rb_set_red(sibling);
			rb_rotate_right(root, sibling, augment);
			sibling = parent->right;
		}
		rb_set_black(sibling->right);
		sibling->parent_color =
			(sibling->parent_color & ~(uintptr_t)RB_BLACK) |
			(parent->parent_color & RB_BLACK);
		rb_set_black(parent);
		rb_rotate_left(root, parent, augment);
	} else {
		if (!rb_is_red(sibling->left)) {
			rb_set_black(sibling->right);
			rb_set_red(sibling);
			rb_rotate_left(root, sibling, augment);
			sibling = parent->left;
		}
		rb_set_black(sibling->left);
		sibling->parent_color =
			(sibling->parent_color & ~(uintptr_t)RB_BLACK) |
			(parent->parent_color & RB_BLACK);
		rb_set_black(parent);
		rb_rotate_right(root, parent, augment);
	}
}

/* `node` has two children: its successor, which has no left one, leaves its own
 * place and takes node's, colour included. */
static void
rb_erase_inner(struct rb_root *root, struct rb_node *node,
	       rb_augment_fn *augment)
{
	struct rb_node *next = node->right, *child, *parent;
	bool lost_black;

	while (next->left != NULL)
		next = next->left;
	lost_black = rb_is_black(next);
	child = next->right;
	parent = rb_parent(next);
	if (parent == node) {
		parent = next;
	} else {
		parent->left = child;
		if (child != NULL)
			rb_set_parent(child, parent);
		next->right = node->right;
		rb_set_parent(next->right, next);
	}
	next->left = node->left;
	rb_set_parent(next->left, next);
	next->parent_color = node->parent_color;
	rb_change_child(root, rb_parent(node), node, next);

	if (augment != NULL) {
		rb_augment_up(parent, augment);
		/* What next said belonged to its old place: go on in any
		 * case. */
		augment(next);
		rb_augment_up(rb_parent(next), augment);
	}
	if (lost_black)
		rb_mend_black(root, child, parent, augment);
}

void
rb_erase(struct rb_root *root, struct rb_node *node, rb_augment_fn *augment)
{
	struct rb_node *parent, *child;

	if (node->left != NULL && node->right != NULL) {
		rb_erase_inner(root, node, augment);
		return;
	}

	child = node->left != NULL ? node->left : node->right;
	parent = rb_parent(node);
	rb_change_child(root, parent, node, child);
	if (augment != NULL)
		rb_augment_up(parent, augment);
	if (child != NULL) {
		/* An only child is red and has none itself (rule 3), and its
		 * parent was black (rule 2): it takes over the black. */
		rb_set_parent(child, parent);
		rb_set_black(child);
	} else if (rb_is_black(node)) {
		rb_mend_black(root, NULL, parent, augment);
	}
}

void
rb_replace(struct rb_root *root, struct rb_node *old, struct rb_node *new,
	   rb_augment_fn *augment)
{
	struct rb_node *parent = rb_parent(old);

	*new = *old;
	rb_change_child(root, parent, old, new);
	if (new->left != NULL)
		rb_set_parent(new->left, new);
	if (new->right != NULL)
		rb_set_parent(new->right, new);
	if (augment != NULL) {
		augment(new);
		rb_augment_up(parent, augment);
	}
}

struct rb_node *
rb_first(const struct rb_root *root)
{
	struct rb_node *node = root->node;

	while (node != NULL && node->left != NULL)
		node = node->left;
	return node;
}

struct rb_node *
rb_last(const struct rb_root *root)
{
	struct rb_node *node = root->node;

	while (node != NULL && node->right != NULL)
		node = node->right;
	return node;
}

struct rb_node *
rb_next(const struct rb_node *node)
{
	struct rb_node *parent;

	if (node->right != NULL) {
		node = node->right;
		while (node->left != NULL)
			node = node->left;
		return (struct rb_node *)node;
	}
	/* Up, until we come from a left child. */
	while ((parent = rb_parent(node)) != NULL && node == parent->right)
		node = parent;
	return parent;
}

struct rb_node *
rb_prev(const struct rb_node *node)
{
	struct rb_node *parent;

	if (node->left != NULL) {
		node = node->left;
		while (node->right != NULL)
			node = node->right;
		return (struct rb_node *)node;
	}
	while ((parent = rb_parent(node)) != NULL && node == parent->left)
		node = parent;
	return parent;
}
