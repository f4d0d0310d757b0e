/*
 * Red-black trees against a sorted array.
 *
 * Each element carries a weight, and its node the number and the greatest
 * weight of its subtree, so that augmentation is checked at every node. SEED and
 * OPS may be set in the environment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <kernel/rbtree.h>

#include "page/random.h"

#define NR_ELEMENTS 300

struct element {
	struct rb_node node;
	unsigned key, weight;
	unsigned nr, max; /* of its subtree */
};

static struct rb_root root;
/* The model: elements in order of their keys. */
static struct element *sorted[NR_ELEMENTS];
static unsigned nr_sorted;
static unsigned long nr_augments;

#define entry(rb) container_of(rb, struct element, node)

static bool
augment(struct rb_node *node)
{
	struct element *e = entry(node);
	unsigned nr = 1, max = e->weight;
	bool changed;

	nr_augments++;
	if (node->left != NULL) {
		nr += entry(node->left)->nr;
		max = MAX(max, entry(node->left)->max);
	}
	if (node->right != NULL) {
		nr += entry(node->right)->nr;
		max = MAX(max, entry(node->right)->max);
	}
	changed = nr != e->nr || max != e->max;
	e->nr = nr;
	e->max = max;
	return changed;
}

static rb_augment_fn *how; /* augment, or NULL for a plain tree */

/* Every rule of red-black trees; returns the black height. */
static unsigned
check_subtree(const struct rb_node *node, const struct rb_node *parent,
	      unsigned *nr, unsigned *max)
{
	unsigned nr_left = 0, nr_right = 0, max_left = 0, max_right = 0;
	unsigned left, right;
	bool black;

	*nr = 0;
	*max = 0;
	if (node == NULL)
		return 1;
	black = node->parent_color & 1;
	assert_ptr_equal(node->parent_color & ~(uintptr_t)1, parent);
	if (!black)
		assert_true(parent != NULL && (parent->parent_color & 1));
	left = check_subtree(node->left, node, &nr_left, &max_left);
	right = check_subtree(node->right, node, &nr_right, &max_right);
	assert_int_equal(left, right);
	*nr = 1 + nr_left + nr_right;
	*max = MAX(entry(node)->weight, MAX(max_left, max_right));
	if (how != NULL) {
		assert_int_equal(entry(node)->nr, *nr);
		assert_int_equal(entry(node)->max, *max);
	}
	return left + black;
}

static void
check_tree(void)
{
	struct rb_node *node = rb_first(&root);
	unsigned nr, max;

	check_subtree(root.node, NULL, &nr, &max);
	assert_int_equal(nr, nr_sorted);
	for (unsigned i = 0; i < nr_sorted; i++, node = rb_next(node))
		assert_ptr_equal(node, &sorted[i]->node);
	assert_null(node);
	node = rb_last(&root);
	for (unsigned i = nr_sorted; i-- > 0; node = rb_prev(node))
		assert_ptr_equal(node, &sorted[i]->node);
	assert_null(node);
}

static void
insert(struct element *e)
{
	struct rb_node **link = &root.node, *parent = NULL;
	unsigned at = nr_sorted;

	while (*link != NULL) {
		parent = *link;
		link = e->key < entry(parent)->key ? &parent->left
						   : &parent->right;
	}
	rb_insert(&root, &e->node, parent, link, how);

	/* Among equals, the last one inserted stands last. */
	while (at > 0 && sorted[at - 1]->key > e->key)
		at--;
	memmove(&sorted[at + 1], &sorted[at],
		(nr_sorted - at) * sizeof(sorted[0]));
	sorted[at] = e;
	nr_sorted++;
}

static void
erase(unsigned at)
{
	struct element *e = sorted[at];

	rb_erase(&root, &e->node, how);
	memset(e, 0xa5, sizeof(*e));
	nr_sorted--;
	memmove(&sorted[at], &sorted[at + 1],
		(nr_sorted - at) * sizeof(sorted[0]));
}

static struct element pool[NR_ELEMENTS];
static struct element *unused[NR_ELEMENTS];
static unsigned nr_unused;

