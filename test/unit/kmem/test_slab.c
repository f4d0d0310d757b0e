/*
 * The slab allocator, over the real page allocator on the host port's RAM.
 *
 *	layout		for every size: the rules, by arithmetic of their own
 *	differential	random operations on several caches against a model that is
 *			an array of live objects; after every few, all is walked
 *	nodes		objects come from where they should and go home
 *	limits		what is kept and what goes back: free_limit, reaping, shrinking
 *	failure		every allocation fails in turn; no memory at all
 *
 * SEED and OPS in the environment repeat or lengthen the random test. All is
 * done for each layer between CPUs and slabs, in a process of its own (CPU in the
 * environment: for that layer only); tests of the arrays themselves are skipped under
 * another one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <kernel/check.h>
#include <kernel/error.h>
#include <kernel/failpoint.h>
#include <kernel/sched.h>
#include <kernel/timer.h>
#include <port/unit.h>

#include "../../../core/kmem/slab_cpu_array.h"
#include "../../../core/kmem/slab_cpu_sheaf.h"
#include "../../check/check_kmem.h"
#include "../page/random.h"

#define RAM_BYTES ((size_t)64 << 20)

/* -- a machine ------------------------------------------------------------------ */

static size_t
nr_free_at_rest(void)
{
	(void)kmem_shrink();
	return nr_free_pages();
}

static const char *layer; /* cpu= */

static void
machine_start(unsigned nr_nodes)
{
	host_unit_init(RAM_BYTES);
	page_init(host_unit_boot_info(nr_nodes));
	assert_int_equal(kmalloc_option.set("slab"), 0);
	assert_int_equal(slab_cpu_option.set(layer), 0);
}

static void
only_with_arrays(void)
{
	if (slab_cpu != &slab_cpu_array)
		skip();
}

static int
setup(void **state)
{
	machine_start(2);
	kmem_init();
	return 0;
}

static struct slab_cache *
cache_new(const char *name, size_t size, size_t align, unsigned flags,
	  void (*ctor)(void *))
{
	struct kmem_cache *cache =
		kmem_cache_create(name, size, align, flags, ctor);

	assert_non_null(cache);
	return slab_cache_of(cache);
}

static void
cache_end(struct slab_cache *cache)
{
	assert_int_equal(kmem_cache_destroy(&cache->base), 0);
}

/* Objects of all caches that somebody has: a leak smaller than a page shows. At rest,
 * because sheaves are objects, too. */
static size_t
nr_live_of_all(void)
{
	struct slab_cache *cache;
	size_t nr = 0;

	(void)kmem_shrink();
	for (cache = NULL; (cache = slab_chain_next(cache)) != NULL;)
		nr += slab_nr_live(cache);
	return nr;
}

static struct slab *
slab_of(const void *object)
{
	return slab_page_of(object)->owner.slab;
}

/* -- layout ------------------------------------------------------------------------ */

/* Objects in a slab of so many bytes, counted one by one. */
static unsigned
count_objects(size_t size, size_t align, size_t bytes, bool off_slab)
{
	unsigned num = 0;

	for (;;) {
		size_t head =
			sizeof(struct slab) + (num + 1) * sizeof(kmem_bufctl_t);

		head = off_slab ? 0 : ALIGN_UP(head, align);
		if (head + (num + 1) * size > bytes)
			return num;
		num++;
	}
}

static size_t
waste(size_t size, size_t align, unsigned order, bool off_slab)
{
	size_t bytes = PAGE_SIZE << order, head;
	unsigned num = count_objects(size, align, bytes, off_slab);

	head = sizeof(struct slab) + num * sizeof(kmem_bufctl_t);
	return bytes - num * size - (off_slab ? 0 : ALIGN_UP(head, align));
}

/* What is left over when a slab gives up an object; 0: it would be too much. */
static size_t
left_without_one(size_t size, size_t align, unsigned order, bool off_slab)
{
	size_t bytes = PAGE_SIZE << order;
	unsigned num = count_objects(size, align, bytes, off_slab);
	size_t head = sizeof(struct slab) + (num - 1) * sizeof(kmem_bufctl_t);

	if (num == 1 ||
	    (waste(size, align, order, off_slab) + size) * 8 > bytes)
		return 0;
	return bytes - (num - 1) * size -
	       (off_slab ? 0 : ALIGN_UP(head, align));
}

/* Objects of a slab: a power of two that has one colour gives one of them up for
 * more, if it may. */
static unsigned
count_with_colours(size_t size, size_t align, unsigned order, bool off_slab)
{
	size_t step = MAX(align, (size_t)CACHE_LINE);
	unsigned num = count_objects(size, align, PAGE_SIZE << order, off_slab);

	if (waste(size, align, order, off_slab) >= step ||
	    !IS_POWER_OF_2(size) || size <= step ||
	    left_without_one(size, align, order, off_slab) == 0)
		return num;
	return num - 1;
}

