/*
 * A pool: the frames of one node, and one instance of a policy that keeps the
 * free ones.
 *
 * The pool marks every frame (page->ref): allocated, free, hot, reserved. So
 * what a caller gives back is checked frame by frame, before the policy sees
 * it, and the policies need not distrust anybody. The price is a few
 * instructions per frame that is allocated or freed.
 */
#include "internal.h"

/* Head of struct page, up to `nr`: what has a meaning in every frame. */
#define PAGE_HEAD_SIZE offsetof(struct page, nr)

void
pages_describe(struct page *base, size_t nr, unsigned node, int state)
{
	struct page model = {
		.ref = state,
		.kind = PAGE_PLAIN,
		.node = (unsigned char)node,
	};

	/* A few instructions a frame: there are many. */
	for (struct page *page = base; page < base + nr; page++)
		__builtin_memcpy(page, &model, PAGE_HEAD_SIZE);
}

void
pool_init(struct page_pool *pool, const struct page_policy *policy,
	  struct page *map, size_t map_start, size_t map_nr, unsigned node)
{
	assert(map_nr >> (NR_ORDERS - 1) == 0);
	pool->policy = policy;
	pool->map = map;
	pool->map_start = map_start;
	pool->map_nr = map_nr;
	pool->node = node;
	pool->nr_managed = 0;
	pool->nr_free = 0;
	policy->init(pool);
}

void
pool_init_private(struct page_pool *pool, const struct page_policy *policy,
		  struct page *storage, size_t nr)
{
	pages_describe(storage, nr + 2, 0, PAGE_RESERVED);
	pool_init(pool, policy, storage + 1, 0, nr, 0);
}

void
pool_add(struct page_pool *pool, struct page *base, size_t nr)
{
	pool->nr_managed += nr;
	pool->policy->init_memmap(pool, base, nr);
}

struct page *
pool_alloc(struct page_pool *pool, size_t n)
{
	struct page *base;

	if (n > pool->nr_free)
		return NULL;
	base = pool->policy->alloc(pool, n);
	if (base != NULL)
		pages_mark_allocated(base, n);
	return base;
}

static __noinline const char *
pool_why_not(const struct page_pool *pool, const struct page *base, size_t n,
	     const struct page **bad)
{
	const struct page *page;

	for (page = base; page < base + n; page++) {
		*bad = page;
		switch (page_ref_read(page)) {
		case PAGE_FREE:
		case PAGE_HOT:
			return "free already";
		case PAGE_RESERVED:
			return "reserved";
		}
		if (page->node != pool->node)
			return "another node's";
	}
	return NULL;
}

const char *
pool_free(struct page_pool *pool, struct page *base, size_t n,
	  const struct page **bad)
{
	size_t index = (size_t)(base - pool->map);

	if (unlikely(index >= pool->map_nr || n > pool->map_nr - index)) {
		*bad = index >= pool->map_nr ? base : pool->map + pool->map_nr;
		return "out of range";
	}
	if (unlikely(!pages_allocated(base, n) || base->node != pool->node ||
		     base[n - 1].node != pool->node)) {
		return pool_why_not(pool, base, n, bad);
	}
	pages_mark(base, n, PAGE_FREE);
	pool->policy->free(pool, base, n);
	return NULL;
}

const char *
pool_validate(const struct page_pool *pool)
{
	size_t nr_marked = 0, nr_mine = 0;
	const char *wrong = pool->policy->validate(pool);

	if (wrong != NULL)
		return wrong;
	for (size_t i = 0; i < pool->map_nr; i++) {
		int ref = page_ref_read(&pool->map[i]);

		if (pool->map[i].node != pool->node || ref == PAGE_RESERVED)
			continue;
		nr_mine++;
		if (ref == PAGE_FREE)
			nr_marked++;
		else if (pool->map[i].tag != 0)
			return "a frame that is not free bears a tag";
	}
	if (nr_marked != pool->policy->nr_free(pool))
		return "marks and nr_free differ";
	if (nr_mine != pool->nr_managed)
		return "frames got lost";
	return NULL;
}
