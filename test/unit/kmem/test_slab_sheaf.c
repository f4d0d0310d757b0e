/*
 * cpu=sheaf, and sheaves for callers that must not fail, over the real page
 * allocator on the host port's RAM.
 *
 *	exchange	whole sheaves go from hand to hand: by their addresses, by
 *			their contents, by the counters
 *	edges		no visit to the depot within `limit` operations
 *	limits		what depots keep; what reaping leaves; the way to the floor
 *	remote		objects of other nodes gather and go home, 2 and 4 nodes
 *	failure		no memory for a sheaf, in turn at every place
 *	prefill		under every back end and layer
 *	tuning		old sheaves die out, wherever they are
 *	random		all of it mixed, against a count of what is out
 *
 * Each machine is a process of its own. SEED and OPS repeat or lengthen the random
 * test.
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

#include <kernel/error.h>
#include <kernel/failpoint.h>
#include <kernel/sched.h>
#include <kernel/timer.h>
#include <port/unit.h>

#include "../../../core/kmem/slab_cpu_sheaf.h"
#include "../page/random.h"

#define RAM_BYTES ((size_t)64 << 20)
#define MANY 4000

static void *objects[MANY];

/* -- machines ------------------------------------------------------------------- */

struct machine {
	const char *name, *kmalloc, *cpu;
	unsigned nr_nodes;
};

static const struct machine *machine;

static int
setup(void **state)
{
	host_unit_init(RAM_BYTES);
	page_init(host_unit_boot_info(machine->nr_nodes));
	assert_int_equal(kmalloc_option.set(machine->kmalloc), 0);
	assert_int_equal(slab_cpu_option.set(machine->cpu), 0);
	kmem_init();
	return 0;
}

static size_t
nr_free_at_rest(void)
{
	(void)kmem_shrink();
	return nr_free_pages();
}

static struct slab_cache *
cache_new(const char *name, size_t size)
{
	struct kmem_cache *cache = kmem_cache_create(name, size, 0, 0, NULL);

	assert_non_null(cache);
	return slab_cache_of(cache);
}

static void
cache_end(struct slab_cache *cache)
{
	assert_true(slab_validate_cache(cache));
	assert_int_equal(slab_nr_live(cache), 0);
	assert_int_equal(kmem_cache_destroy(&cache->base), 0);
}

static struct sheaf_cpu *
cpu_of(struct slab_cache *cache)
{
	return sheaf_cpu_of(cache->cpu[0]);
}

/* The sheaf that CPU 0 works with; there is one. */
static struct kmem_sheaf *
loaded(struct slab_cache *cache)
{
	struct kmem_sheaf *sheaf = cpu_of(cache)->loaded;

	if (sheaf == NULL)
		fail_msg("no sheaf is loaded");
	return sheaf;
}

static void
alloc_many(struct slab_cache *cache, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		objects[i] = kmem_cache_alloc(&cache->base, GFP_KERNEL);
		assert_non_null(objects[i]);
	}
}

static void
free_many(struct slab_cache *cache, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		kmem_cache_free(&cache->base, objects[i]);
}

/* Sheaves that exist, of all caches. */
static size_t
nr_sheaves(void)
{
	struct slab_cache *cache;
	size_t nr = 0;

	for (cache = NULL; (cache = slab_chain_next(cache)) != NULL;)
		if (sheaf_is_sheaf_cache(cache))
			nr += slab_nr_out(cache);
	return nr;
}

static unsigned
list_length(const struct kmem_sheaf *sheaf)
{
	unsigned nr = 0;

	for (; sheaf != NULL; sheaf = sheaf->next)
		nr++;
	return nr;
}

/* Everything that a cache's depots claim, counted. */
static void
depots_are_sound(struct slab_cache *cache)
{
	for (unsigned i = 0; i < nr_page_nodes; i++) {
		const struct depot *depot = cache->node[i]->depot;

		assert_int_equal(list_length(depot->full), depot->nr_full);
		assert_int_equal(list_length(depot->empty), depot->nr_empty);
		assert_true(depot->nr_full <= depot->max);
		assert_true(depot->nr_empty <= depot->max);
		assert_true(depot->least_full <= depot->nr_full);
		assert_true(depot->least_empty <= depot->nr_empty);
		for (const struct kmem_sheaf *s = depot->full; s != NULL;
		     s = s->next) {
			assert_int_equal(s->nr, s->capacity);
			assert_int_equal(s->capacity, depot->capacity);
			assert_null(s->entry[0]);
		}
		for (const struct kmem_sheaf *s = depot->empty; s != NULL;
		     s = s->next) {
			assert_int_equal(s->nr, 0);
			assert_int_equal(s->capacity, depot->capacity);
		}
	}
}

/* -- exchange -------------------------------------------------------------------- */

/* The sheaf that a CPU fills goes to the depot, and comes back from there, as it is:
 * the same address, the same objects in the same places. */