static void
layout_follows(size_t object_size, size_t align, unsigned order_high)
{
	size_t size = ALIGN_UP(object_size, align), bytes, head;
	bool off = size >= PAGE_SIZE / 8;
	struct slab_layout l;
	unsigned order = 0, num;
	size_t left;

	assert_true(slab_layout_choose(&l, object_size, align, 0, order_high,
				       true));
	/* The smallest order that holds any, and wastes an eighth or is the
	 * highest. */
	while (count_objects(size, align, PAGE_SIZE << order, off) == 0 ||
	       (order < order_high &&
		waste(size, align, order, off) * 8 > PAGE_SIZE << order))
		order++;
	num = count_with_colours(size, align, order, off);
	bytes = PAGE_SIZE << order;
	assert_int_equal(l.order, order);
	assert_int_equal(l.size, size);
	assert_int_equal(l.num, num);
	head = sizeof(struct slab) + l.num * sizeof(kmem_bufctl_t);
	left = bytes - num * size;
	if (off && left >= ALIGN_UP(head, align))
		off = false;
	assert_int_equal(l.off_slab, off);
	assert_int_equal(l.slab_size, off ? head : ALIGN_UP(head, align));
	assert_int_equal(l.left_over,
			 bytes - l.num * size - (off ? 0 : l.slab_size));
	/* Every colour fits and keeps the alignment; one more would not fit. */
	assert_int_equal(l.colour_off % align, 0);
	assert_int_equal(l.colour_off % CACHE_LINE, 0);
	assert_true((l.nr_colours - 1) * l.colour_off <= l.left_over);
	assert_true(l.nr_colours * l.colour_off > l.left_over);
}

static void
layout_of_every_size(void **state)
{
	for (unsigned high = 0; high <= 1; high++) {
		for (size_t size = sizeof(void *); size <= 2 * PAGE_SIZE;
		     size++)
			for (size_t align = sizeof(void *); align <= PAGE_SIZE;
			     align *= 4)
				layout_follows(size, align, high);
		for (size_t size = 2 * PAGE_SIZE; size <= KMEM_CACHE_SIZE_MAX;
		     size += size / 7)
			layout_follows(size, 8, high);
		layout_follows(KMEM_CACHE_SIZE_MAX, PAGE_SIZE, high);
	}
}

/* Some rows by hand. */
static void
layout_table(void **state)
{
	static const struct {
		size_t size, align;
		unsigned num, order;
		bool off;
	} rows[] = {
		/* (4096 - 40) / (64 + 2) = 61 */
		{ 64, 64, 61, 0, false },
		{ 192, 64, 20, 0, false },
		/* 504 go on the slab, 512 do not. */
		{ 504, 8, 8, 0, false },
		{ 512, 512, 8, 0, true },
		{ 2048, 2048, 2, 0, true },
		{ 4096, 4096, 1, 0, true },
		/* One of a page's two wastes 596: more than 1/8; 2 pages: 692. */
		{ 1750, 2, 4, 1, false },
		/* Left over 96: the descriptor moves in. */
		{ 1000, 8, 4, 0, false },
		{ 8192, 4096, 1, 1, true },
		{ 8200, 8, 1, 2, false },
		{ (size_t)4 << 20, 4096, 1, 10, true },
	};

	assert_int_equal(sizeof(struct slab), 40);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct slab_layout l;

		assert_true(slab_layout_choose(&l, rows[i].size, rows[i].align,
					       0, 1, true));
		assert_int_equal(l.num, rows[i].num);
		assert_int_equal(l.order, rows[i].order);
		assert_int_equal(l.off_slab, rows[i].off);
	}
}

static void
layout_edges(void **state)
{
	struct slab_layout l;

	assert_false(
		slab_layout_choose(&l, KMEM_CACHE_SIZE_MAX + 8, 8, 0, 1, true));
	/* Kept on the slab: one more order for the descriptor. */
	assert_true(slab_layout_choose(&l, 4096, 8, 0, 1, false));
	assert_int_equal(l.order, 1);
	assert_false(l.off_slab);
	/* Reclaimable: the first order that holds one. */
	assert_true(
		slab_layout_choose(&l, 1750, 2, SLAB_RECLAIM_ACCOUNT, 1, true));
	assert_int_equal(l.order, 0);
	/* A power of two: one object for seven colours; none for those aligned to
	 * their size, and none if nobody wants colours. */
	assert_true(slab_layout_choose(&l, 512, 8, 0, 1, true));
	assert_int_equal(l.num, 7);
	assert_int_equal(l.order, 0);
	assert_int_equal(l.nr_colours, 8);
	assert_false(l.off_slab);
	assert_true(slab_layout_choose(&l, 128, 8, 0, 1, true));
	assert_int_equal(l.num, 30);
	assert_int_equal(l.nr_colours, 3);
	assert_true(slab_layout_choose(&l, 1024, 8, 0, 1, true));
	assert_int_equal(l.num, 4);
	assert_int_equal(l.nr_colours, 1);
	assert_true(slab_layout_choose(&l, 2048, 8, 0, 1, true));
	assert_int_equal(l.nr_colours, 1);
	assert_true(slab_layout_choose(&l, 512, 8, SLAB_NO_COLOURS, 1, true));
	assert_int_equal(l.num, 8);
	assert_int_equal(l.nr_colours, 1);
	assert_true(slab_layout_choose(&l, 192, 8, SLAB_NO_COLOURS, 1, true));
	assert_int_equal(l.nr_colours, 1);
	/* A line's halves for small objects. */
	assert_true(slab_layout_choose(&l, 20, 8, SLAB_HWCACHE_ALIGN, 1, true));
	assert_int_equal(l.align, 32);
	assert_true(
		slab_layout_choose(&l, 200, 8, SLAB_HWCACHE_ALIGN, 1, true));
	assert_int_equal(l.align, 64);
}

