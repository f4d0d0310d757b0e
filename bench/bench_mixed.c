/*
 * Longer lives: objects of random sizes that replace each other, and where in the
 * processor's caches objects come to lie.
 *
 * COLOURS.  Objects at the same offset of their pages compete for the same few
 * sets of a cache. The walk follows pointers in the first word of objects of many
 * slabs, in random order, so that each step waits for the one before: their
 * first words would all fit into the first-level cache if they were spread over
 * it. A slab allocator may shift each slab by another colour to that end.
 */
#include "bench.h"

#include <kernel/error.h>
#include <kernel/kmalloc.h>

/* -- replacement ----------------------------------------------------------------------- */

#define SLOTS 10000
#define SMALLEST 16
#define LARGEST 2048
/* Replacements in one sample. */
#define REPLACEMENTS 10000

struct replace {
	struct bench_row row;
	unsigned state;
	unsigned nr_failed;
	void *slots[SLOTS];
};

/* Another object, of a size of its own, and written to as its owner would. */
static __always_inline void
put_object(struct replace *replace, unsigned slot)
{
	unsigned range = LARGEST - SMALLEST + 1;
	size_t size = SMALLEST + bench_random_below(&replace->state, range);
	unsigned *object = kmalloc(size, GFP_KERNEL);

	replace->slots[slot] = object;
	if (likely(object != NULL))
		*object = slot;
	else
		replace->nr_failed++;
}

static void
replacements(void *arg)
{
	struct replace *replace = arg;

	for (unsigned i = 0; i < REPLACEMENTS; i++) {
		unsigned slot = bench_random_below(&replace->state, SLOTS);

		kfree(replace->slots[slot]);
		put_object(replace, slot);
	}
}

static int
run_replace(const struct bench *bench, void *memory)
{
	struct replace *replace = memory;

	replace->state = 1;
	replace->nr_failed = 0;
	for (unsigned slot = 0; slot < SLOTS; slot++)
		put_object(replace, slot);
	bench_row_init(&replace->row, REPLACEMENTS, "%s", bench->name);
	if (replace->nr_failed == 0)
		bench_row_measure(&replace->row, replacements, replace);
	for (unsigned slot = 0; slot < SLOTS; slot++)
		kfree(replace->slots[slot]);
	return replace->nr_failed == 0
		       ? 0
		       : bench_skip(bench, "no objects", -E_NO_MEM);
}

const struct bench bench_kmalloc_replace = {
	.name = "kmalloc.replace",
	.help = "kfree of one of 10,000, kmalloc of 16 to 2,048 bytes instead",
	.memory = sizeof(struct replace),
	.run = run_replace,
};

/* -- the walk --------------------------------------------------------------------------- */

/* Their first words take half of a first-level cache of 32 KiB. */
#define WALK_OBJECTS 256
/* Steps in one sample. */
#define STEPS (40 * WALK_OBJECTS)

struct walk {
	struct bench_row row;
	void *position;
	unsigned order[WALK_OBJECTS];
	void *objects[WALK_OBJECTS];
};

static void
walk_steps(void *arg)
{
	struct walk *walk = arg;
	void **object = walk->position;

	for (unsigned i = 0; i < STEPS; i++)
		object = *object;
	walk->position = object;
}

/* One ring of all objects, in random order. */
static void
link_objects(struct walk *walk)
{
	bench_shuffle(walk->order, WALK_OBJECTS);
	for (unsigned i = 0; i < WALK_OBJECTS; i++) {
		void **object = walk->objects[walk->order[i]];

		*object = walk->objects[walk->order[(i + 1) % WALK_OBJECTS]];
	}
	walk->position = walk->objects[0];
}

static int
walk_cache(const struct bench *bench, struct walk *walk,
	   struct kmem_cache *cache)
{
	unsigned nr = 0;
	int err = 0;

	for (; nr < WALK_OBJECTS; nr++) {
		walk->objects[nr] = kmem_cache_alloc(cache, GFP_KERNEL);
		if (walk->objects[nr] == NULL) {
			err = bench_skip(bench, "no objects", -E_NO_MEM);
			goto out;
		}
	}
	link_objects(walk);
	bench_row_init(&walk->row, STEPS, "%s.%zu", bench->name,
		       kmem_cache_size(cache));
	bench_row_measure(&walk->row, walk_steps, walk);
out:
	while (nr-- > 0)
		kmem_cache_free(cache, walk->objects[nr]);
	return err;
}

static int
run_walk(const struct bench *bench, void *memory)
{
	static const size_t sizes[] = { 192, 512, 1000, 2048 };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct kmem_cache *cache =
			kmem_cache_create("bench", sizes[i], 0, 0, NULL);
		int err, busy;

		if (cache == NULL)
			return bench_skip(bench, "no cache", -E_NO_MEM);
		err = walk_cache(bench, memory, cache);
		busy = kmem_cache_destroy(cache);
		if (err != 0 || busy != 0)
			return err != 0 ? err : busy;
	}
	return 0;
}

const struct bench bench_slab_walk = {
	.name = "slab.walk",
	.help = "one step through the first words of 256 objects",
	.backend = "slab",
	.memory = sizeof(struct walk),
	.run = run_walk,
};
