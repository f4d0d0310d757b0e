/*
 * Checks of the page allocator, inside the kernel.
 *
 * Policies are tried on private pools: frames that exist only as struct pages,
 * in memory that comes from the real allocator. What a policy must do to every
 * caller is the contract, the same for all; which frame each one chooses is
 * test/unit/page's business.
 */
#include <kernel/check.h>
#include <kernel/page.h>

#include "../../core/page/internal.h"
#include "check_page.h"

/* Pages that hold a private pool's struct pages. */
#define STORAGE_PAGES 9
#define NR_FRAMES (STORAGE_PAGES * PAGE_SIZE / sizeof(struct page) - 2)

#define NR_RUNS 32
#define NR_RANDOM_STEPS 3000

/* -- the allocator that serves ---------------------------------------------- */

static void
check_three_pages(void)
{
	size_t nr_free = nr_free_pages();
	struct page *page[3];

	for (unsigned i = 0; i < 3; i++) {
		page[i] = alloc_page(GFP_KERNEL);
		if (!EXPECT(page[i] != NULL))
			return;
		EXPECT_EQ(page_ref(page[i]), 1);
		EXPECT(virt_to_page(page_to_virt(page[i])) == page[i]);
	}
	EXPECT(page[0] != page[1] && page[1] != page[2] && page[0] != page[2]);
	EXPECT_EQ(nr_free_pages(), nr_free - 3);
	page_get(page[1]);
	page_put(page[1]);
	EXPECT_EQ(page_ref(page[1]), 1);
	free_page(page[0]);
	page_put(page[1]);
	free_pages(page[2], 1);
	EXPECT_EQ(nr_free_pages(), nr_free);
}

/* Any number of pages, given back in parts. */
static void
check_many_pages(void)
{
	size_t nr_free = nr_free_pages();
	struct page *page = alloc_pages_gfp(GFP_KERNEL | __GFP_ZERO, 13);
	unsigned long *word;

	if (!EXPECT(page != NULL))
		return;
	word = page_to_virt(page);
	for (size_t i = 0; i < 13 * PAGE_SIZE / sizeof(*word); i++) {
		if (!EXPECT_EQ(word[i], 0))
			break;
	}
	EXPECT_EQ(nr_free_pages(), nr_free - 13);
	free_pages(page + 4, 5);
	EXPECT_EQ(nr_free_pages(), nr_free - 8);
	free_pages(page, 4);
	free_pages(page + 9, 4);
	EXPECT_EQ(nr_free_pages(), nr_free);
	EXPECT(alloc_pages_gfp(GFP_KERNEL | __GFP_NOWARN,
			       nr_managed_pages() + 1) == NULL);
	EXPECT(alloc_pages_gfp(GFP_KERNEL | __GFP_NOWARN, (size_t)-1) == NULL);
}

void
check_alloc_page(void)
{
	check_three_pages();
	check_many_pages();
	page_drain_local();
	EXPECT(pages_validate() == NULL);
}

/* Takes all pages there are; returns them as a list. */
static size_t
take_all(struct list *taken, gfp_t gfp)
{
	struct page *page;
	size_t nr = 0;

	while ((page = alloc_page(gfp | __GFP_NOWARN)) != NULL) {
		list_add(taken, &page->owner.link);
		nr++;
	}
	return nr;
}

void
check_page_exhaustion(void)
{
	size_t nr_free = nr_free_pages(), nr;
	struct list taken = LIST_INIT(taken);

	nr = take_all(&taken, GFP_KERNEL & ~(gfp_t)__GFP_WAIT);
	EXPECT_EQ(nr_free_pages(), nr_free - nr);
	for (unsigned i = 0; i < nr_page_nodes; i++)
		EXPECT(pool_nr_free(&page_nodes[i].pool) >= page_nodes[i].min);
	/* The reserve is still there for those who may take it. */
	nr += take_all(&taken, GFP_ATOMIC);
	EXPECT_EQ(nr_free_pages(), 0);
	EXPECT_EQ(nr, nr_free);
	EXPECT(alloc_pages_gfp(GFP_ATOMIC | __GFP_NOWARN, 2) == NULL);
	while (!list_empty(&taken)) {
		struct list *link = taken.next;

		list_del(link);
		free_page(list_entry(link, struct page, owner.link));
	}
	EXPECT_EQ(nr_free_pages(), nr_free);
	page_drain_local();
	EXPECT(pages_validate() == NULL);
}

/* -- the contract of policies ----------------------------------------------- */