/* -- the first caches ----------------------------------------------------------------- */

static bool
is_of_sheaves(const struct slab_cache *cache)
{
	return slab_cpu == &slab_cpu_sheaf && sheaf_is_sheaf_cache(cache);
}

static void
bootstrap_is_complete(void **state)
{
	static const size_t sizes[] = { 32,  64,  96,	128,  192,
					256, 512, 1024, 2048, 4096 };
	struct slab_cache *cache;
	unsigned nr = 0;

	assert_true(slab_validate());
	for (cache = NULL; (cache = slab_chain_next(cache)) != NULL;) {
		if (is_of_sheaves(cache)) {
			assert_null(cache->cpu[0]);
			assert_false(cache->layout.off_slab);
			continue;
		}
		assert_non_null(cache->cpu[0]);
		assert_ptr_not_equal(cache->stats, slab_boot_stats);
		if (nr == 0)
			assert_ptr_equal(cache, &slab_cache_cache);
		else if (nr == 1)
			assert_ptr_equal(cache, &slab_node_cache);
		else
			assert_ptr_equal(slab_page_of(cache)->owner.cache,
					 &slab_cache_cache);
		if (cache->layout.off_slab)
			assert_false(cache->slabp_cache->layout.off_slab);
		nr++;
	}
	assert_int_equal(nr, 2 + 20);
	/* Each size gets the smallest that holds it. */
	for (size_t size = 1, i = 0; size <= 4096; size++) {
		if (size > sizes[i])
			i++;
		assert_int_equal(slab_general(size)->base.object_size,
				 sizes[i]);
	}
	for (size_t size = 8192; size <= KMEM_CACHE_SIZE_MAX; size *= 2) {
		assert_int_equal(slab_general(size)->base.object_size, size);
		assert_int_equal(slab_general(size / 2 + 1)->base.object_size,
				 size);
	}
}

static void
powers_of_two_are_aligned(void **state)
{
	for (size_t size = 32; size <= 8192; size *= 2) {
		void *first = kmalloc(size, GFP_KERNEL);
		void *second = kmalloc(size, GFP_KERNEL);

		assert_int_equal((uintptr_t)first % MIN(size, PAGE_SIZE), 0);
		assert_int_equal((uintptr_t)second % MIN(size, PAGE_SIZE), 0);
		kfree(first);
		kfree(second);
	}
}

/* -- against a model -------------------------------------------------------------------- */

#define NR_MODEL_CACHES 6
#define MODEL_LIVE 3000
#define WALK_EVERY 500

static struct {
	struct slab_cache *cache;
	size_t size, nr_live;
} kinds[NR_MODEL_CACHES];

static struct live {
	unsigned char *at;
	unsigned kind;
	unsigned char pattern;
} lives[MODEL_LIVE];
static unsigned nr_lives;

#define CTOR_BYTE 0xc7
static size_t nr_constructed;

/* The constructed part of kind 1: its first half stays as it is. */
static void
construct(void *object)
{
	memset(object, CTOR_BYTE, 100);
	nr_constructed++;
}

static size_t
keeps(unsigned kind)
{
	return kind == 1 ? 100 : 0;
}

static void
live_check(const struct live *live)
{
	size_t kept = keeps(live->kind), size = kinds[live->kind].size;

	for (size_t i = 0; i < kept; i++)
		assert_int_equal(live->at[i], CTOR_BYTE);
	for (size_t i = kept; i < size; i++)
		assert_int_equal(live->at[i], live->pattern);
}

static void
live_add(void *object, unsigned kind)
{
	struct live *live = &lives[nr_lives++];
	struct slab_cache *cache = kinds[kind].cache;

	assert_non_null(object);
	assert_int_equal((uintptr_t)object % cache->base.align, 0);
	assert_true(slab_is_object(cache, object));
	for (size_t i = 0; i < keeps(kind); i++)
		assert_int_equal(((unsigned char *)object)[i], CTOR_BYTE);
	*live = (struct live){ object, kind, (unsigned char)random_below(256) };
	memset(live->at + keeps(kind), live->pattern,
	       kinds[kind].size - keeps(kind));
	kinds[kind].nr_live++;
}

