/*
 * The buddy policy: blocks of 2^order frames, halved and joined again.
 *
 * Free frames are kept as blocks of 2^order frames, each at a frame number that
 * is a multiple of its size. A block halves into two buddies, whose numbers
 * differ in just that one bit; two free buddies are one block again:
 *
 *	order 3   |               0               |
 *	order 2   |       0       |       4       |     buddy of 4 (order 1): 6
 *	order 1   |   0   |   2   |   4   |   6   |     buddy of 4 (order 2): 0
 *	order 0   | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 |     buddy of 4 (order 0): 5
 *
 * Allocation takes a block of the smallest order that fits, halving until it is
 * just large enough; the low half is used, the high half stays free. Among
 * blocks of one order it takes the one that became free last, whatever its
 * address: that is O(1), and the memory most likely still in the cache. A
 * request that is no power of two gets the low end of the enclosing block, whose
 * tail is given back at once, so 5 frames cost 5.
 *
 * So any run of frames may come back, aligned or not. It is cut into the
 * largest aligned blocks, and each merges with its buddy as long as that one is
 * free and whole. That leaves maximal blocks, whatever the order of frees: two
 * free buddies never stand side by side.
 *
 * There is no highest order but the number of bits: a machine's largest aligned
 * run of frames is one block. One word says which orders have blocks. The first
 * frame of a free block bears its order + 1 as a tag, all other frames 0.
 */
#include "internal.h"

BUILD_ASSERT(NR_ORDERS <= 32); /* pool->orders */

#define buddy_entry(list_link) list_entry(list_link, struct page, free_link)

static inline size_t
buddy_frame(const struct page_pool *pool, const struct page *page)
{
	return (size_t)(page - pool->map) + pool->map_start;
}

/* The order of the smallest block that holds n frames; NR_ORDERS: none. */
static inline unsigned
buddy_order(size_t n)
{
	if (n == 1)
		return 0;
	if ((n - 1) >> (NR_ORDERS - 1) != 0)
		return NR_ORDERS;
	return 32 - (unsigned)__builtin_clz((uint32_t)(n - 1));
}

/* The order of the largest block that n frames hold. */
static inline unsigned
buddy_floor(size_t n)
{
	return 31 - (unsigned)__builtin_clz((uint32_t)n);
}

static void
buddy_init(struct page_pool *pool)
{
	pool->orders = 0;
	for (unsigned order = 0; order < NR_ORDERS; order++)
		list_init(&pool->blocks[order]);
}

static inline void
buddy_put(struct page_pool *pool, struct page *block, unsigned order)
{
	block->tag = (unsigned char)(order + 1);
	list_add(&pool->blocks[order], &block->free_link);
	pool->orders |= (uint32_t)1 << order;
}

static inline void
buddy_take(struct page_pool *pool, struct page *block, unsigned order)
{
	struct list *prev = block->free_link.prev;
	struct list *next = block->free_link.next;

	block->tag = 0;
	prev->next = next;
	next->prev = prev;
	/* It stood between the head and the head. */
	if (prev == next)
		pool->orders &= ~((uint32_t)1 << order);
}

/* Frames [from, from + nr) of a block whose beginning is in use: every piece's
 * buddy is, in part, in use too. */
static void
buddy_put_tail(struct page_pool *pool, struct page *block, size_t from,
	       size_t end)
{
	while (from < end) {
		unsigned order = (unsigned)__builtin_ctzl(from);

		buddy_put(pool, block + from, order);
		from += (size_t)1 << order;
	}
}

static struct page *
buddy_alloc(struct page_pool *pool, size_t n)
{
	unsigned want = buddy_order(n), order;
	uint32_t fitting;
	struct page *block;

	if (want == NR_ORDERS)
		return NULL;
	fitting = pool->orders & (~(uint32_t)0 << want);
	if (fitting == 0)
		return NULL;
	order = (unsigned)__builtin_ctz(fitting);
	block = buddy_entry(pool->blocks[order].next);
	buddy_take(pool, block, order);
	while (order > want) {
		order--;
		buddy_put(pool, block + ((size_t)1 << order), order);
	}
	if (unlikely(!IS_POWER_OF_2(n)))
		buddy_put_tail(pool, block, n, (size_t)1 << want);
	pool_count_allocated(pool, n);
	return block;
}