static bool
pool_ok(const struct page_pool *pool, size_t nr_free)
{
	return EXPECT(pool_validate(pool) == NULL) &&
	       EXPECT_EQ(pool->policy->nr_free(pool), nr_free);
}

static void
give(struct page_pool *pool, struct page *base, size_t n)
{
	const struct page *bad;

	EXPECT(pool_free(pool, base, n, &bad) == NULL);
}

/* The longest run that a fresh pool must be able to give: buddies hold powers of
 * two. */
static size_t
longest_run(void)
{
	size_t n = 1;

	while (n * 2 <= NR_FRAMES)
		n *= 2;
	return n;
}

static void
contract_singles(struct page_pool *pool)
{
	struct page *page;
	size_t nr = 0;

	while ((page = pool_alloc(pool, 1)) != NULL) {
		EXPECT_EQ(page->ref, 1);
		nr++;
	}
	EXPECT_EQ(nr, NR_FRAMES);
	pool_ok(pool, 0);

	/* Every second one: nowhere two in a row. */
	for (size_t i = 1; i < NR_FRAMES; i += 2)
		give(pool, pool->map + i, 1);
	pool_ok(pool, NR_FRAMES / 2);
	EXPECT(pool_alloc(pool, 2) == NULL);
	for (size_t i = 0; i < NR_FRAMES; i += 2)
		give(pool, pool->map + i, 1);
	pool_ok(pool, NR_FRAMES);

	page = pool_alloc(pool, longest_run());
	if (EXPECT(page != NULL))
		give(pool, page, longest_run());
	EXPECT(pool_alloc(pool, NR_FRAMES + 1) == NULL);
	pool_ok(pool, NR_FRAMES);
}

static void
contract_parts(struct page_pool *pool)
{
	struct page *page = pool_alloc(pool, 11);
	const struct page *bad = NULL;

	if (!EXPECT(page != NULL))
		return;
	give(pool, page + 4, 3);
	pool_ok(pool, NR_FRAMES - 8);
	/* Free already: refused, and nothing happens to the others. */
	EXPECT(pool_free(pool, page, 11, &bad) != NULL);
	EXPECT(bad == page + 4);
	EXPECT(pool_free(pool, page + 6, 2, &bad) != NULL);
	EXPECT(pool_free(pool, pool->map - 1, 1, &bad) != NULL);
	EXPECT(pool_free(pool, pool->map + NR_FRAMES - 1, 2, &bad) != NULL);
	pool_ok(pool, NR_FRAMES - 8);
	give(pool, page, 4);
	give(pool, page + 7, 4);
	pool_ok(pool, NR_FRAMES);
}

static unsigned
next_random(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void
contract_random(struct page_pool *pool)
{
	struct {
		struct page *base;
		size_t n;
	} runs[NR_RUNS] = { { NULL, 0 } };
	size_t nr_free = NR_FRAMES;
	unsigned random = 1;

	for (unsigned step = 0; step < NR_RANDOM_STEPS; step++) {
		unsigned i = next_random(&random) % NR_RUNS;

		if (runs[i].base != NULL) {
			size_t n = 1 + next_random(&random) % runs[i].n;

			/* Its upper part, or all. */
			runs[i].n -= n;
			give(pool, runs[i].base + runs[i].n, n);
			nr_free += n;
			if (runs[i].n == 0)
				runs[i].base = NULL;
		} else {
			runs[i].n = 1 + next_random(&random) % 24;
			runs[i].base = pool_alloc(pool, runs[i].n);
			if (runs[i].base != NULL)
				nr_free -= runs[i].n;
		}
		if (step % 512 == 0 && !pool_ok(pool, nr_free))
			return;
	}
	for (unsigned i = 0; i < NR_RUNS; i++)
		if (runs[i].base != NULL)
			give(pool, runs[i].base, runs[i].n);
	pool_ok(pool, NR_FRAMES);
}

void
check_page_policies(void)
{
	static struct page_pool pool; /* large for a stack */
	struct page *storage = alloc_pages(STORAGE_PAGES);

	if (!EXPECT(storage != NULL))
		return;
	for (unsigned i = 0; page_policies[i] != NULL; i++) {
		pool_init_private(&pool, page_policies[i],
				  page_to_virt(storage), NR_FRAMES);
		pages_describe(pool.map, NR_FRAMES, 0, PAGE_FREE);
		pool_add(&pool, pool.map, NR_FRAMES);
		pool_ok(&pool, NR_FRAMES);
		contract_singles(&pool);
		contract_parts(&pool);
		contract_random(&pool);
	}
	free_pages(storage, STORAGE_PAGES);
}