/* Takes it out of the model; returns the object. */
static void *
live_del(unsigned i)
{
	struct live live = lives[i];

	live_check(&live);
	lives[i] = lives[--nr_lives];
	kinds[live.kind].nr_live--;
	return live.at;
}

static void
step_alloc(unsigned kind)
{
	struct kmem_cache *cache = &kinds[kind].cache->base;
	gfp_t gfp = random_below(2) ? GFP_KERNEL : GFP_ATOMIC;
	unsigned node = (unsigned)random_below(nr_page_nodes);
	void *object;

	if (nr_lives == MODEL_LIVE)
		return;
	if (random_below(4) == 0) {
		object = kmem_cache_alloc_node(cache, gfp, node);
		assert_non_null(object);
		assert_int_equal(slab_page_of(object)->node, node);
	} else {
		object = kmem_cache_alloc(cache, gfp);
	}
	live_add(object, kind);
}

static void
step_free(void)
{
	struct kmem_cache *cache;
	unsigned i;

	if (nr_lives == 0)
		return;
	i = (unsigned)random_below(nr_lives);
	cache = &kinds[lives[i].kind].cache->base;
	if (random_below(2))
		kmem_cache_free(cache, live_del(i));
	else
		kfree(live_del(i));
}

#define BULK_MAX 200

static void
step_bulk_alloc(unsigned kind)
{
	size_t nr = 1 + random_below(BULK_MAX);
	void *objects[BULK_MAX];

	if (nr > MODEL_LIVE - nr_lives)
		return;
	assert_true(kmem_cache_alloc_bulk(&kinds[kind].cache->base, GFP_KERNEL,
					  nr, objects));
	for (size_t i = 0; i < nr; i++)
		live_add(objects[i], kind);
}

static void
step_bulk_free(unsigned kind)
{
	size_t want = 1 + random_below(BULK_MAX), nr = 0;
	void *objects[BULK_MAX];

	for (unsigned i = nr_lives; i-- > 0 && nr < want;)
		if (lives[i].kind == kind)
			objects[nr++] = live_del(i);
	kmem_cache_free_bulk(&kinds[kind].cache->base, nr, objects);
}

static void
step_seldom(unsigned kind)
{
	struct slab_tunables tunables;

	switch (random_below(4)) {
	case 0:
		(void)kmem_cache_shrink(&kinds[kind].cache->base);
		return;
	case 1:
		kmem_reap();
		return;
	case 2:
		kinds[kind].cache->node[0]->next_reap = ticks_now();
		kmem_reap();
		return;
	default:
		tunables.limit = 1 + (unsigned)random_below(200);
		tunables.batchcount =
			1 + (unsigned)random_below(tunables.limit);
		tunables.shared = (unsigned)random_below(4);
		assert_int_equal(slab_tune(kinds[kind].cache, &tunables), 0);
	}
}

static void
walk(void)
{
	assert_true(slab_validate());
	for (unsigned kind = 0; kind < NR_MODEL_CACHES; kind++)
		assert_int_equal(slab_nr_live(kinds[kind].cache),
				 kinds[kind].nr_live);
}

static void
random_operations(void **state)
{
	static const size_t sizes[] = { 8, 200, 64, 700, 3000, 9000 };
	static const size_t aligns[] = { 0, 0, 64, 128, 0, 32 };
	unsigned long ops = test_parameter("OPS", 100000);
	size_t before = nr_free_at_rest();
	bool growing = true;
	char name[16];

	random_start("random_operations");
	for (unsigned kind = 0; kind < NR_MODEL_CACHES; kind++) {
		snprintf(name, sizeof(name), "model-%u", kind);
		kinds[kind].size = sizes[kind];
		kinds[kind].cache = cache_new(name, sizes[kind], aligns[kind],
					      0, kind == 1 ? construct : NULL);
	}
	for (unsigned long op = 0; op < ops; op++) {
		unsigned kind = (unsigned)random_below(NR_MODEL_CACHES);
		size_t dice = random_below(1000);

		/* Waves, so that lists fill and empty. */
		if (op % 4096 == 0)
			growing = random_below(2);
		if (dice < (growing ? 550 : 400))
			step_alloc(kind);
		else if (dice < 980)
			step_free();
		else if (dice < 986)
			step_bulk_alloc(kind);
		else if (dice < 992)
			step_bulk_free(kind);
		else
			step_seldom(kind);
		if (op % WALK_EVERY == 0)
			walk();
	}
	while (nr_lives > 0)
		step_free();
	walk();
	for (unsigned kind = 0; kind < NR_MODEL_CACHES; kind++)
		cache_end(kinds[kind].cache);
	assert_int_equal(nr_free_at_rest(), before);
}

/* -- one thing at a time ----------------------------------------------------------------- */