static void
sheaves_go_by_pointer(void **state)
{
	struct slab_cache *cache = cache_new("pointer", 192);
	unsigned limit = cache->tunables.limit, nr = 3 * limit;
	struct sheaf_cpu *sc = cpu_of(cache);
	struct depot *depot = cache->node[0]->depot;
	struct kmem_sheaf *first, *second, *third;

	assert_int_equal(limit, 52);
	alloc_many(cache, nr);
	(void)kmem_cache_shrink(&cache->base);
	assert_null(sc->loaded);
	for (unsigned i = 0; i < limit; i++)
		kmem_cache_free(&cache->base, objects[i]);
	first = loaded(cache);
	for (unsigned i = limit; i < 2 * limit; i++)
		kmem_cache_free(&cache->base, objects[i]);
	second = loaded(cache);
	assert_ptr_equal(sc->previous, first);
	assert_int_equal(depot->nr_full, 0);
	for (unsigned i = 2 * limit; i < nr; i++)
		kmem_cache_free(&cache->base, objects[i]);
	third = loaded(cache);
	assert_ptr_equal(depot->full, first);
	assert_ptr_equal(sc->previous, second);
	assert_int_equal(depot->nr_full, 1);
	assert_int_equal(depot->full_in, 1);
	for (unsigned i = 0; i < limit; i++)
		assert_ptr_equal(first->entry[1 + i], objects[i]);
	/* The other way round; nothing came out of slabs or went there. */
	assert_int_equal(cache->node[0]->put, cache->node[0]->taken - nr);
	for (unsigned i = nr; i-- > 0;)
		assert_ptr_equal(kmem_cache_alloc(&cache->base, GFP_KERNEL),
				 objects[i]);
	assert_ptr_equal(sc->loaded, first);
	assert_ptr_equal(sc->previous, second);
	assert_ptr_equal(depot->empty, third);
	assert_int_equal(depot->full_out, 1);
	assert_int_equal(depot->empty_in, 1);
	assert_int_equal(cache->node[0]->put, cache->node[0]->taken - nr);
	depots_are_sound(cache);
	free_many(cache, nr);
	cache_end(cache);
}

/* Steady state: thousands of objects come and go, none of them to or from a slab,
 * in whatever order. */
static void
bursts_touch_no_slab(void **state)
{
	struct slab_cache *cache = cache_new("burst", 192);
	struct kmem_cache_node *node = cache->node[0];
	unsigned limit = cache->tunables.limit;
	unsigned long taken, put, full_in;
	size_t sheaves;

	alloc_many(cache, MANY);
	free_many(cache, MANY);
	taken = node->taken;
	put = node->put;
	sheaves = nr_sheaves();
	assert_true(put == 0);
	for (unsigned round = 0; round < 5; round++) {
		full_in = node->depot->full_in;
		alloc_many(cache, MANY);
		for (unsigned i = MANY - 1; i > 0; i--) {
			unsigned j = (unsigned)random_below(i + 1);
			void *object = objects[i];

			objects[i] = objects[j];
			objects[j] = object;
		}
		free_many(cache, MANY);
		assert_int_equal(node->taken, taken);
		assert_int_equal(node->put, put);
		assert_int_equal(nr_sheaves(), sheaves);
		full_in = node->depot->full_in - full_in;
		assert_true(full_in >= MANY / limit - 3 &&
			    full_in <= MANY / limit);
	}
	depots_are_sound(cache);
	cache_end(cache);
}

/* A bulk is served by whole sheaves, too, although slabs have free objects. */
static void
bulk_uses_sheaves(void **state)
{
	struct slab_cache *cache = cache_new("bulk", 192);
	struct kmem_cache_node *node = cache->node[0];
	unsigned long taken, put;

	alloc_many(cache, MANY);
	free_many(cache, MANY / 2);
	slab_put(cache, 0, objects + MANY / 2, MANY / 2);
	assert_true(node->free_objects > 0);
	taken = node->taken;
	put = node->put;
	for (unsigned round = 0; round < 3; round++) {
		assert_true(kmem_cache_alloc_bulk(&cache->base, GFP_KERNEL,
						  MANY / 2, objects));
		assert_int_equal(slab_nr_live(cache), MANY / 2);
		kmem_cache_free_bulk(&cache->base, MANY / 2, objects);
		assert_int_equal(slab_nr_live(cache), 0);
	}
	assert_int_equal(node->taken, taken);
	assert_int_equal(node->put, put);
	cache_end(cache);
}

/* Who was idle takes little at first, then a whole batch. */
static void
first_refill_is_small(void **state)
{
	struct slab_cache *cache = cache_new("first", 192);
	unsigned limit = cache->tunables.limit;

	alloc_many(cache, 3 * limit);
	free_many(cache, 3 * limit);
	slab_drain(cache);
	(void)slab_cpu_was_touched(cache, cache->cpu[0]);
	assert_true(cache->node[0]->free_objects >= 16 + limit);
	cache->node[0]->taken = 0;
	alloc_many(cache, 1 + 16);
	assert_int_equal(cache->node[0]->taken, 16 + limit);
	free_many(cache, 1 + 16);
	cache_end(cache);
}

/* -- edges ----------------------------------------------------------------------------- */

/* What a visit to the depot changes. */
static unsigned long
nr_visits(const struct slab_cache *cache)
{
	const struct depot *depot = cache->node[0]->depot;

	return depot->full_in + depot->full_out + depot->empty_in +
	       depot->empty_out + depot->refused;
}

/* Wherever between sheaves a caller hovers, with whatever swing up to `limit`: the
 * depot hears nothing of it. */
static void
edges_do_not_thrash(void **state)
{
	struct slab_cache *cache = cache_new("edge", 192);
	unsigned limit = cache->tunables.limit;
	unsigned long visits, taken;

	alloc_many(cache, 6 * limit);
	free_many(cache, 6 * limit);
	for (unsigned at = 0; at < 3 * limit; at++) {
		objects[at] = kmem_cache_alloc(&cache->base, GFP_KERNEL);
		for (unsigned swing = 1; swing <= limit; swing += 17) {
			void *swung[64];

			/* Once for the visit that may be due, then many. */
			for (unsigned i = 0; i < swing; i++)
				swung[i] = kmem_cache_alloc(&cache->base,
							    GFP_KERNEL);
			visits = nr_visits(cache);
			taken = cache->node[0]->taken;
			for (unsigned round = 0; round < 5; round++) {
				for (unsigned i = 0; i < swing; i++)
					kmem_cache_free(&cache->base, swung[i]);
				for (unsigned i = 0; i < swing; i++)
					swung[i] = kmem_cache_alloc(
						&cache->base, GFP_KERNEL);
			}
			assert_int_equal(nr_visits(cache), visits);
			assert_int_equal(cache->node[0]->taken, taken);
			for (unsigned i = 0; i < swing; i++)
				kmem_cache_free(&cache->base, swung[i]);
		}
	}
	free_many(cache, 3 * limit);
	cache_end(cache);
}

