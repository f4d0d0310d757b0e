/*
 * What the tests of the slab allocator share: caches that are made and end as they
 * should, the reaper's visits, and a run under each layer between CPUs and slabs.
 */
#ifndef TEST_UNIT_KMEM_SLAB_MACHINE_H
#define TEST_UNIT_KMEM_SLAB_MACHINE_H

#include <string.h>

#include <kernel/timer.h>

#include "kmem/slab/chain.h"
#include "kmem/slab/debug/validate.h"
#include "kmem/slab/percpu/layer.h"
#include "../page/random.h"
#include "machine.h"

/* -- machines ------------------------------------------------------------------- */

/* Two nodes, under each layer (CPU in the environment: under that one only). */
static inline int
run_under_each_layer(int (*tests)(void))
{
	const char *only = getenv("CPU"), *cpu;
	char name[32];
	struct machine layer = { .name = name,
				 .kmalloc = "slab",
				 .nr_nodes = 2,
				 .ram_bytes = MACHINE_RAM };
	int failed = 0;

	for (unsigned i = 0; (cpu = option_choice(&slab_cpu_option, i)) != NULL;
	     i++) {
		if (only != NULL && strcmp(only, cpu) != 0)
			continue;
		layer.cpu = cpu;
		snprintf(name, sizeof(name), "cpu=%s", cpu);
		failed |= machine_run(&layer, tests);
	}
	return failed;
}

/* -- caches --------------------------------------------------------------------- */

static inline struct slab_cache *
cache_new_with(const char *name, size_t size, size_t align, unsigned flags,
	       void (*ctor)(void *))
{
	struct kmem_cache *cache =
		kmem_cache_create(name, size, align, flags, ctor);

	assert_non_null(cache);
	return slab_cache_of(cache);
}

static inline struct slab_cache *
cache_new(const char *name, size_t size)
{
	return cache_new_with(name, size, 0, 0, NULL);
}

/* A constructor, for objects of so many bytes at least. */
#define CTOR_BYTE 0xc7
#define CTOR_BYTES 100

static inline void
construct(void *object)
{
	memset(object, CTOR_BYTE, CTOR_BYTES);
}

/* Nobody has any of its objects. */
static inline void
cache_end(struct slab_cache *cache)
{
	assert_true(slab_validate_cache(cache));
	assert_int_equal(slab_validate_nr_live(cache), 0);
	assert_int_equal(kmem_cache_destroy(&cache->base), 0);
}

static inline void
tune_at_random(struct slab_cache *cache, unsigned limit_max, unsigned nr_shared)
{
	struct slab_tunables tunables;

	tunables.limit = 1 + (unsigned)random_below(limit_max);
	tunables.batchcount = 1 + (unsigned)random_below(tunables.limit);
	tunables.shared = (unsigned)random_below(nr_shared);
	assert_int_equal(slab_tune(cache, &tunables), 0);
}

/* -- the reaper ----------------------------------------------------------------- */

/* Its visits to a CPU within a minute. */
#define REAP_ROUNDS 30

/* A visit to this CPU and its node: time stands still here. */
static inline void
reap_now(struct slab_cache *cache)
{
	cache->node[0]->next_reap = ticks_now();
	kmem_reap();
}

/* One of many: every other time it is the node's turn, too. */
static inline void
reap_in_turn(struct slab_cache *cache, unsigned round)
{
	if (round % 2 == 0)
		reap_now(cache);
	else
		kmem_reap();
}

/* A minute of visits to a cache that is used in between: its CPU keeps what it has. */
static inline void
use_keeps_reapers_off(struct slab_cache *cache)
{
	void *first = kmem_cache_alloc(&cache->base, GFP_KERNEL);

	for (unsigned round = 0; round < REAP_ROUNDS; round++) {
		unsigned avail = percpu_avail(cache->cpu[0]);
		void *object = kmem_cache_alloc(&cache->base, GFP_KERNEL);

		kmem_cache_free(&cache->base, object);
		kmem_reap();
		assert_int_equal(percpu_avail(cache->cpu[0]), avail);
	}
	kmem_cache_free(&cache->base, first);
}

/* -- tests for several machines ------------------------------------------------- */

static inline void
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

#endif /* TEST_UNIT_KMEM_SLAB_MACHINE_H */