/* Constructors run once for each object of a slab, not for each allocation. */
static void
constructed_once(void **state)
{
	struct slab_cache *cache = cache_new("once", 128, 0, 0, construct);
	void *object;

	nr_constructed = 0;
	for (unsigned i = 0; i < 1000; i++) {
		object = kmem_cache_alloc(&cache->base, GFP_KERNEL);
		kmem_cache_free(&cache->base, object);
	}
	assert_int_equal(nr_constructed, cache->layout.num);
	cache_end(cache);
}

/* Slabs begin one colour further each, and wrap. */
static void
colours_wrap(void **state)
{
	struct slab_cache *cache = cache_new("colours", 480, 0, 0, NULL);
	unsigned num = cache->layout.num, nr = cache->layout.nr_colours;
	void *objects[100] = { NULL };
	unsigned slabs = 2 * nr + 1;

	assert_true(nr > 2 && slabs * num <= 100);
	for (unsigned s = 0; s < slabs; s++) {
		/* Past the arrays, so that slab follows slab. */
		for (unsigned i = 0; i < num; i++)
			objects[s * num + i] = kmem_cache_alloc_node(
				&cache->base, GFP_KERNEL, 1);
		assert_int_equal(slab_of(objects[s * num])->colouroff,
				 s % nr * cache->layout.colour_off);
	}
	assert_true(slab_validate_cache(cache));
	kmem_cache_free_bulk(&cache->base, slabs * num, objects);
	cache_end(cache);
}

/* The node keeps as many free objects as it may, and one slab's more. */
static void
free_limit_holds(void **state)
{
	struct slab_cache *cache = cache_new("limit", 500, 0, 0, NULL);
	struct kmem_cache_node *node = cache->node[0];
	static void *objects[2000];
	size_t before = nr_free_pages();

	only_with_arrays();
	assert_int_equal(node->free_limit,
			 2 * cache->tunables.batchcount + cache->layout.num);
	assert_true(
		kmem_cache_alloc_bulk(&cache->base, GFP_KERNEL, 2000, objects));
	assert_true(before - nr_free_pages() >= 2000 / cache->layout.num);
	kmem_cache_free_bulk(&cache->base, 2000, objects);
	assert_true(node->free_objects <= node->free_limit + cache->layout.num);
	assert_true(node->reaped > 0);
	assert_true(slab_validate_cache(cache));
	cache_end(cache);
}

/* An idle cache gives back all it holds, in time; one in use does not. */
static void
reaping_reaches_the_floor(void **state)
{
	struct slab_cache *cache = cache_new("idle", 100, 0, 0, NULL);
	struct kmem_cache_node *node = cache->node[0];
	static void *objects[1000];
	unsigned rounds;

	only_with_arrays();
	assert_true(
		kmem_cache_alloc_bulk(&cache->base, GFP_KERNEL, 1000, objects));
	kmem_cache_free_bulk(&cache->base, 1000, objects);
	assert_true(node->nr_slabs > 0 && slab_cpu_avail(cache->cpu[0]) > 60);
	/* A minute. */
	for (rounds = 0; rounds < 30; rounds++) {
		/* Every other time it is the node's turn: time stands here. */
		if (rounds % 2 == 0)
			node->next_reap = ticks_now();
		kmem_reap();
	}
	assert_int_equal(slab_cpu_avail(cache->cpu[0]), 0);
	assert_int_equal(node->nr_slabs, 0);

	objects[0] = kmem_cache_alloc(&cache->base, GFP_KERNEL);
	for (rounds = 0; rounds < 30; rounds++) {
		unsigned avail = slab_cpu_avail(cache->cpu[0]);

		objects[1] = kmem_cache_alloc(&cache->base, GFP_KERNEL);
		kmem_cache_free(&cache->base, objects[1]);
		kmem_reap();
		assert_int_equal(slab_cpu_avail(cache->cpu[0]), avail);
	}
	kmem_cache_free(&cache->base, objects[0]);
	cache_end(cache);
}

/* Objects of another node gather, and go home in batches: never into this CPU's
 * array. */
static void
aliens_go_home(void **state)
{
	struct slab_cache *cache = cache_new("alien", 64, 0, 0, NULL);
	struct alien_cache *alien = cache->node[0]->alien[1];
	void *objects[3 * ALIEN_LIMIT];

	only_with_arrays();
	assert_non_null(alien);
	for (unsigned i = 0; i < ARRAY_SIZE(objects); i++) {
		objects[i] = kmem_cache_alloc_node(&cache->base, GFP_KERNEL, 1);
		assert_int_equal(slab_page_of(objects[i])->node, 1);
	}
	assert_int_equal(cache->node[0]->nr_slabs, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(objects); i++) {
		kmem_cache_free(&cache->base, objects[i]);
		assert_int_equal(slab_cpu_avail(cache->cpu[0]), 0);
		assert_int_equal(alien->avail, i % ALIEN_LIMIT + 1);
		assert_int_equal(slab_nr_live(cache),
				 ARRAY_SIZE(objects) - 1 - i);
	}
	assert_int_equal(cache->stats[0].node_frees, ARRAY_SIZE(objects));
	assert_int_equal(cache->stats[0].alien_overflow, 2);
	kmem_reap();
	assert_int_equal(alien->avail, 0);
	assert_true(slab_validate_cache(cache));
	cache_end(cache);
}

