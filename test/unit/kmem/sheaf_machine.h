/*
 * What the tests of sheaves share, whatever their subject: machines that work with
 * cpu=sheaf, objects in numbers, and a depot's books, audited.
 *
 * A machine has one CPU here, number 0 of node 0, so that a test knows which sheaf is
 * where: `loaded` and `previous` of that CPU, and a depot for each node.
 */
#ifndef TEST_UNIT_KMEM_SHEAF_MACHINE_H
#define TEST_UNIT_KMEM_SHEAF_MACHINE_H

#include <kernel/sched.h>

#include "kmem/slab/chain.h"
#include "kmem/slab/percpu/sheaf.h"
#include "kmem/slab/slabs.h"
#include "slab_machine.h"

/* -- machines ------------------------------------------------------------------- */

#define SHEAF_NODES_MAX 4

static const struct machine sheaf_machines[] = {
	{ .name = "sheaf, 1 node",
	  .kmalloc = "slab",
	  .cpu = "sheaf",
	  .nr_nodes = 1,
	  .ram_bytes = MACHINE_RAM },
	{ .name = "sheaf, 2 nodes",
	  .kmalloc = "slab",
	  .cpu = "sheaf",
	  .nr_nodes = 2,
	  .ram_bytes = MACHINE_RAM },
	{ .name = "sheaf, 4 nodes",
	  .kmalloc = "slab",
	  .cpu = "sheaf",
	  .nr_nodes = SHEAF_NODES_MAX,
	  .ram_bytes = MACHINE_RAM },
};

/* On each of them that has `least` to `most` nodes. */
static inline int
run_with_sheaves(unsigned least, unsigned most, int (*tests)(void))
{
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sheaf_machines); i++)
		if (sheaf_machines[i].nr_nodes >= least &&
		    sheaf_machines[i].nr_nodes <= most)
			failed |= machine_run(&sheaf_machines[i], tests);
	return failed;
}

/* -- objects in numbers --------------------------------------------------------- */

#define MANY 5000

static void *objects[MANY];

static inline void
alloc_many(struct slab_cache *cache, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		objects[i] = kmem_cache_alloc(&cache->base, GFP_KERNEL);
		assert_non_null(objects[i]);
	}
}

static inline void
free_many(struct slab_cache *cache, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		kmem_cache_free(&cache->base, objects[i]);
}

/* -- sheaves -------------------------------------------------------------------- */

static inline struct sheaf_cpu *
cpu_of(struct slab_cache *cache)
{
	return sheaf_cpu_of(cache->cpu[0]);
}

/* The sheaf that CPU 0 works with; there is one. */
static inline struct kmem_sheaf *
loaded(struct slab_cache *cache)
{
	struct kmem_sheaf *sheaf = cpu_of(cache)->loaded;

	if (sheaf == NULL)
		fail_msg("no sheaf is loaded");
	return sheaf;
}

/* Sheaves that exist, of all caches. */
static inline size_t
nr_sheaves(void)
{
	struct slab_cache *cache;
	size_t nr = 0;

	for (cache = NULL;
	     (cache = slab_chain_next(&slab_kernel_root, cache)) != NULL;)
		if (sheaf_is_sheaf_cache(cache))
			nr += slab_nr_out(cache);
	return nr;
}

static inline unsigned
list_length(const struct kmem_sheaf *sheaf)
{
	unsigned nr = 0;

	for (; sheaf != NULL; sheaf = sheaf->next)
		nr++;
	return nr;
}

/* What this CPU has put into a node's depot. */
static inline struct shelf *
shelf_of(const struct slab_cache *cache, unsigned nodeid)
{
	return &cache->node[nodeid]->depot->shelves[0];
}

static inline void
shelf_is_sound(const struct depot *depot, const struct shelf *shelf)
{
	assert_int_equal(list_length(shelf->full), shelf->nr_full);
	assert_int_equal(list_length(shelf->empty), shelf->nr_empty);
	assert_true(shelf->nr_full <= shelf->max);
	assert_true(shelf->nr_empty <= shelf->max);
	assert_true(shelf->least_full <= shelf->nr_full);
	assert_true(shelf->least_empty <= shelf->nr_empty);
	for (const struct kmem_sheaf *s = shelf->full; s != NULL; s = s->next) {
		assert_int_equal(s->nr, s->capacity);
		assert_int_equal(s->capacity, depot->capacity);
		assert_null(s->entry[0]);
	}
	for (const struct kmem_sheaf *s = shelf->empty; s != NULL;
	     s = s->next) {
		assert_int_equal(s->nr, 0);
		assert_int_equal(s->capacity, depot->capacity);
	}
}

/* Everything that a cache's depots claim, counted. */
static inline void
depots_are_sound(struct slab_cache *cache)
{
	for (unsigned i = 0; i < nr_page_nodes; i++)
		for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
			shelf_is_sound(cache->node[i]->depot,
				       &cache->node[i]->depot->shelves[cpu]);
}

#endif /* TEST_UNIT_KMEM_SHEAF_MACHINE_H */
