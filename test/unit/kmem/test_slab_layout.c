/*
 * What a slab looks like, and the first caches. Under each layer between CPUs and
 * slabs.
 *
 *	layout		for every size: the rules, by arithmetic of their own
 *	first caches	what there is after boot
 *	slabs		their colours; what is constructed in them
 */
#include "kmem/slab/chain.h"
#include "kmem/slab/debug/validate.h"
#include "kmem/slab/general.h"
#include "kmem/slab/percpu/sheaf.h"
#include "slab_machine.h"

/* -- layout --------------------------------------------------------------------- */

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
	size_t size = ALIGN_UP(MAX(object_size, (size_t)16), align);
	size_t bytes, head;
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
		/* (4096 - 32) / (64 + 1) = 62; (4096 - 32) / (24 + 1) = 162 */
		{ 64, 64, 62, 0, false },
		{ 24, 8, 162, 0, false },
		/* The smallest there are: (4096 - 32) / (16 + 1) = 239 */
		{ 16, 8, 239, 0, false },
		{ 8, 8, 239, 0, false },
		{ 192, 64, 21, 0, false },
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

	assert_int_equal(sizeof(struct slab), 32);
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
	assert_int_equal(l.num, 31);
	assert_int_equal(l.nr_colours, 2);
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

/* -- the first caches ----------------------------------------------------------- */

static bool
is_of_sheaves(const struct slab_cache *cache)
{
	return slab_kernel_root.layer == &sheaf_layer &&
	       sheaf_is_sheaf_cache(cache);
}

static void
bootstrap_is_complete(void **state)
{
	static const size_t sizes[] = { 32,  64,  96,	128,  192,
					256, 512, 1024, 2048, 4096 };
	struct slab_cache *cache;
	unsigned nr = 0;

	assert_true(slab_validate(&slab_kernel_root));
	for (cache = NULL;
	     (cache = slab_chain_next(&slab_kernel_root, cache)) != NULL;) {
		if (is_of_sheaves(cache)) {
			assert_null(cache->cpu[0]);
			assert_false(cache->layout.off_slab);
			continue;
		}
		assert_non_null(cache->cpu[0]);
		assert_ptr_not_equal(cache->stats, slab_kernel_root.boot_stats);
		if (nr == 0)
			assert_ptr_equal(cache, &slab_kernel_root.cache_cache);
		else if (nr == 1)
			assert_ptr_equal(cache, &slab_kernel_root.node_cache);
		else
			assert_ptr_equal(env_page_of(cache)->owner.cache,
					 &slab_kernel_root.cache_cache);
		if (cache->layout.off_slab)
			assert_false(cache->slabp_cache->layout.off_slab);
		nr++;
	}
	assert_int_equal(nr, 2 + 20);
	/* Each size gets the smallest that holds it. */
	for (size_t size = 1, i = 0; size <= 4096; size++) {
		if (size > sizes[i])
			i++;
		assert_int_equal(
			slab_general(&kmem_kernel, size)->base.object_size,
			sizes[i]);
	}
	for (size_t size = 8192; size <= KMEM_CACHE_SIZE_MAX; size *= 2) {
		assert_int_equal(
			slab_general(&kmem_kernel, size)->base.object_size,
			size);
		assert_int_equal(slab_general(&kmem_kernel, size / 2 + 1)
					 ->base.object_size,
				 size);
	}
}

/* -- slabs ---------------------------------------------------------------------- */

static size_t nr_constructed;

static void
construct_and_count(void *object)
{
	construct(object);
	nr_constructed++;
}

/* Constructors run once for each object of a slab, not for each allocation. */
static void
constructed_once(void **state)
{
	struct slab_cache *cache =
		cache_new_with("once", 128, 0, 0, construct_and_count);
	void *object;

	nr_constructed = 0;
	for (unsigned i = 0; i < 1000; i++) {
		object = kmem_cache_alloc(&cache->base, GFP_KERNEL);
		kmem_cache_free(&cache->base, object);
	}
	assert_int_equal(nr_constructed, cache->layout.num);
	cache_end(cache);
}

static struct slab *
slab_of(const void *object)
{
	return env_page_of(object)->owner.slab;
}

/* Slabs begin one colour further each, and wrap. */
static void
colours_wrap(void **state)
{
	struct slab_cache *cache = cache_new("colours", 480);
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

/* An address leads to the object that it is inside of, to its last byte, also of sizes
 * that divide 2^32 badly. */
static void
inside_of_objects(void **state)
{
	static const size_t sizes[] = {
		16,    24,     1000,	3000,	 5000,
		70000, 135168, 1000000, 3145728, 4190000
	};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct slab_cache *cache = cache_new("inside", sizes[i]);
		unsigned char *object =
			kmem_cache_alloc(&cache->base, GFP_KERNEL);
		struct slab *slab = env_page_of(object)->owner.slab;

		for (unsigned k = 0; k < cache->layout.num; k++) {
			unsigned char *at =
				slab->s_mem + k * cache->layout.size;

			assert_int_equal(slab_index(cache, slab, at), k);
			assert_int_equal(
				slab_index(cache, slab, at + sizes[i] - 1), k);
		}
		kmem_cache_free(&cache->base, object);
		cache_end(cache);
	}
}

static int
run_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_of_every_size),
		cmocka_unit_test(layout_table),
		cmocka_unit_test(layout_edges),
		cmocka_unit_test(inside_of_objects),
		cmocka_unit_test(bootstrap_is_complete),
		cmocka_unit_test(powers_of_two_are_aligned),
		cmocka_unit_test(constructed_once),
		cmocka_unit_test(colours_wrap),
	};

	return cmocka_run_group_tests(tests, machine_start, NULL);
}

int
main(void)
{
	return run_under_each_layer(run_group);
}