/* Without memory of its own a node is served by the other one - unless the
 * caller wants this node's or none. */
static void
nodes_help_out(void **state)
{
	size_t before = nr_free_at_rest();
	struct slab_cache *cache = cache_new("help", 2048, 0, 0, NULL);
	struct page *page, *chain = NULL;
	void *object;

	/* The other node has an object ready. */
	object = kmem_cache_alloc_node(&cache->base, GFP_KERNEL, 1);
	kmem_cache_free(&cache->base, object);
	kmem_reap();
	assert_true(cache->node[1]->free_objects > 0);
	while ((page = alloc_pages_node(
			0, GFP_ATOMIC | __GFP_THISNODE | __GFP_NOWARN, 1)) !=
	       NULL) {
		page->owner.slab = chain;
		chain = page;
	}
	assert_null(kmem_cache_alloc_node(
		&cache->base, GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN, 0));
	object = kmem_cache_alloc(&cache->base, GFP_KERNEL);
	assert_non_null(object);
	assert_int_equal(slab_page_of(object)->node, 1);
	kmem_cache_free(&cache->base, object);
	/* The object went home, and is found there. */
	object = kmem_cache_alloc(&cache->base, GFP_KERNEL);
	assert_int_equal(slab_page_of(object)->node, 1);
	kmem_cache_free(&cache->base, object);
	assert_true(slab_validate_cache(cache));
	while (chain != NULL) {
		page = chain;
		chain = page->owner.slab;
		free_page(page);
	}
	cache_end(cache);
	assert_int_equal(nr_free_at_rest(), before);
}

static void
bad_pointers_are_told(void **state)
{
	struct slab_cache *cache = cache_new("told", 100, 0, 0, NULL);
	struct slab_cache *other = cache_new("other", 100, 0, 0, NULL);
	char *object = kmem_cache_alloc(&cache->base, GFP_KERNEL);
	char *large = kmalloc(KMEM_CACHE_SIZE_MAX + 1, GFP_KERNEL);
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned long reports = kmem_nr_reports();

	/* In every build. */
	assert_int_equal(ksize(large), KMEM_CACHE_SIZE_MAX + PAGE_SIZE);
	kfree(large + 1);
	kfree(large + PAGE_SIZE);
	kfree(page_to_virt(page));
	assert_int_equal(kmem_nr_reports() - reports, 3);
	kfree(large);
	kfree(large);
	assert_int_equal(kmem_nr_reports() - reports, 4);
	/* A second free, once both have come to the slab. */
	kmem_cache_free(&cache->base, object);
	kmem_cache_free(&cache->base, object);
	(void)kmem_cache_shrink(&cache->base);
	assert_int_equal(kmem_nr_reports() - reports, 5);
	assert_int_equal(cache->node[0]->nr_errors, 1);
	if (KERNEL_DEBUG) {
		object = kmem_cache_alloc(&cache->base, GFP_KERNEL);
		kmem_cache_free(&cache->base, object + 1);
		kmem_cache_free(&other->base, object);
		kfree(object - 2);
		assert_int_equal(kmem_nr_reports() - reports, 8);
		kmem_cache_free(&cache->base, object);
	}
	free_page(page);
	cache_end(other);
	cache_end(cache);
}

/* -- slabinfo ------------------------------------------------------------------------------ */

struct lines {
	unsigned nr;
	char first[64], wanted[400];
	const char *name;
};

static void
line_take(const char *line, void *arg)
{
	struct lines *lines = arg;
	size_t length = strlen(lines->name);

	if (lines->nr++ == 0)
		snprintf(lines->first, sizeof(lines->first), "%s", line);
	if (strncmp(line, lines->name, length) == 0 && line[length] == ' ')
		snprintf(lines->wanted, sizeof(lines->wanted), "%s", line);
}