/* -- limits ------------------------------------------------------------------------------ */

static void
depots_have_limits(void **state)
{
	struct slab_cache *cache = cache_new("limits", 192);
	struct depot *depot = cache->node[0]->depot;
	unsigned limit = cache->tunables.limit;

	/* One part in 32 of the node, objects and sheaves. */
	assert_true((size_t)depot->max *
			    (limit * cache->layout.size + sheaf_bytes(limit)) <=
		    RAM_BYTES / machine->nr_nodes / 32);
	assert_true((size_t)depot->max * limit > 10000);
	assert_int_equal(kmem_slabinfo_write("limits 52 52 3"), 0);
	alloc_many(cache, 20 * limit);
	(void)kmem_cache_shrink(&cache->base);
	free_many(cache, 20 * limit);
	depots_are_sound(cache);
	assert_int_equal(depot->nr_full, 3);
	assert_int_equal(depot->refused, 20 - 2 - 3);
	assert_int_equal(cache->node[0]->put,
			 cache->node[0]->taken - 5ul * limit);
	assert_int_equal(slab_nr_live(cache), 0);
	/* No sheaf was made to be thrown away: five in use. */
	assert_int_equal(
		slab_nr_out(slab_page_of(depot->full)->owner.cache) >= 5, true);
	alloc_many(cache, 20 * limit);
	assert_true(depot->nr_empty <= 3);
	free_many(cache, 20 * limit);
	/* A depot that keeps nothing. */
	assert_int_equal(kmem_slabinfo_write("limits 52 20 0"), 0);
	alloc_many(cache, 20 * limit);
	free_many(cache, 20 * limit);
	depots_are_sound(cache);
	assert_int_equal(depot->nr_full + depot->nr_empty, 0);
	cache_end(cache);
}

/* A visit of the reaper to this CPU and its node: time stands still here. */
static void
reap_now(struct slab_cache *cache)
{
	cache->node[0]->next_reap = ticks_now();
	kmem_reap();
}

/* What a cache swings by stays; what lay below its lowest point goes, and no more. */
static void
reaper_takes_the_least(void **state)
{
	struct slab_cache *cache = cache_new("least", 192);
	struct depot *depot = cache->node[0]->depot;
	unsigned limit = cache->tunables.limit;

	alloc_many(cache, 40 * limit);
	free_many(cache, 40 * limit);
	assert_int_equal(depot->nr_full, 38);
	reap_now(cache); /* takes none: the depot began empty */
	assert_int_equal(depot->nr_full, 38);
	for (unsigned round = 0; round < 4; round++) {
		/* Two are the CPU's: down to 29 full ones, and back. */
		alloc_many(cache, 11 * limit);
		assert_int_equal(depot->nr_full, round == 0 ? 29 : 0);
		free_many(cache, 11 * limit);
		assert_int_equal(depot->nr_full, round == 0 ? 38 : 9);
		reap_now(cache);
		assert_int_equal(depot->nr_full, 9);
		depots_are_sound(cache);
	}
	assert_int_equal(depot->given_back, 29);
	/* Likewise the empty ones. */
	alloc_many(cache, 12 * limit);
	assert_int_equal(depot->nr_full, 0);
	assert_int_equal(depot->nr_empty, 9);
	reap_now(cache);
	reap_now(cache);
	assert_int_equal(depot->nr_empty, 0);
	free_many(cache, 12 * limit);
	cache_end(cache);
}

/* An idle cache gives back all it holds within a minute, and its sheaves; one in use
 * keeps what it uses. */
static void
reaping_reaches_the_floor(void **state)
{
	size_t before = nr_free_at_rest(), sheaves = nr_sheaves();
	struct slab_cache *cache = cache_new("idle", 100);
	struct kmem_cache_node *node = cache->node[0];
	struct sheaf_cpu *sc = cpu_of(cache);
	unsigned rounds;

	alloc_many(cache, 1000);
	free_many(cache, 1000);
	assert_true(node->nr_slabs > 0 && sc->previous != NULL);
	assert_true(nr_sheaves() > sheaves + 10);
	for (rounds = 0; rounds < 30; rounds++) {
		if (rounds % 2 == 0)
			node->next_reap = ticks_now();
		kmem_reap();
		assert_true(slab_validate_cache(cache));
		if (rounds == 4)
			assert_int_equal(node->depot->nr_full, 0);
	}
	assert_null(sc->loaded);
	assert_null(sc->previous);
	assert_int_equal(node->nr_slabs, 0);
	assert_true(nr_sheaves() <= sheaves);

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
	assert_int_equal(nr_free_at_rest(), before);
	assert_int_equal(nr_sheaves(), 0);
}

/* Nine tenths of a burst are freed, at random, and nobody asks for anything: most
 * of the memory is back by itself. */
static void
kept_after_a_burst(void **state)
{
	struct slab_cache *cache = cache_new("burst", 1100);
	size_t peak, kept;

	alloc_many(cache, MANY);
	peak = cache->node[0]->nr_slabs;
	for (unsigned i = 0; i < MANY; i++) {
		if (random_below(10) == 0)
			continue;
		kmem_cache_free(&cache->base, objects[i]);
		objects[i] = NULL;
	}
	for (unsigned rounds = 0; rounds < 15; rounds++)
		reap_now(cache);
	kept = cache->node[0]->nr_slabs;
	/* Of three (64-bit) objects of a page, or seven of two, one is alive. */
	assert_true(kept * 100 <= peak * 60);
	for (unsigned i = 0; i < MANY; i++)
		kmem_cache_free(&cache->base, objects[i]);
	cache_end(cache);
}

