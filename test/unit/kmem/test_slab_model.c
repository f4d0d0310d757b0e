/*
 * Random operations on several caches against a model that is an array of live
 * objects; after every few, all is walked. Then the kernel's own checks, on a machine
 * that has been through this. Under each layer between CPUs and slabs.
 *
 * SEED and OPS in the environment repeat or lengthen it.
 */
#include "kmem/slab/debug/validate.h"
#include "kmem/slab/slabs.h"
#include "slab_machine.h"

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

/* The constructed part of kind 1, its first half, stays as it is. */
static size_t
keeps(unsigned kind)
{
	return kind == 1 ? CTOR_BYTES : 0;
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
		assert_int_equal(env_page_of(object)->node, node);
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
	switch (random_below(4)) {
	case 0:
		(void)kmem_cache_shrink(&kinds[kind].cache->base);
		return;
	case 1:
		kmem_reap();
		return;
	case 2:
		reap_now(kinds[kind].cache);
		return;
	default:
		tune_at_random(kinds[kind].cache, 200, 4);
	}
}

static void
walk(void)
{
	assert_true(slab_validate(&slab_kernel_root));
	for (unsigned kind = 0; kind < NR_MODEL_CACHES; kind++)
		assert_int_equal(slab_validate_nr_live(kinds[kind].cache),
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
		kinds[kind].cache =
			cache_new_with(name, sizes[kind], aligns[kind], 0,
				       kind == 1 ? construct : NULL);
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

static int
run_group(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations),
		cmocka_unit_test(kernel_checks_pass),
	};

	return cmocka_run_group_tests(tests, machine_start, NULL);
}

int
main(void)
{
	return run_under_each_layer(run_group);
}