/* As the field's readers scan it. */
static void
slabinfo_text(void **state)
{
	struct slab_cache *cache = cache_new("text", 1000, 0, 0, NULL);
	struct lines lines = { .name = "text" };
	unsigned active, num, size, per_slab, pages, limit, batch, shared;
	unsigned active_slabs, num_slabs, avail;
	void *objects[10];
	char name[32];

	assert_true(
		kmem_cache_alloc_bulk(&cache->base, GFP_KERNEL, 10, objects));
	assert_int_equal(kmem_slabinfo_read(line_take, &lines, false), 0);
	assert_string_equal(lines.first, "slabinfo - version: 2.1");
	assert_int_equal(sscanf(lines.wanted,
				"%31s %u %u %u %u %u : tunables %u %u %u : "
				"slabdata %u %u %u",
				name, &active, &num, &size, &per_slab, &pages,
				&limit, &batch, &shared, &active_slabs,
				&num_slabs, &avail),
			 12);
	assert_int_equal(active, 10 + slab_cpu_avail(cache->cpu[0]));
	assert_int_equal(num, num_slabs * per_slab);
	assert_int_equal(size, 1000);
	assert_int_equal(per_slab, 4);
	assert_int_equal(pages, 1);
	assert_int_equal(limit, cache->tunables.limit);
	assert_int_equal(batch, cache->tunables.batchcount);
	assert_int_equal(shared, cache->tunables.shared);
	if (slab_cpu == &slab_cpu_array) {
		assert_int_equal(limit, 54);
		assert_int_equal(batch, 27);
		assert_int_equal(shared, 0);
	}
	assert_true(active_slabs <= num_slabs && num_slabs >= 3);

	lines = (struct lines){ .name = "text" };
	assert_int_equal(kmem_slabinfo_read(line_take, &lines, true), 0);
	assert_string_equal(lines.first,
			    "slabinfo - version: 2.1 (statistics)");
	assert_non_null(strstr(lines.wanted, " : globalstat "));
	assert_non_null(strstr(lines.wanted, " : cpustat "));
	kmem_cache_free_bulk(&cache->base, 10, objects);
	cache_end(cache);
}

static void
slabinfo_tunes(void **state)
{
	static const char *const bad[] = {
		"",
		"text",
		"text 1",
		"text 1 1",
		"text 0 0 0",
		"text 10 11 0",
		"text 10 0 0",
		"text 10 -1 0",
		"text 99999 1 0",
		"text 10 1 999999",
		"text 1 1 1 1",
		"text a 1 1",
	};
	struct slab_cache *cache = cache_new("text", 64, 0, 0, NULL);
	size_t before = nr_free_at_rest();
	void *objects[100];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(kmem_slabinfo_write(bad[i]), -E_INVAL);
	assert_int_equal(kmem_slabinfo_write("nobody 10 1 1"), -E_NOT_FOUND);
	assert_int_equal(kmem_slabinfo_write("text 200 50 3"), 0);
	assert_int_equal(cache->tunables.limit, 200);
	if (slab_cpu == &slab_cpu_array) {
		assert_int_equal(slab_cpu_limit(cache->cpu[0]), 200);
		assert_int_equal(array_of(cache->cpu[0])->batchcount, 50);
		assert_int_equal(cache->node[0]->shared->limit, 150);
	}
	assert_true(
		kmem_cache_alloc_bulk(&cache->base, GFP_KERNEL, 100, objects));
	for (unsigned i = 0; i < 100; i++)
		kmem_cache_free(&cache->base, objects[i]);
	assert_true(slab_cpu_avail(cache->cpu[0]) >= 100);
	assert_int_equal(kmem_slabinfo_write("text 2 1 0"), 0);
	assert_int_equal(slab_cpu_avail(cache->cpu[0]), 0);
	if (slab_cpu == &slab_cpu_array)
		assert_null(cache->node[0]->shared);
	assert_int_equal(slab_nr_live(cache), 0);
	assert_true(slab_validate_cache(cache));
	assert_int_equal(kmem_slabinfo_write("text 120 60 0"), 0);
	assert_int_equal(nr_free_at_rest(), before);
	cache_end(cache);
}

/* -- failure ---------------------------------------------------------------------------------- */

/* Each allocation that an operation takes fails in turn: creating a cache; it is made
 * at last. */
static struct slab_cache *
creation_fails(size_t before, size_t live)
{
	struct kmem_cache *made;
	unsigned nr_failed = 0;

	for (unsigned n = 1;; n++) {
		failpoint_arm(n);
		made = kmem_cache_create("fails", 2000, 0, 0, NULL);
		if (!failpoint_disarm())
			break;
		/* On two nodes the other one helps out. */
		if (made != NULL)
			cache_end(slab_cache_of(made));
		else
			nr_failed++;
		assert_int_equal(nr_free_at_rest(), before);
		assert_int_equal(nr_live_of_all(), live);
		assert_true(slab_validate());
	}
	/* Descriptor, 2 nodes, counters; array, 2 aliens; or CPU's part, 2
	 * depots: at least. */
	assert_true(nr_failed >= 7);
	return slab_cache_of(made);
}

/* Taking an object. */
static void
allocation_fails(struct slab_cache *cache)
{
	void *object;
	unsigned n;

	for (n = 1;; n++) {
		(void)kmem_cache_shrink(&cache->base);
		failpoint_arm(n);
		object = kmem_cache_alloc(&cache->base,
					  GFP_KERNEL | __GFP_NOWARN);
		if (!failpoint_disarm())
			break;
		kmem_cache_free(&cache->base, object);
		assert_int_equal(slab_nr_live(cache), 0);
		assert_true(slab_validate_cache(cache));
	}
	assert_true(n >= 3);
	kmem_cache_free(&cache->base, object);
}