/* Everything lies in one cache's depot; an interrupt wants another kind. */
static void
pressure_empties_depots(void **state)
{
	struct slab_cache *one = cache_new("one", 4096);
	struct slab_cache *other = cache_new("other", 2048);
	void *chain = NULL, *object;
	size_t nr = 0;

	assert_int_equal(kmem_slabinfo_write("one 12 12 60000"), 0);
	while ((object = kmem_cache_alloc(&one->base,
					  GFP_KERNEL | __GFP_NOWARN)) != NULL) {
		*(void **)object = chain;
		chain = object;
		nr++;
	}
	while (chain != NULL) {
		object = chain;
		chain = *(void **)chain;
		kmem_cache_free(&one->base, object);
	}
	assert_true(one->node[0]->depot->nr_full > nr / 12 / nr_page_nodes / 2);
	assert_true(nr_free_pages() < nr_managed_pages() / 8);
	for (unsigned i = 0; i < MANY; i++) {
		objects[i] = kmem_cache_alloc(&other->base, GFP_ATOMIC);
		assert_non_null(objects[i]);
	}
	free_many(other, MANY);
	cache_end(other);
	cache_end(one);
}

/* -- other nodes -------------------------------------------------------------------------- */

static void
remote_sheaves_go_home(void **state)
{
	size_t before = nr_free_at_rest();
	struct slab_cache *cache = cache_new("remote", 192);
	unsigned limit = cache->tunables.limit;
	struct sheaf_cpu *sc = cpu_of(cache);

	for (unsigned home = 1; home < nr_page_nodes; home++) {
		struct depot *depot = cache->node[home]->depot;
		struct kmem_sheaf *sheaf;
		unsigned long put = cache->node[home]->put;

		for (unsigned i = 0; i < 3 * limit; i++)
			objects[i] = kmem_cache_alloc_node(&cache->base,
							   GFP_KERNEL, home);
		for (unsigned i = 0; i < limit; i++) {
			kmem_cache_free(&cache->base, objects[i]);
			assert_int_equal(sc->remote[home]->nr, i + 1);
		}
		/* Full, but here; the next one sends it off. */
		sheaf = sc->remote[home];
		assert_int_equal(depot->nr_full, 0);
		kmem_cache_free(&cache->base, objects[limit]);
		assert_ptr_equal(depot->full, sheaf);
		assert_int_equal(depot->remote_in, 1);
		assert_ptr_not_equal(sc->remote[home], sheaf);
		for (unsigned i = limit + 1; i < 3 * limit; i++)
			kmem_cache_free(&cache->base, objects[i]);
		assert_int_equal(depot->nr_full, 2);
		/* Nothing of it was touched, here or there. */
		assert_null(sc->loaded);
		assert_int_equal(cache->node[home]->put, put);
		assert_int_equal(cache->node[0]->depot->nr_full, 0);
		depots_are_sound(cache);
		assert_true(slab_validate_cache(cache));
		assert_int_equal(slab_nr_live(cache), 0);
	}
	/* What gathered goes home regularly. */
	kmem_reap();
	for (unsigned home = 1; home < nr_page_nodes; home++) {
		assert_null(sc->remote[home]);
		assert_int_equal(cache->node[home]->put, limit);
	}
	/* Draining empties the other nodes' depots, too. */
	(void)kmem_cache_shrink(&cache->base);
	for (unsigned home = 1; home < nr_page_nodes; home++)
		assert_int_equal(cache->node[home]->nr_slabs, 0);
	cache_end(cache);
	assert_int_equal(nr_free_at_rest(), before);
}

/* The home depot gives an empty sheaf for each full one: none is made. */
static void
remote_sheaves_go_round(void **state)
{
	struct slab_cache *cache = cache_new("round", 192);
	unsigned limit = cache->tunables.limit, last = nr_page_nodes - 1;
	struct depot *home = cache->node[last]->depot;
	struct kmem_sheaf *none = NULL, *full;
	size_t sheaves;

	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < limit; i++)
			objects[i] = kmem_cache_alloc_node(&cache->base,
							   GFP_KERNEL, last);
		free_many(cache, limit);
		if (round == 2)
			sheaves = nr_sheaves();
		if (round > 2)
			assert_int_equal(nr_sheaves(), sheaves);
		/* What a CPU of that node does: uses one up. */
		full = depot_take_full(home, &none);
		if (full == NULL)
			continue;
		sheaf_empty(cache, last, full);
		depot_put_empty(home, full);
	}
	assert_true(home->remote_in >= 18);
	assert_true(home->empty_out >= 17);
	depots_are_sound(cache);
	cache_end(cache);
}

/* The home depot has no room: the objects go to their slabs, the sheaf is used on. */
static void
remote_sheaves_are_refused(void **state)
{
	struct slab_cache *cache = cache_new("full", 192);
	unsigned limit = cache->tunables.limit;
	struct sheaf_cpu *sc = cpu_of(cache);
	struct kmem_sheaf *sheaf;

	assert_int_equal(kmem_slabinfo_write("full 52 52 0"), 0);
	for (unsigned i = 0; i < 2 * limit; i++)
		objects[i] = kmem_cache_alloc_node(&cache->base, GFP_KERNEL, 1);
	for (unsigned i = 0; i < limit; i++)
		kmem_cache_free(&cache->base, objects[i]);
	sheaf = sc->remote[1];
	for (unsigned i = limit; i < 2 * limit; i++)
		kmem_cache_free(&cache->base, objects[i]);
	assert_ptr_equal(sc->remote[1], sheaf);
	assert_int_equal(cache->node[1]->put, limit);
	assert_int_equal(cache->node[1]->depot->refused, 1);
	assert_int_equal(slab_nr_live(cache), 0);
	cache_end(cache);
}

