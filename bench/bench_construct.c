/*
 * Constructed objects: what it saves that an object comes as it was left.
 *
 * The object is like a process control block or an inode: a dozen lists that are empty
 * and counters that are 0 whenever nobody uses it. Its user changes something and puts it
 * back. With a constructor it is initialised once, when its slab is made (where the back
 * end keeps that promise; slob constructs each time); without, by hand each time.
 */
#include "bench.h"

#include <kernel/error.h>
#include <kernel/kmalloc.h>
#include <kernel/list.h>

#define NR_LISTS 12
#define NR_COUNTERS 8
/* Alive at once: few enough that none leaves the nearest cache, where constructors
 * would run again because slabs go and come. */
#define THINGS 100
/* Lives in one sample. */
#define LIVES 1000

struct thing {
	struct list lists[NR_LISTS];
	unsigned counters[NR_COUNTERS];
};

struct things {
	struct bench_row row;
	struct kmem_cache *cache;
	unsigned nr_failed;
	struct thing *objects[THINGS];
};

static void
thing_init(void *object)
{
	struct thing *thing = object;

	for (unsigned i = 0; i < NR_LISTS; i++)
		list_init(&thing->lists[i]);
	for (unsigned i = 0; i < NR_COUNTERS; i++)
		thing->counters[i] = 0;
}

/* Uses it, and leaves it as it was. */
static __always_inline void
thing_use(struct thing *thing, struct list *head)
{
	list_add(head, &thing->lists[0]);
	thing->counters[0]++;
	list_del(&thing->lists[0]);
	thing->counters[0]--;
}

/* THINGS lives: all at once, so that what is initialised is not the same line
 * each time. */
static __always_inline void
generation(struct things *things, void (*by_hand)(void *object))
{
	struct list head;

	list_init(&head);
	for (unsigned i = 0; i < THINGS; i++) {
		struct thing *thing =
			kmem_cache_alloc(things->cache, GFP_KERNEL);

		things->objects[i] = thing;
		if (unlikely(thing == NULL)) {
			things->nr_failed++;
			continue;
		}
		if (by_hand != NULL)
			by_hand(thing);
		thing_use(thing, &head);
	}
	for (unsigned i = 0; i < THINGS; i++)
		kmem_cache_free(things->cache, things->objects[i]);
}

static void
constructed_lives(void *things)
{
	for (unsigned i = 0; i < LIVES / THINGS; i++)
		generation(things, NULL);
}

static void
reinitialised_lives(void *things)
{
	for (unsigned i = 0; i < LIVES / THINGS; i++)
		generation(things, thing_init);
}

static int
run(const struct bench *bench, struct things *things, void (*ctor)(void *),
    void (*batch)(void *things))
{
	int busy;

	things->nr_failed = 0;
	things->cache =
		kmem_cache_create("bench", sizeof(struct thing), 0, 0, ctor);
	if (things->cache == NULL)
		return bench_skip(bench, "no cache", -E_NO_MEM);
	bench_row_init(&things->row, LIVES, "%s", bench->name);
	while (things->nr_failed == 0 && bench_row_wants_more(&things->row)) {
		uint64_t start = arch_cycles();

		batch(things);
		bench_row_add(&things->row, start);
	}
	busy = kmem_cache_destroy(things->cache);
	if (things->nr_failed != 0)
		return bench_skip(bench, "no objects", -E_NO_MEM);
	bench_row_print(&things->row);
	return busy;
}

static int
run_constructed(const struct bench *bench, void *memory)
{
	return run(bench, memory, thing_init, constructed_lives);
}

const struct bench bench_cache_constructed = {
	.name = "cache.constructed",
	.help = "alloc, use and free of an object with a constructor",
	.memory = sizeof(struct things),
	.run = run_constructed,
};

static int
run_reinitialised(const struct bench *bench, void *memory)
{
	return run(bench, memory, NULL, reinitialised_lives);
}

const struct bench bench_cache_reinitialised = {
	.name = "cache.reinitialised",
	.help = "the same without: initialised by hand each time",
	.memory = sizeof(struct things),
	.run = run_reinitialised,
};
