/*
 * One object is leaked on purpose, and the scan finds that one and no other.
 */
#include <kernel/check.h>
#include <kernel/error.h>
#include <kernel/kmalloc.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/string.h>

#include "kmem/front.h"
#include "check_kmem.h"
#include "check_slab_debug.h"

/* Addresses are kept so that no scan knows them for such. */
#define MASK (~(uintptr_t)0)

#define CHAIN 50
#define SIZE 40
#define NR_BIG 8

static struct kmem_cache *leaky, *unseen;
static uintptr_t lost;		   /* disguised */
static uintptr_t lost_big[NR_BIG]; /* likewise */
static uintptr_t first;		   /* of a chain, likewise */

/* A chain that only its first object holds. */
struct ring {
	struct ring *next;
	unsigned long other[SIZE / sizeof(long) - 1];
};
static struct ring *kept; /* a root */

/* On a stack of its own, which is gone when the scan comes. */
static int
thread_lose(void *arg)
{
	unsigned char *object = kmem_cache_alloc(leaky, GFP_KERNEL);

	EXPECT(object != NULL);
	memset(object, 0x77, SIZE);
	lost = (uintptr_t)object ^ MASK;
	return 0;
}

/* Looks at the report of the lost one, and frees it: on a stack of its own, too,
 * since its address must not stay behind on ours. */
static int
thread_find(void *arg)
{
	void *object = (void *)(lost ^ MASK);
	char text[80];

	snprintf(text, sizeof(text), "leak: object %p of cache leaky, %d bytes",
		 object, SIZE);
	EXPECT(report_has(text));
	kmem_cache_free(leaky, object);
	return 0;
}

/* From a cache that nobody looks at: the CPU's stack has had the lost one, and
 * still holds a free one that leads to it. */
static int
thread_lose_unseen(void *arg)
{
	uintptr_t *object = kmem_cache_zalloc(unseen, GFP_KERNEL);
	uintptr_t **holder = kmem_cache_zalloc(unseen, GFP_KERNEL);

	if (!EXPECT(holder != NULL && object != NULL))
		return 0;
	lost = (uintptr_t)object ^ MASK;
	holder[2] = object;
	kmem_cache_free(unseen, holder);
	return 0;
}

static int
thread_find_unseen(void *arg)
{
	kmem_cache_free(unseen, (void *)(lost ^ MASK));
	return 0;
}

static int
thread_lose_big(void *arg)
{
	for (unsigned i = 0; i < NR_BIG; i++)
		lost_big[i] = (uintptr_t)kmalloc(5u << 20,
						 GFP_KERNEL | __GFP_NOWARN) ^
			      MASK;
	return 0;
}

static int
thread_find_big(void *arg)
{
	for (unsigned i = 0; i < NR_BIG; i++)
		kfree((void *)(lost_big[i] ^ MASK));
	return 0;
}

static int
thread_keep(void *arg)
{
	for (unsigned i = 0; i < CHAIN; i++) {
		struct ring *ring = kmem_cache_zalloc(leaky, GFP_KERNEL);

		if (!EXPECT(ring != NULL))
			break;
		ring->next = kept;
		kept = ring;
	}
	first = (uintptr_t)kept ^ MASK;
	return 0;
}

/* Only a sleeping thread's stack, or a register of it, knows the object. */
static bool go_on;

static int
thread_hold(void *arg)
{
	void *object = kmem_cache_alloc(leaky, GFP_KERNEL);

	atomic_store(&go_on, false);
	while (!atomic_load(&go_on))
		yield();
	kmem_cache_free(leaky, object);
	return 0;
}

static void
in_a_thread(thread_fn *fn)
{
	int pid = kernel_thread_on(CPU_ANY, "loser", fn, NULL);

	if (EXPECT(pid > 0))
		EXPECT_EQ(do_wait(pid, NULL), pid);
}

static void
lose_one(void)
{
	in_a_thread(thread_lose);
	report_listen();
	EXPECT_EQ(leaks_find(), 1);
	EXPECT(report_has(": 77 77 77"));
	EXPECT(report_has("allocated by thread loser"));
	EXPECT(report_has("thread_lose+0x"));
	in_a_thread(thread_find);
	EXPECT_EQ(leaks_find(), 0);
}

static void
lose_unseen(void)
{
	in_a_thread(thread_lose_unseen);
	report_listen();
	EXPECT_EQ(leaks_find(), 1);
	EXPECT(report_has("of cache unseen"));
	in_a_thread(thread_find_unseen);
	EXPECT_EQ(leaks_find(), 0);
}

/* The first of a chain is lost, and all others with it. */
static void
lose_chain(void)
{
	in_a_thread(thread_keep);
	EXPECT_EQ(leaks_find(), 0);
	kept = NULL;
	EXPECT_EQ(leaks_find(), CHAIN);
	/* An address inside of the first is enough. */
	kept = (struct ring *)((first ^ MASK) + SIZE - sizeof(long));
	EXPECT_EQ(leaks_find(), 0);
	kept = (struct ring *)(first ^ MASK);
	while (kept != NULL) {
		struct ring *ring = kept;

		kept = ring->next;
		kmem_cache_free(leaky, ring);
	}
}

static void
lose_big(void)
{
	in_a_thread(thread_lose_big);
	if ((lost_big[NR_BIG - 1] ^ MASK) != 0) { /* else: so little memory */
		report_listen();
		/* Their addresses are round, and pages that lay there before may
		 * be named by stale words still: some may be hidden. */
		EXPECT(leaks_find() >= 2);
		EXPECT(report_has("pages of kmalloc at"));
	}
	in_a_thread(thread_find_big);
	EXPECT_EQ(leaks_find(), 0);
}

static void
hold_one(void)
{
	int pid;

	go_on = true;
	pid = kernel_thread_on(CPU_ANY, "holder", thread_hold, NULL);
	if (!EXPECT(pid > 0))
		return;
	while (atomic_load(&go_on))
		yield();
	EXPECT_EQ(leaks_find(), 0);
	atomic_store(&go_on, true);
	EXPECT_EQ(do_wait(pid, NULL), pid);
}

void
check_slab_leaks(void)
{
	if (kmem_kernel.ops != &kmem_slab_ops) {
		check_skip("kmalloc= is not slab");
		EXPECT_EQ(leaks_find(), -E_NOT_FOUND);
		return;
	}
	leaky = kmem_cache_create("leaky", SIZE, 0, SLAB_STORE_USER, NULL);
	unseen = kmem_cache_create("unseen", SIZE, 0, 0, NULL);
	if (!EXPECT(leaky != NULL && unseen != NULL))
		return;
	report_listen();
	EXPECT_EQ(leaks_find(), 0);
	lose_one();
	lose_unseen();
	lose_chain();
	lose_big();
	hold_one();
	kmem_report_observer = NULL;
	EXPECT_EQ(kmem_cache_destroy(leaky), 0);
	EXPECT_EQ(kmem_cache_destroy(unseen), 0);
	leaky = NULL;
	unseen = NULL;
}