/* -- failure --------------------------------------------------------------------------------- */

/* No memory for a sheaf, at every place in turn: the operation itself succeeds. */
static void
no_sheaf_no_harm(void **state)
{
	struct slab_cache *cache = cache_new("none", 192);
	unsigned limit = cache->tunables.limit, nr = 4 * limit, fired = 0;
	unsigned last = nr_page_nodes - 1;

	if (!KERNEL_DEBUG)
		skip();
	for (unsigned n = 1;; n++) {
		bool was_met;

		/* Objects first: what fails is a sheaf, or a sheaf's page. */
		(void)kmem_shrink();
		for (unsigned i = 0; i < nr; i++)
			objects[i] = kmem_cache_alloc_node(
				&cache->base, GFP_KERNEL, i % 2 ? last : 0);
		(void)kmem_shrink();
		failpoint_arm(n);
		free_many(cache, nr);
		was_met = failpoint_disarm();
		assert_int_equal(slab_nr_live(cache), 0);
		assert_true(slab_validate_cache(cache));
		depots_are_sound(cache);
		if (!was_met)
			break;
		fired++;
	}
	/* Two sheaves and more, each of a page that may fail. */
	assert_true(fired >= 4);
	for (unsigned n = 1;; n++) {
		bool was_met;

		(void)kmem_cache_shrink(&cache->base);
		objects[0] = kmem_cache_alloc_node(&cache->base, GFP_KERNEL, 0);
		failpoint_arm(n);
		objects[1] = slab_alloc(cache, GFP_KERNEL | __GFP_NOWARN);
		was_met = failpoint_disarm();
		assert_non_null(objects[1]);
		free_many(cache, 2);
		assert_int_equal(slab_nr_live(cache), 0);
		if (!was_met)
			break;
		assert_true(n < 10);
	}
	cache_end(cache);
}

/* No page at all is left while objects come back, with no sheaf to put them into. */
static void
freeing_needs_no_memory(void **state)
{
	size_t before = nr_free_at_rest();
	struct slab_cache *cache = cache_new("tight", 2000);
	struct page *chain = NULL, *page;

	alloc_many(cache, MANY);
	(void)kmem_shrink();
	while ((page = alloc_page(GFP_ATOMIC | __GFP_NOWARN)) != NULL) {
		page->owner.slab = chain;
		chain = page;
	}
	free_many(cache, MANY);
	assert_int_equal(slab_nr_live(cache), 0);
	depots_are_sound(cache);
	while (chain != NULL) {
		page = chain;
		chain = page->owner.slab;
		free_page(page);
	}
	cache_end(cache);
	assert_int_equal(nr_free_at_rest(), before);
}

/* -- sheaves for callers: every back end ------------------------------------------------------- */

static unsigned nr_built;

static void
build(void *object)
{
	memset(object, 0x5a, 64);
	nr_built++;
}

static void
prefill_keeps_its_word(void **state)
{
	static const unsigned sizes[] = { 0, 1, 20, 52, 53, 1000 };
	size_t before = nr_free_at_rest();
	struct kmem_cache *cache =
		kmem_cache_create("prefill", 192, 0, 0, NULL);

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned nr = sizes[i];
		struct kmem_sheaf *sheaf =
			kmem_cache_prefill_sheaf(cache, GFP_KERNEL, nr);

		assert_non_null(sheaf);
		assert_true(kmem_cache_sheaf_size(sheaf) >= nr);
		for (unsigned j = 0; j < nr; j++) {
			/* The next allocation would fail: this is none. */
			if (KERNEL_DEBUG)
				failpoint_arm(1);
			objects[j] = kmem_cache_alloc_from_sheaf(
				cache, GFP_ATOMIC | __GFP_ZERO, sheaf);
			if (KERNEL_DEBUG)
				assert_false(failpoint_disarm());
			assert_non_null(objects[j]);
			for (unsigned k = 0; k < 192; k++)
				assert_int_equal(((char *)objects[j])[k], 0);
			memset(objects[j], (int)j, 192);
		}
		for (unsigned j = 0; j < nr; j++)
			assert_int_equal(((unsigned char *)objects[j])[191],
					 j % 256);
		/* Its end is told. */
		while (kmem_cache_sheaf_size(sheaf) > 0)
			kmem_cache_free(cache,
					kmem_cache_alloc_from_sheaf(
						cache, GFP_ATOMIC, sheaf));
		assert_null(
			kmem_cache_alloc_from_sheaf(cache, GFP_ATOMIC, sheaf));
		for (unsigned j = 0; j < nr; j++)
			kmem_cache_free(cache, objects[j]);
		kmem_cache_return_sheaf(cache, sheaf);
	}
	kmem_cache_return_sheaf(cache, NULL);
	assert_null(kmem_cache_prefill_sheaf(cache, GFP_KERNEL | __GFP_NOWARN,
					     UINT32_MAX));
	assert_true(kmem_backend->validate());
	assert_int_equal(kmem_cache_destroy(cache), 0);
	assert_int_equal(nr_free_at_rest(), before);
}