static struct element *
new_element(unsigned key)
{
	struct element *e = unused[--nr_unused];

	memset(e, (int)random_below(256), sizeof(*e));
	e->key = key;
	e->weight = (unsigned)random_below(50);
	return e;
}

static void
one_operation(unsigned limit)
{
	unsigned at = nr_sorted > 0 ? (unsigned)random_below(nr_sorted) : 0;
	struct element *old, *new;

	switch (random_below(8)) {
	case 0:
	case 1:
	case 2:
		if (nr_sorted < limit)
			insert(new_element((unsigned)random_below(200)));
		break;
	case 3:
	case 4:
	case 5:
		if (nr_sorted > 0) {
			old = sorted[at];
			erase(at);
			unused[nr_unused++] = old;
		}
		break;
	case 6: /* another weight in the same place */
		if (nr_sorted > 0) {
			sorted[at]->weight = (unsigned)random_below(50);
			if (how != NULL)
				rb_augment_up(&sorted[at]->node, how);
		}
		break;
	case 7:
		if (nr_sorted > 0 && nr_unused > 0) {
			old = sorted[at];
			new = new_element(old->key);
			rb_replace(&root, &old->node, &new->node, how);
			sorted[at] = new;
			memset(old, 0x5a, sizeof(*old));
			unused[nr_unused++] = old;
		}
		break;
	}
}

static void
start(rb_augment_fn *fn)
{
	how = fn;
	root.node = NULL;
	nr_sorted = 0;
	nr_unused = 0;
	for (unsigned i = 0; i < NR_ELEMENTS; i++)
		unused[nr_unused++] = &pool[i];
}

static void
random_operations(rb_augment_fn *fn)
{
	unsigned long nr = test_parameter("OPS", 200000);

	start(fn);
	for (unsigned long i = 0; i < nr; i++) {
		/* Small trees meet every case of rebalancing soonest. */
		unsigned limit = i / 1000 % 4 == 0 ? NR_ELEMENTS : 12;

		while (nr_sorted > limit) {
			struct element *old = sorted[nr_sorted - 1];

			erase(nr_sorted - 1);
			unused[nr_unused++] = old;
		}
		one_operation(limit);
		if (limit < NR_ELEMENTS || i % 64 == 0)
			check_tree();
	}
	check_tree();
}

static void
test_empty(void **state)
{
	(void)state;
	start(NULL);
	assert_null(rb_first(&root));
	assert_null(rb_last(&root));
	check_tree();
}

/* Rising, falling: the orders that ruin a tree without balance. Its depth is
 * checked through what an insertion at the end costs. */
static void
test_in_order(void **state)
{
	(void)state;
	for (unsigned falling = 0; falling < 2; falling++) {
		start(augment);
		for (unsigned i = 0; i < NR_ELEMENTS; i++) {
			insert(new_element(falling ? NR_ELEMENTS - i : i));
			check_tree();
		}
		nr_augments = 0;
		rb_augment_up(falling ? rb_first(&root) : rb_last(&root), how);
		assert_in_range(nr_augments, 1, 2 * 9);
		while (nr_sorted > 0) {
			erase(falling ? nr_sorted / 2 : 0);
			check_tree();
		}
	}
}

/* Nothing changed: the walk towards the root ends where it began. */
static void
test_augment_stops(void **state)
{
	(void)state;
	start(augment);
	for (unsigned i = 0; i < 100; i++)
		insert(new_element(i));
	nr_augments = 0;
	rb_augment_up(rb_first(&root), how);
	assert_int_equal(nr_augments, 1);
}

static void
test_random_plain(void **state)
{
	(void)state;
	random_operations(NULL);
}

static void
test_random_augmented(void **state)
{
	(void)state;
	random_operations(augment);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_augment_stops),
		cmocka_unit_test(test_random_plain),
		cmocka_unit_test(test_random_augmented),
	};

	random_start("rbtree");
	return cmocka_run_group_tests_name("rbtree", tests, NULL, NULL);
}
