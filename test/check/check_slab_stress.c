/*
 * Objects that go from CPU to CPU: threads on every CPU allocate, fill, hand
 * over through mailboxes, verify and free what others have allocated. A timer
 * does the same in interrupts. Served by the back end that was chosen.
 *
 * Two owners of one object, or an allocator that writes into objects that are
 * out, show in the pattern; a constructed object that loses its state, in its
 * magic word; objects that get lost, in the pages that are not back at the end.
 */
#include <kernel/check.h>
#include <kernel/error.h>
#include <kernel/kmem.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/timer.h>

#include "check_kmem.h"
#include "check_threads.h"

#define OBJECTS_DEFAULT 40000
#define THREADS_PER_CPU 2
#define NR_BOXES 61
#define LARGEST 3000
#define MAGIC 0x51ab51abu
#define BULK 40

/* What stands at the beginning of every object. */
struct parcel {
	unsigned magic; /* the constructor's, in objects of the cache */
	unsigned size;	/* 0: of the cache */
	unsigned seed;
};

static struct kmem_cache *parcels;
static struct parcel *boxes[NR_BOXES];	  /* atomic */
static unsigned long nr_wrong, nr_passed; /* atomic */

static unsigned
random_next(unsigned *state)
{
	*state = *state * 1103515245u + 12345u;
	return *state >> 16;
}

static void
parcel_construct(void *object)
{
	((struct parcel *)object)->magic = MAGIC;
}

#define PARCEL_SIZE 200

static size_t
parcel_size(const struct parcel *parcel)
{
	return parcel->size != 0 ? parcel->size : PARCEL_SIZE;
}

static void
parcel_fill(struct parcel *parcel, unsigned seed)
{
	unsigned char *bytes = (unsigned char *)parcel;

	parcel->seed = seed;
	for (size_t i = sizeof(*parcel); i < parcel_size(parcel); i += 7)
		bytes[i] = (unsigned char)(seed + i);
}

static bool
parcel_is_whole(const struct parcel *parcel)
{
	const unsigned char *bytes = (const unsigned char *)parcel;

	if (parcel->magic != MAGIC || parcel->size > LARGEST)
		return false;
	for (size_t i = sizeof(*parcel); i < parcel_size(parcel); i += 7)
		if (bytes[i] != (unsigned char)(parcel->seed + i))
			return false;
	return true;
}

/* Every other one from the cache. */
static struct parcel *
parcel_new(unsigned *state, gfp_t gfp)
{
	unsigned size = (unsigned)sizeof(struct parcel) +
			random_next(state) %
				(LARGEST - (unsigned)sizeof(struct parcel));
	struct parcel *parcel;

	if (random_next(state) % 2 == 0) {
		parcel = kmem_cache_alloc(parcels, gfp | __GFP_NOWARN);
		if (parcel == NULL)
			return NULL;
		if (parcel->magic != MAGIC)
			(void)atomic_add(&nr_wrong, 1);
		parcel->size = 0;
	} else {
		parcel = kmalloc(size, gfp | __GFP_NOWARN);
		if (parcel == NULL)
			return NULL;
		parcel->magic = MAGIC;
		parcel->size = size;
	}
	parcel_fill(parcel, random_next(state));
	return parcel;
}

static void
parcel_end(struct parcel *parcel)
{
	if (parcel == NULL)
		return;
	if (!parcel_is_whole(parcel))
		(void)atomic_add(&nr_wrong, 1);
	(void)atomic_add(&nr_passed, 1);
	if (parcel->size == 0)
		kmem_cache_free(parcels, parcel);
	else
		kfree(parcel);
}

/* Many of the cache, to nobody and back. */
static void
bulk_round(unsigned *state)
{
	void *objects[BULK];
	size_t nr = 1 + random_next(state) % BULK;

	if (!kmem_cache_alloc_bulk(parcels, GFP_KERNEL | __GFP_NOWARN, nr,
				   objects))
		return;
	for (size_t i = 0; i < nr; i++) {
		struct parcel *parcel = objects[i];

		if (parcel->magic != MAGIC)
			(void)atomic_add(&nr_wrong, 1);
		parcel->size = 0;
		parcel_fill(parcel, (unsigned)i);
	}
	for (size_t i = 0; i < nr; i++)
		if (!parcel_is_whole(objects[i]))
			(void)atomic_add(&nr_wrong, 1);
	kmem_cache_free_bulk(parcels, nr, objects);
}

static void
exchange_one(unsigned *state, gfp_t gfp)
{
	struct parcel **box = &boxes[random_next(state) % NR_BOXES];
	struct parcel *parcel = parcel_new(state, gfp);

	parcel_end(atomic_exchange(box, parcel));
}

static int
thread_exchange(void *arg)
{
	unsigned long left = *(unsigned long *)arg;
	unsigned state = (unsigned)current->pid;

	for (; left > 0; left--) {
		exchange_one(&state, GFP_KERNEL);
		if (left % 64 == 0)
			bulk_round(&state);
		if (left % 512 == 0)
			yield();
		if (left % 4096 == 0)
			(void)kmem_cache_shrink(parcels);
	}
	return 0;
}

/* In interrupts, as long as it is armed. */
static unsigned interrupt_state;

static void
tick_exchange(struct timer *timer)
{
	for (unsigned i = 0; i < 8; i++)
		exchange_one(&interrupt_state, GFP_ATOMIC);
	timer_arm(timer, 1);
}

static void
boxes_empty(void)
{
	for (unsigned i = 0; i < NR_BOXES; i++)
		parcel_end(atomic_exchange(&boxes[i], NULL));
}

void
check_slab_stress(void)
{
	unsigned nr_threads = nr_cpus * THREADS_PER_CPU;
	unsigned long share =
		check_arg("objects", OBJECTS_DEFAULT) / nr_threads + 1;
	struct quiet_state before = quiet_state_take();
	struct timer timer;

	nr_wrong = 0;
	nr_passed = 0;
	parcels = kmem_cache_create("check parcels", PARCEL_SIZE, 0, 0,
				    parcel_construct);
	if (!EXPECT(parcels != NULL))
		return;
	timer_init(&timer, tick_exchange);
	timer_arm(&timer, 1);
	for (unsigned i = 0; i < nr_threads; i++)
		EXPECT(kernel_thread_on(i % nr_cpus, "exchange",
					thread_exchange, &share) > 1);
	while (do_wait(0, NULL) > 0)
		;
	/* It arms itself: cancelled for good once its function is not running. */
	while (!timer_cancel(&timer))
		yield();
	boxes_empty();
	EXPECT_EQ(nr_wrong, 0);
	EXPECT(nr_passed >= share * nr_threads / 2);
	EXPECT(kmem_validate(&kmem_kernel));
	EXPECT_EQ(kmem_cache_destroy(parcels), 0);
	printk("# slab_stress: %lu objects between %u threads on %u CPUs\n",
	       nr_passed, nr_threads, nr_cpus);
	quiet_state_expect(&before);
}