static void
refill_tops_up(void **state)
{
	size_t before = nr_free_at_rest();
	struct kmem_cache *cache =
		kmem_cache_create("refill", 128, 0, 0, build);
	struct kmem_sheaf *sheaf, *was;
	unsigned size;

	sheaf = kmem_cache_prefill_sheaf(cache, GFP_KERNEL, 30);
	assert_non_null(sheaf);
	size = kmem_cache_sheaf_size(sheaf);
	for (unsigned i = 0; i < 30; i++) {
		objects[i] =
			kmem_cache_alloc_from_sheaf(cache, GFP_KERNEL, sheaf);
		assert_int_equal(*(unsigned char *)objects[i], 0x5a);
	}
	assert_int_equal(kmem_cache_sheaf_size(sheaf), size - 30);
	/* In place; what is there already is no work; then in another one. */
	was = sheaf;
	assert_int_equal(kmem_cache_refill_sheaf(cache, GFP_KERNEL, &sheaf, 25),
			 0);
	assert_ptr_equal(sheaf, was);
	assert_true(kmem_cache_sheaf_size(sheaf) >= 25);
	size = kmem_cache_sheaf_size(sheaf);
	assert_int_equal(kmem_cache_refill_sheaf(cache, GFP_KERNEL, &sheaf, 5),
			 0);
	assert_int_equal(kmem_cache_sheaf_size(sheaf), size);
	assert_int_equal(
		kmem_cache_refill_sheaf(cache, GFP_KERNEL, &sheaf, 500), 0);
	assert_true(kmem_cache_sheaf_size(sheaf) >= 500);
	kmem_cache_return_sheaf(cache, sheaf);
	for (unsigned i = 0; i < 30; i++)
		kmem_cache_free(cache, objects[i]);
	assert_true(kmem_backend->validate());
	assert_int_equal(kmem_cache_destroy(cache), 0);
	assert_int_equal(nr_free_at_rest(), before);
}

/* Each allocation on the way fails in turn. */
static void
prefill_fails_cleanly(void **state)
{
	size_t before = nr_free_at_rest();
	struct kmem_cache *cache = kmem_cache_create("fails", 192, 0, 0, NULL);
	struct kmem_sheaf *sheaf;
	unsigned n, size;

	if (!KERNEL_DEBUG)
		skip();
	for (unsigned nr = 10; nr <= 200; nr += 190) {
		for (n = 1;; n++) {
			(void)kmem_shrink();
			failpoint_arm(n);
			sheaf = kmem_cache_prefill_sheaf(
				cache, GFP_KERNEL | __GFP_NOWARN, nr);
			if (!failpoint_disarm())
				break;
			if (sheaf != NULL)
				assert_true(kmem_cache_sheaf_size(sheaf) >= nr);
			kmem_cache_return_sheaf(cache, sheaf);
			assert_true(kmem_backend->validate());
		}
		assert_true(n > 2);
		assert_non_null(sheaf);
		size = kmem_cache_sheaf_size(sheaf);
		for (n = 1;; n++) {
			int err;

			(void)kmem_shrink();
			failpoint_arm(n);
			err = kmem_cache_refill_sheaf(cache,
						      GFP_KERNEL | __GFP_NOWARN,
						      &sheaf, 2 * size);
			if (!failpoint_disarm()) {
				assert_int_equal(err, 0);
				break;
			}
			if (err != 0) {
				assert_int_equal(err, -E_NO_MEM);
				assert_int_equal(kmem_cache_sheaf_size(sheaf),
						 size);
				continue;
			}
			/* Something did without: begin anew. */
			assert_true(kmem_cache_sheaf_size(sheaf) >= 2 * size);
			kmem_cache_return_sheaf(cache, sheaf);
			sheaf = kmem_cache_prefill_sheaf(cache, GFP_KERNEL,
							 size);
			assert_non_null(sheaf);
			size = kmem_cache_sheaf_size(sheaf);
		}
		kmem_cache_return_sheaf(cache, sheaf);
	}
	assert_int_equal(kmem_cache_destroy(cache), 0);
	assert_int_equal(nr_free_at_rest(), before);
}

/* A whole sheaf comes from the depot, and goes back there, as it is. */
static void
sheaves_are_lent(void **state)
{
	struct slab_cache *cache = cache_new("lent", 192);
	struct depot *depot = cache->node[0]->depot;
	unsigned limit = cache->tunables.limit;
	struct kmem_sheaf *head, *sheaf;
	void *object;

	alloc_many(cache, 8 * limit);
	free_many(cache, 8 * limit);
	head = depot->full;
	sheaf = kmem_cache_prefill_sheaf(&cache->base, GFP_KERNEL, 10);
	assert_ptr_equal(sheaf, head);
	assert_int_equal(kmem_cache_sheaf_size(sheaf), limit);
	assert_int_equal(slab_nr_live(cache), limit);
	kmem_cache_return_sheaf(&cache->base, sheaf);
	assert_ptr_equal(depot->full, head);
	/* Used in part: its objects go the usual way, it is an empty one. */
	sheaf = kmem_cache_prefill_sheaf(&cache->base, GFP_KERNEL, 10);
	object = kmem_cache_alloc_from_sheaf(&cache->base, GFP_KERNEL, sheaf);
	kmem_cache_return_sheaf(&cache->base, sheaf);
	assert_ptr_equal(depot->empty, sheaf);
	assert_int_equal(slab_nr_live(cache), 1);
	depots_are_sound(cache);
	kmem_cache_free(&cache->base, object);
	/* Objects of several nodes: not a sheaf for any depot. */
	sheaf = kmem_cache_prefill_sheaf(&cache->base, GFP_KERNEL, limit);
	object = kmem_cache_alloc_from_sheaf(&cache->base, GFP_KERNEL, sheaf);
	kmem_cache_free(&cache->base, object);
	sheaf->entry[++sheaf->nr] = kmem_cache_alloc_node(
		&cache->base, GFP_KERNEL, nr_page_nodes - 1);
	kmem_cache_return_sheaf(&cache->base, sheaf);
	depots_are_sound(cache);
	assert_int_equal(slab_nr_live(cache), 0);
	assert_true(slab_validate_cache(cache));
	cache_end(cache);
}

/* -- tuning --------------------------------------------------------------------------------------- */

