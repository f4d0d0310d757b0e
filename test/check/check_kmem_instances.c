/*
 * Instances of the object allocators, side by side: two with different layers between
 * CPUs and slabs, threads on every CPU that work in both, and the end of one while the
 * other works on.
 *
 * Each object carries the number of its instance and a pattern. One that turned up in
 * two places, or that a CPU of the wrong layer handed out, shows in the pattern; one that
 * got lost, in the pages that are not back at the end.
 */
#include <kernel/check.h>
#include <kernel/error.h>
#include <kernel/kmem.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/string.h>

#include "kmem/front.h"
#include "check_kmem.h"
#include "check_threads.h"

#define ROUNDS_DEFAULT 20000
#define THREADS_PER_CPU 2
#define NR_HELD 64
#define LARGEST 3000

/* An instance, and those who work in it. */
struct ground {
	unsigned number;
	struct kmem *kmem;
	struct kmem_cache *cache;
	unsigned long rounds;	/* of each thread, at least */
	unsigned may_end;	/* until then the threads go on; atomic */
	unsigned nr_working;	/* threads; atomic */
	unsigned long nr_wrong; /* objects; atomic */
};

/* What stands at the beginning of each object. */
struct stone {
	unsigned ground;
	unsigned size;
	unsigned char pattern;
};

static unsigned
random_below(unsigned *state, unsigned n)
{
	*state = *state * 1103515245u + 12345u;
	return (*state >> 16) % n;
}

static void
stone_fill(struct stone *stone, const struct ground *ground, unsigned size,
	   unsigned char pattern)
{
	stone->ground = ground->number;
	stone->size = size;
	stone->pattern = pattern;
	memset(stone + 1, pattern, size - sizeof(*stone));
}

static bool
stone_is_whole(const struct stone *stone, const struct ground *ground)
{
	const unsigned char *bytes = (const unsigned char *)(stone + 1);
	size_t nr = stone->size - sizeof(*stone);

	return stone->ground == ground->number && stone->size <= LARGEST &&
	       (nr == 0 || (bytes[0] == stone->pattern &&
			    memcmp(bytes, bytes + 1, nr - 1) == 0));
}

/* Every other one from the cache. NULL: no memory. */
static struct stone *
stone_new(struct ground *ground, unsigned *state)
{
	unsigned size = (unsigned)sizeof(struct stone) +
			random_below(state, LARGEST - sizeof(struct stone));
	bool is_named = random_below(state, 2) == 0;
	struct stone *stone;

	if (is_named)
		size = (unsigned)kmem_cache_size(ground->cache);
	stone = is_named ? kmem_cache_alloc(ground->cache,
					    GFP_KERNEL | __GFP_NOWARN)
			 : kmem_alloc(ground->kmem, size,
				      GFP_KERNEL | __GFP_NOWARN);
	if (stone != NULL)
		stone_fill(stone, ground, size,
			   (unsigned char)random_below(state, 256));
	return stone;
}

/* kfree knows where it is from, named cache or not. */
static void
stone_end(struct stone *stone, struct ground *ground)
{
	if (stone == NULL)
		return;
	if (!stone_is_whole(stone, ground))
		(void)atomic_add(&ground->nr_wrong, 1);
	kfree(stone);
}

static int
thread_work(void *arg)
{
	struct stone *held[NR_HELD] = { NULL };
	struct ground *ground = arg;
	unsigned state = (unsigned)current->pid;

	for (unsigned long i = 0;
	     i < ground->rounds || atomic_load(&ground->may_end) == 0; i++) {
		struct stone **place = &held[random_below(&state, NR_HELD)];

		stone_end(*place, ground);
		*place = stone_new(ground, &state);
		if (i % 512 == 0)
			yield();
		if (i % 4096 == 0)
			(void)kmem_shrink(); /* of both */
	}
	for (unsigned i = 0; i < NR_HELD; i++)
		stone_end(held[i], ground);
	(void)atomic_sub(&ground->nr_working, 1);
	return 0;
}

/* -- one ground ------------------------------------------------------------------- */

static bool
ground_make(struct ground *ground, unsigned number, const char *layer,
	    unsigned long rounds)
{
	const struct kmem_args args = { .name = layer,
					.kmalloc = "slab",
					.cpu = layer };
	const struct kmem_cache_args cache_args = { .align = 0 };

	*ground = (struct ground){ .number = number, .rounds = rounds };
	if (!EXPECT_EQ(kmem_create(&args, &ground->kmem), 0))
		return false;
	/* Of the same name in both: names are each instance's own. */
	ground->cache =
		kmem_create_cache(ground->kmem, "stones", 200, &cache_args, 0);
	return EXPECT(ground->cache != NULL);
}

/* The threads of one ground on each CPU; returns how many. */
static unsigned
ground_work(struct ground *ground)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < nr_cpus * THREADS_PER_CPU; i++) {
		(void)atomic_add(&ground->nr_working, 1);
		if (EXPECT(kernel_thread_on(i % nr_cpus, "stones", thread_work,
					    ground) > 1))
			nr++;
		else
			(void)atomic_sub(&ground->nr_working, 1);
	}
	return nr;
}

static void
ground_wait(struct ground *ground)
{
	while (atomic_load(&ground->nr_working) != 0)
		(void)sleep_ticks(1);
}

/* With an object out it stays, and works as before; without, it ends with its cache. */
static void
ground_end(struct ground *ground)
{
	unsigned long nr_reports = kmem_nr_reports();
	void *object = kmem_alloc(ground->kmem, 5000, GFP_KERNEL);

	EXPECT(object != NULL);
	EXPECT_EQ(kmem_destroy(ground->kmem), -E_BUSY);
	kfree(object);
	object = kmem_cache_alloc(ground->cache, GFP_KERNEL);
	EXPECT(object != NULL);
	EXPECT_EQ(kmem_destroy(ground->kmem), -E_BUSY);
	kmem_cache_free(ground->cache, object);
	EXPECT_EQ(kmem_nr_reports(), nr_reports + 2);

	EXPECT(kmem_validate(ground->kmem));
	EXPECT_EQ(ground->nr_wrong, 0);
	EXPECT_EQ(kmem_destroy(ground->kmem), 0);
}

/* -- the check --------------------------------------------------------------------- */

void
check_kmem_instances(void)
{
	unsigned nr_threads = nr_cpus * THREADS_PER_CPU;
	unsigned long share =
		check_arg("rounds", ROUNDS_DEFAULT) / nr_threads + 1;
	struct quiet_state before = quiet_state_take();
	struct ground sheaf, array;

	if (!ground_make(&sheaf, 1, "sheaf", share) ||
	    !ground_make(&array, 2, "array", share))
		return;
	atomic_store(&sheaf.may_end, 1u);
	EXPECT_EQ(ground_work(&array), nr_threads);
	EXPECT_EQ(ground_work(&sheaf), nr_threads);
	ground_wait(&sheaf);
	ground_end(&sheaf);
	EXPECT_EQ(atomic_load(&array.nr_working), nr_threads);
	atomic_store(&array.may_end, 1u);
	while (do_wait(0, NULL) > 0)
		;
	ground_end(&array);
	printk("# kmem_instances: %lu rounds in each, %u threads on %u CPUs\n",
	       share * nr_threads, 2 * nr_threads, nr_cpus);
	quiet_state_expect(&before);
}