/* Tuning. */
static void
tuning_fails(struct slab_cache *cache)
{
	struct slab_tunables usual = slab_tunables_get(cache);
	size_t live = nr_live_of_all();
	char back[64];

	snprintf(back, sizeof(back), "fails %u %u %u", usual.limit,
		 usual.batchcount, usual.shared);
	for (unsigned n = 1;; n++) {
		int err;

		failpoint_arm(n);
		err = kmem_slabinfo_write("fails 30 15 2");
		if (!failpoint_disarm()) {
			assert_int_equal(err, 0);
			break;
		}
		assert_true(err == -E_NO_MEM || err == 0);
		assert_int_equal(cache->tunables.limit,
				 err == 0 ? 30 : usual.limit);
		assert_int_equal(kmem_slabinfo_write(back), 0);
		assert_int_equal(nr_live_of_all(), live);
		assert_true(slab_validate_cache(cache));
	}
}

static void
every_failure_is_clean(void **state)
{
	size_t before = nr_free_at_rest(), live = nr_live_of_all();
	struct slab_cache *cache;

	if (!KERNEL_DEBUG)
		skip();
	cache = creation_fails(before, live);
	allocation_fails(cache);
	tuning_fails(cache);
	cache_end(cache);
	assert_int_equal(nr_live_of_all(), live);
	assert_int_equal(nr_free_at_rest(), before);
}

/* All memory in small objects, then none. */
static void
no_memory_at_all(void **state)
{
	size_t before = nr_free_at_rest();
	struct slab_cache *cache = cache_new("all", 300, 0, 0, construct);
	void *bulk[100], **chain = NULL, **object;
	size_t nr = 0;

	while ((object = kmem_cache_alloc(&cache->base,
					  GFP_KERNEL | __GFP_NOWARN)) != NULL) {
		object[20] = chain;
		chain = object;
		nr++;
	}
	assert_true(nr > RAM_BYTES / 400);
	assert_int_equal(slab_nr_live(cache), nr);
	/* All or nothing. */
	object = chain;
	if (object != NULL) {
		chain = object[20];
		kmem_cache_free(&cache->base, object);
	}
	assert_false(kmem_cache_alloc_bulk(
		&cache->base, GFP_KERNEL | __GFP_NOWARN, 100, bulk));
	assert_int_equal(slab_nr_live(cache), nr - 1);
	while (chain != NULL) {
		object = chain;
		chain = chain[20];
		kmem_cache_free(&cache->base, object);
	}
	assert_true(slab_validate_cache(cache));
	cache_end(cache);
	assert_int_equal(nr_free_at_rest(), before);
}

static void
busy_cache_stays(void **state)
{
	struct slab_cache *cache = cache_new("busy", 96, 0, 0, NULL);
	void *object = kmem_cache_alloc(&cache->base, GFP_KERNEL);
	size_t nr_live;

	assert_int_equal(slab_destroy(cache, &nr_live), -E_BUSY);
	assert_int_equal(nr_live, 1);
	assert_null(kmem_cache_create("kmalloc-96", 96, 0, 0, NULL));
	assert_true(slab_validate());
	kmem_cache_free(&cache->base, object);
	cache_end(cache);
}

static void
kernel_checks_pass(void **state)
{
	unsigned long failures = check_failures();

	check_slab();
	check_kmalloc();
	check_kmem_cache();
	check_kmem_exhaustion();
	assert_int_equal(check_failures(), failures);
	assert_true(slab_validate());
}

static int
run_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_of_every_size),
		cmocka_unit_test(layout_table),
		cmocka_unit_test(layout_edges),
		cmocka_unit_test(bootstrap_is_complete),
		cmocka_unit_test(powers_of_two_are_aligned),
		cmocka_unit_test(constructed_once),
		cmocka_unit_test(colours_wrap),
		cmocka_unit_test(free_limit_holds),
		cmocka_unit_test(reaping_reaches_the_floor),
		cmocka_unit_test(aliens_go_home),
		cmocka_unit_test(nodes_help_out),
		cmocka_unit_test(bad_pointers_are_told),
		cmocka_unit_test(slabinfo_text),
		cmocka_unit_test(slabinfo_tunes),
		cmocka_unit_test(every_failure_is_clean),
		cmocka_unit_test(no_memory_at_all),
		cmocka_unit_test(busy_cache_stays),
		cmocka_unit_test(random_operations),
		cmocka_unit_test(kernel_checks_pass),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

/* In a process of its own: a kernel starts only once. */
static int
run_tests_of(const char *name)
{
	pid_t pid;
	int status;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		layer = name;
		printf("# cpu=%s\n", name);
		(void)fflush(stdout);
		exit(run_group());
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return EXIT_FAILURE;
	return WEXITSTATUS(status);
}

int
main(void)
{
	const char *only = getenv("CPU"), *name;
	int failed = 0;

	for (unsigned i = 0; (name = slab_cpu_option.choice(i)) != NULL; i++)
		if (only == NULL || strcmp(only, name) == 0)
			failed |= run_tests_of(name);
	return failed;
}