static void
old_sheaves_die_out(void **state)
{
	struct slab_cache *cache = cache_new("tuned", 192);
	struct depot *depot = cache->node[0]->depot;
	struct sheaf_cpu *sc = cpu_of(cache);
	struct kmem_sheaf *lent, *held, *none = NULL;
	unsigned old = cache->tunables.limit;
	char text[40];

	static const unsigned limits[] = { 1, 5, 53, 120, 200, SHEAF_LIMIT_MAX };

	assert_int_equal(kmem_slabinfo_write("tuned 100000 1 1"), -E_INVAL);
	snprintf(text, sizeof(text), "tuned %u 1 1", SHEAF_LIMIT_MAX + 1);
	assert_int_equal(kmem_slabinfo_write(text), -E_INVAL);
	assert_int_equal(kmem_slabinfo_write("kmem_sheaf-64 1 1 1"), -E_INVAL);
	for (unsigned i = 0; i < ARRAY_SIZE(limits); i++) {
		alloc_many(cache, 10 * old < MANY ? 10 * old : MANY);
		free_many(cache, 10 * old < MANY ? 10 * old : MANY);
		lent = kmem_cache_prefill_sheaf(&cache->base, GFP_KERNEL, 1);
		assert_int_equal(lent->capacity, old);
		/* What a CPU that cannot be asked would do. */
		held = depot_take_full(depot, &none);
		snprintf(text, sizeof(text), "tuned %u %u 7", limits[i],
			 limits[i] / 2 + 1);
		assert_int_equal(kmem_slabinfo_write(text), 0);
		assert_null(sc->loaded);
		assert_int_equal(depot->nr_full + depot->nr_empty, 0);
		kmem_cache_return_sheaf(&cache->base, lent);
		assert_int_equal(depot->nr_full + depot->nr_empty, 0);
		if (held != NULL) {
			assert_false(depot_put_full(depot, held));
			sheaf_dissolve(cache, 0, held);
		}
		assert_int_equal(slab_nr_live(cache), 0);
		alloc_many(cache, 1);
		assert_int_equal(loaded(cache)->capacity, limits[i]);
		/* A batch, and no more than fits. */
		assert_true(slab_cpu_avail(&sc->cpu) < limits[i] / 2 + 1);
		free_many(cache, 1);
		depots_are_sound(cache);
		assert_true(slab_validate_cache(cache));
		old = limits[i];
	}
	cache_end(cache);
}

/* A CPU that could not be asked goes on with old sheaves; what it gets is new, and
 * what it gives away is taken apart. */
static void
a_cpu_keeps_up(void **state)
{
	struct slab_cache *cache = cache_new("late", 192);
	const struct slab_tunables larger = { 100, 100, 50 };
	struct depot *depot = cache->node[0]->depot;
	struct sheaf_cpu *sc = cpu_of(cache);
	unsigned old = cache->tunables.limit;

	alloc_many(cache, 10 * old);
	(void)kmem_cache_shrink(&cache->base);
	for (unsigned i = 0; i < 2 * old; i++)
		kmem_cache_free(&cache->base, objects[i]);
	assert_int_equal(loaded(cache)->capacity, old);
	depot_tune(depot, &larger);
	kmem_cache_free(&cache->base, objects[2 * old]);
	assert_int_equal(loaded(cache)->capacity, larger.limit);
	assert_int_equal(sc->previous->capacity, old);
	for (unsigned i = 2 * old + 1; i < 10 * old; i++)
		kmem_cache_free(&cache->base, objects[i]);
	assert_int_equal(loaded(cache)->capacity, larger.limit);
	assert_int_equal(sc->previous->capacity, larger.limit);
	assert_int_equal(depot->refused, 2);
	depots_are_sound(cache);
	cache_end(cache);
}

/* -- all of it mixed --------------------------------------------------------------------------------- */

#define NR_LENT 6

static void
random_sheaf(struct slab_cache *cache, struct kmem_sheaf **sheaf, size_t *nr)
{
	unsigned want = (unsigned)random_below(120);

	if (*sheaf == NULL) {
		*sheaf = kmem_cache_prefill_sheaf(&cache->base, GFP_KERNEL,
						  want);
		assert_non_null(*sheaf);
	} else if (random_below(3) == 0) {
		kmem_cache_return_sheaf(&cache->base, *sheaf);
		*sheaf = NULL;
	} else if (random_below(3) == 0) {
		assert_int_equal(kmem_cache_refill_sheaf(
					 &cache->base, GFP_KERNEL, sheaf, want),
				 0);
		assert_true((*sheaf)->nr >= want);
	} else if (*nr < MANY && (*sheaf)->nr > 0) {
		objects[(*nr)++] = kmem_cache_alloc_from_sheaf(
			&cache->base, GFP_ATOMIC, *sheaf);
	}
}

static void
random_seldom(struct slab_cache *cache)
{
	struct slab_tunables tunables;

	switch (random_below(8)) {
	case 0:
		(void)kmem_cache_shrink(&cache->base);
		return;
	case 1:
		tunables.limit = 1 + (unsigned)random_below(100);
		tunables.batchcount =
			1 + (unsigned)random_below(tunables.limit);
		tunables.shared = (unsigned)random_below(20);
		assert_int_equal(slab_tune(cache, &tunables), 0);
		return;
	case 2:
		reap_now(cache);
		return;
	default:
		/* Or nothing would ever become large. */
		return;
	}
}

static void
random_object(struct slab_cache *cache, size_t *nr, bool growing)
{
	unsigned node = (unsigned)random_below(nr_page_nodes);
	size_t i;

	if (random_below(100) < (growing ? 60u : 40u) && *nr < MANY) {
		objects[(*nr)++] =
			random_below(3) == 0
				? kmem_cache_alloc_node(&cache->base,
							GFP_KERNEL, node)
				: kmem_cache_alloc(&cache->base, GFP_KERNEL);
		assert_non_null(objects[*nr - 1]);
	} else if (*nr > 0) {
		i = random_below(*nr);
		kmem_cache_free(&cache->base, objects[i]);
		objects[i] = objects[--*nr];
	}
}