/* A free block joins its buddy, and the whole the next, as far as it goes. */
static inline void
buddy_merge(struct page_pool *pool, size_t frame, unsigned order)
{
	struct page *map = pool->map;
	size_t start = pool->map_start;
	size_t size = (size_t)1 << order;

	for (;;) {
		size_t other = (frame ^ size) - start;
		struct page *buddy;

		if (other >= pool->map_nr)
			break;
		buddy = map + other;
		if (buddy->tag != order + 1 || buddy->node != pool->node)
			break;
		buddy_take(pool, buddy, order);
		frame &= ~size; /* the lower of the two */
		size <<= 1;
		order++;
	}
	buddy_put(pool, map + (frame - start), order);
}

/* Cuts any run of frames into the largest blocks that are aligned. */
static __noinline void
buddy_free_pieces(struct page_pool *pool, size_t frame, size_t n)
{
	while (n > 0) {
		unsigned order = buddy_floor(n);

		/* No larger than its alignment (frame 0 has every one). */
		if ((frame & (((size_t)1 << order) - 1)) != 0)
			order = (unsigned)__builtin_ctzl(frame);
		buddy_merge(pool, frame, order);
		frame += (size_t)1 << order;
		n -= (size_t)1 << order;
	}
}

static void
buddy_free(struct page_pool *pool, struct page *base, size_t n)
{
	size_t frame = buddy_frame(pool, base);

	pool_count_free(pool, n);
	/* Mostly it is one frame, or a block: of a power of two, and aligned
	 * to it. */
	if (likely(n == 1))
		buddy_merge(pool, frame, 0);
	else if (unlikely(((n | frame) & (n - 1)) != 0))
		buddy_free_pieces(pool, frame, n);
	else
		buddy_merge(pool, frame, buddy_floor(n));
}

static size_t
buddy_nr_free(const struct page_pool *pool)
{
	return pool_nr_free(pool);
}

static const char *
buddy_validate_block(const struct page_pool *pool, const struct page *block,
		     unsigned order)
{
	size_t frame = buddy_frame(pool, block), nr = (size_t)1 << order;
	size_t other = (frame ^ nr) - pool->map_start;

	if ((frame & (nr - 1)) != 0)
		return "a block is not aligned to its size";
	if (frame - pool->map_start + nr > pool->map_nr)
		return "a block reaches beyond the map";
	if (other < pool->map_nr && pool->map[other].tag == order + 1 &&
	    pool->map[other].node == pool->node)
		return "two free buddies are not one block";
	for (size_t i = 0; i < nr; i++) {
		if (page_ref_read(&block[i]) != PAGE_FREE)
			return "a frame of a block is not marked free";
		if (block[i].node != pool->node)
			return "a frame of a block is another node's";
		if (block[i].tag != (i == 0 ? order + 1 : 0))
			return "a frame of a block has a wrong tag";
	}
	return NULL;
}

static const char *
buddy_validate(const struct page_pool *pool)
{
	size_t nr_free = 0;

	for (unsigned order = 0; order < NR_ORDERS; order++) {
		const struct list *head = &pool->blocks[order], *pos;
		bool some = (pool->orders >> order & 1) != 0;

		if (some == list_empty(head))
			return "the word of orders is wrong";
		list_for_each(pos, head) {
			const char *wrong;

			if (pos->next->prev != pos || pos->prev->next != pos)
				return "a list of blocks is broken";
			wrong = buddy_validate_block(pool, buddy_entry(pos),
						     order);
			if (wrong != NULL)
				return wrong;
			nr_free += (size_t)1 << order;
		}
	}
	return nr_free == pool->nr_free ? NULL : "blocks and nr_free differ";
}

const struct page_policy policy_buddy = {
	.name = "buddy",
	.description = "binary buddies, the block freed last among equals",
	.init = buddy_init,
	.init_memmap = buddy_free,
	.alloc = buddy_alloc,
	.free = buddy_free,
	.nr_free = buddy_nr_free,
	.validate = buddy_validate,
};