static void
random_operations(void **state)
{
	unsigned long ops = test_parameter("OPS", 200000);
	size_t before = nr_free_at_rest(), nr = 0, lent;
	struct slab_cache *cache = cache_new("random", 104);
	struct kmem_sheaf *sheaves[NR_LENT] = { NULL };
	bool growing = true;

	random_start("random_operations");
	for (unsigned long op = 0; op < ops; op++) {
		size_t dice = random_below(1000);

		if (op % 8192 == 0)
			growing = random_below(2);
		if (dice < 900)
			random_object(cache, &nr, growing);
		else if (dice < 998)
			random_sheaf(cache, &sheaves[random_below(NR_LENT)],
				     &nr);
		else
			random_seldom(cache);
		if (op % 1000 != 0)
			continue;
		lent = 0;
		for (unsigned i = 0; i < NR_LENT; i++)
			lent += sheaves[i] != NULL ? sheaves[i]->nr : 0;
		depots_are_sound(cache);
		assert_true(slab_validate_cache(cache));
		assert_int_equal(slab_nr_live(cache), nr + lent);
	}
	for (unsigned i = 0; i < NR_LENT; i++)
		kmem_cache_return_sheaf(&cache->base, sheaves[i]);
	free_many(cache, (unsigned)nr);
	cache_end(cache);
	assert_int_equal(nr_free_at_rest(), before);
	assert_int_equal(nr_sheaves(), 0);
}

/* -- what describe says ----------------------------------------------------------------------------- */

static char described[1024];

static void
line_keep(const char *text, void *arg)
{
	size_t used = strlen(described);

	assert_true(strlen(text) <= 76);
	snprintf(described + used, sizeof(described) - used, "%s\n", text);
}

static void
counters_are_shown(void **state)
{
	struct slab_cache *cache = cache_new("shown", 192);
	unsigned limit = cache->tunables.limit;
	char expected[200];

	alloc_many(cache, 10 * limit);
	free_many(cache, 10 * limit);
	slab_cpu->describe(cache, line_keep, NULL);
	assert_non_null(strstr(described, "CPU 0: "));
	snprintf(expected, sizeof(expected),
		 "depot 0: 8 full sheaves of %u, 0 empty; room for %u each\n"
		 "  by pointer: full 8 in (0 remote), 0 out\n",
		 limit, cache->tunables.shared);
	assert_non_null(strstr(described, expected));
	cache_end(cache);
}

/* -- which test where ---------------------------------------------------------------------------------- */

static int
run_group(void)
{
	const struct CMUnitTest one_node[] = {
		cmocka_unit_test(sheaves_go_by_pointer),
		cmocka_unit_test(bursts_touch_no_slab),
		cmocka_unit_test(bulk_uses_sheaves),
		cmocka_unit_test(first_refill_is_small),
		cmocka_unit_test(a_cpu_keeps_up),
		cmocka_unit_test(edges_do_not_thrash),
		cmocka_unit_test(depots_have_limits),
		cmocka_unit_test(reaper_takes_the_least),
		cmocka_unit_test(reaping_reaches_the_floor),
		cmocka_unit_test(kept_after_a_burst),
		cmocka_unit_test(pressure_empties_depots),
	};
	const struct CMUnitTest nodes[] = {
		cmocka_unit_test(remote_sheaves_go_home),
		cmocka_unit_test(remote_sheaves_go_round),
		cmocka_unit_test(remote_sheaves_are_refused),
	};
	const struct CMUnitTest any_nodes[] = {
		cmocka_unit_test(no_sheaf_no_harm),
		cmocka_unit_test(freeing_needs_no_memory),
		cmocka_unit_test(sheaves_are_lent),
		cmocka_unit_test(old_sheaves_die_out),
		cmocka_unit_test(random_operations),
		cmocka_unit_test(counters_are_shown),
	};
	const struct CMUnitTest any_layer[] = {
		cmocka_unit_test(prefill_keeps_its_word),
		cmocka_unit_test(refill_tops_up),
		cmocka_unit_test(prefill_fails_cleanly),
	};
	bool is_slab = strcmp(machine->kmalloc, "slab") == 0;
	bool is_sheaf = is_slab && strcmp(machine->cpu, "sheaf") == 0;
	int failed;

	failed = cmocka_run_group_tests_name(machine->name, any_layer, setup,
					     NULL);
	if (is_sheaf)
		failed |= cmocka_run_group_tests_name(machine->name, any_nodes,
						      NULL, NULL);
	if (is_sheaf && machine->nr_nodes == 1)
		failed |= cmocka_run_group_tests_name(machine->name, one_node,
						      NULL, NULL);
	if (is_sheaf && machine->nr_nodes > 1)
		failed |= cmocka_run_group_tests_name(machine->name, nodes,
						      NULL, NULL);
	return failed;
}

static const struct machine machines[] = {
	{ "sheaf, 1 node", "slab", "sheaf", 1 },
	{ "sheaf, 2 nodes", "slab", "sheaf", 2 },
	{ "sheaf, 4 nodes", "slab", "sheaf", 4 },
	{ "array", "slab", "array", 2 },
	{ "slob", "slob", "array", 1 },
};

/* In a process of its own: a kernel starts only once. */
static int
run_machine(const struct machine *which)
{
	pid_t pid;
	int status;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		machine = which;
		printf("# %s\n", which->name);
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
	int failed = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(machines); i++)
		failed |= run_machine(&machines[i]);
	return failed;
}
