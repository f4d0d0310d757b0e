/*
 * cpu=sheaf on several CPUs: what its counters say about who shares what.
 *
 *	own	two CPUs of a node, each frees what it has allocated: after the
 *		first time neither takes a sheaf from the other one, nor an object
 *		out of a slab, however they overlap
 *	handed	one allocates, the other frees, then the other way round: whole
 *		sheaves come back, for empty ones; no object goes through a slab
 *	left	nobody uses it any more: one reaper empties both CPUs' shelves
 *
 * The reapers are held meanwhile: what lies there is to be used, not given back.
 */
#include <kernel/check.h>
#include <kernel/error.h>
#include <kernel/kmalloc.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/timer.h>

#include "kmem/slab/chain.h"
#include "kmem/slab/debug/hooks.h"
#include "kmem/slab/fail.h"
#include "kmem/slab/percpu/sheaf.h"
#include "check_kmem.h"
#include "check_threads.h"

#define OBJECT_SIZE 200
#define NR_OBJECTS 2000
#define OWN_ROUNDS 100
/* By then there are as many objects as two CPUs can hold besides. */
#define HANDED_WARM_UP 5
#define HANDED_ROUNDS 20
/* What each shelf may keep, however little memory there is: all objects' sheaves. */
#define ENOUGH_SHEAVES 64u
/* And a node has them without asking another one. */
#define NODE_FRACTION 32 /* of it is a cache's to keep */
#define NODE_PAGES_MIN ((4 << 20) / PAGE_SIZE)

struct hand {
	struct kmem_cache *cache;
	unsigned cpu;
	unsigned nr_failed;
	void *objects[NR_OBJECTS];
};

static struct hand hands[2];

static int
hand_take(void *arg)
{
	struct hand *hand = arg;

	for (unsigned i = 0; i < NR_OBJECTS; i++) {
		hand->objects[i] = kmem_cache_alloc(hand->cache, GFP_KERNEL);
		hand->nr_failed += hand->objects[i] == NULL;
	}
	return 0;
}

static int
hand_give(void *arg)
{
	struct hand *hand = arg;

	for (unsigned i = 0; i < NR_OBJECTS; i++)
		kmem_cache_free(hand->cache, hand->objects[i]);
	return 0;
}

static int
hand_rounds(void *arg)
{
	for (unsigned round = 0; round < OWN_ROUNDS; round++) {
		(void)hand_take(arg);
		(void)hand_give(arg);
	}
	return 0;
}

/* Both do this at the same time, each on its CPU; NULL: that one does nothing. */
static void
hands_do(int (*first)(void *), int (*second)(void *))
{
	int pids[2] = { 0, 0 };

	if (first != NULL)
		pids[0] = kernel_thread_on(hands[0].cpu, "hand", first,
					   &hands[0]);
	if (second != NULL)
		pids[1] = kernel_thread_on(hands[1].cpu, "hand", second,
					   &hands[1]);
	for (unsigned i = 0; i < 2; i++) {
		EXPECT(pids[i] >= 0);
		if (pids[i] > 0)
			EXPECT_EQ(do_wait(pids[i], NULL), pids[i]);
	}
}

/* What was counted, of their node. */
struct counts {
	unsigned long fetched, taken, put;
};

static struct counts
counts_take(void)
{
	struct slab_cache *cache = slab_cache_of(hands[0].cache);
	struct kmem_cache_node *node = cache->node[node_of_cpu[hands[0].cpu]];
	struct counts counts = { .fetched = 0 };
	irq_state_t state;

	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		counts.fetched +=
			atomic_load_relaxed(&node->depot->shelves[cpu].fetched);
	state = spin_lock_irqsave(&node->lock);
	counts.taken = node->taken;
	counts.put = node->put;
	spin_unlock_irqrestore(&node->lock, state);
	return counts;
}

static void
each_its_own(void)
{
	struct counts before, after;

	/* Both have their objects at the same time; so there are enough. */
	hands_do(hand_take, hand_take);
	hands_do(hand_give, hand_give);
	before = counts_take();
	hands_do(hand_rounds, hand_rounds);
	after = counts_take();
	EXPECT_EQ(after.fetched - before.fetched, 0);
	EXPECT_EQ(after.taken - before.taken, 0);
	EXPECT_EQ(after.put - before.put, 0);
}

/* Frees what the other one has. */
static int
hand_give_others(void *arg)
{
	return hand_give(&hands[0]);
}

static void
handed_over(void)
{
	unsigned limit = slab_cache_of(hands[0].cache)->tunables.limit;
	unsigned sheaves = NR_OBJECTS / limit;
	struct counts before, after;

	for (unsigned round = 0; round < HANDED_WARM_UP; round++) {
		hands_do(hand_take, NULL);
		hands_do(NULL, hand_give_others);
	}
	before = counts_take();
	for (unsigned round = 0; round < HANDED_ROUNDS; round++) {
		hands_do(hand_take, NULL);
		hands_do(NULL, hand_give_others);
	}
	after = counts_take();
	printk("# slab_shelves: %u objects handed over, %lu sheaves of %u fetched\n",
	       HANDED_ROUNDS * NR_OBJECTS, after.fetched - before.fetched,
	       limit);
	EXPECT(after.fetched - before.fetched >=
	       (unsigned long)HANDED_ROUNDS * (sheaves - 2));
	/* Empty ones come back by the same way: nobody has to look for them. */
	EXPECT(after.fetched - before.fetched <=
	       (unsigned long)HANDED_ROUNDS * (sheaves + 2));
	EXPECT_EQ(after.taken - before.taken, 0);
	EXPECT_EQ(after.put - before.put, 0);
}

/* Two visits of one CPU's reaper to its node, all of it. */
static int
hand_reap(void *arg)
{
	struct hand *hand = arg;
	struct slab_cache *cache = slab_cache_of(hand->cache);
	struct kmem_cache_node *node = cache->node[node_of_cpu[hand->cpu]];

	for (unsigned visit = 0; visit < 2; visit++) {
		irq_state_t state = spin_lock_irqsave(&node->lock);

		node->next_reap = ticks_now();
		spin_unlock_irqrestore(&node->lock, state);
		cache->layer->reap(cache, ticks_now());
	}
	return 0;
}

static unsigned
nr_on_shelf(unsigned cpu)
{
	struct slab_cache *cache = slab_cache_of(hands[0].cache);
	struct depot *depot = cache->node[node_of_cpu[hands[0].cpu]]->depot;

	return atomic_load_relaxed(&depot->shelves[cpu].nr_full) +
	       atomic_load_relaxed(&depot->shelves[cpu].nr_empty);
}

/* Nobody needs it any more, and any of the node's reapers takes it away. */
static void
left_alone(int (*first)(void *), int (*second)(void *))
{
	struct slab_cache *cache = slab_cache_of(hands[0].cache);

	hands_do(hand_take, hand_take);
	hands_do(hand_give, hand_give);
	EXPECT(nr_on_shelf(hands[0].cpu) > 0);
	EXPECT(nr_on_shelf(hands[1].cpu) > 0);
	/* All of what both freed, but for two sheaves of each. */
	EXPECT(cache->layer->nr_shared(cache) +
		       4 * (size_t)cache->tunables.limit >=
	       2 * NR_OBJECTS);
	hands_do(first, second);
	EXPECT_EQ(nr_on_shelf(hands[0].cpu), 0);
	EXPECT_EQ(nr_on_shelf(hands[1].cpu), 0);
}

/* Full sheaves on the shelf of one CPU, whose objects another one frees: it uses the
 * empty ones that are left of them there, and none is made. The shelves are empty. */
static void
empty_ones_fetched(void)
{
	unsigned limit = slab_cache_of(hands[0].cache)->tunables.limit;
	struct counts before, after;

	hands_do(hand_take, NULL);
	hands_do(hand_give, NULL);
	hands_do(hand_take, NULL);
	before = counts_take();
	hands_do(NULL, hand_give_others);
	after = counts_take();
	EXPECT(after.fetched - before.fetched >= NR_OBJECTS / limit - 4);
	EXPECT_EQ(after.put - before.put, 0);
}

/* The other way round: from a CPU with a higher number, the search begins anew at 0. */
static void
hands_swap(void)
{
	unsigned cpu = hands[0].cpu;

	hands[0].cpu = hands[1].cpu;
	hands[1].cpu = cpu;
}

/* Two CPUs of one node; false: there are none. */
static bool
find_hands(void)
{
	for (unsigned a = 0; a < nr_cpus; a++) {
		for (unsigned b = a + 1; b < nr_cpus; b++) {
			if (node_of_cpu[a] != node_of_cpu[b])
				continue;
			hands[0].cpu = a;
			hands[1].cpu = b;
			return true;
		}
	}
	return false;
}

/* Small machines' shelves would refuse some; what is looked for here is the way they
 * take, not how much they keep. */
static void
make_room(void)
{
	struct slab_tunables tunables =
		slab_tunables_get(slab_cache_of(hands[0].cache));
	unsigned home = node_of_cpu[hands[0].cpu];
	size_t most = 0;
	char text[64];

	/* All that a node's own CPUs may leave there is its part at most. */
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		if (node_of_cpu[cpu] == home)
			most += (size_t)tunables.shared * tunables.limit;
	EXPECT(most * OBJECT_SIZE / PAGE_SIZE <=
	       nr_managed_pages() / nr_page_nodes / NODE_FRACTION);
	snprintf(text, sizeof(text), "shelves %u %u %u", tunables.limit,
		 tunables.batchcount, ENOUGH_SHEAVES);
	EXPECT_EQ(kmem_slabinfo_write(text), 0);
	EXPECT(ENOUGH_SHEAVES * tunables.limit >= 2 * NR_OBJECTS);
}

void
check_slab_shelves(void)
{
	struct kmem_cache *cache;

	if (kmem_kernel.ops != &kmem_slab_ops ||
	    slab_kernel_root.layer != &sheaf_layer || !find_hands()) {
		check_skip("needs cpu=sheaf and two CPUs of one node");
		return;
	}
	if (nr_managed_pages() / nr_page_nodes < NODE_PAGES_MIN) {
		check_skip("needs 4 MiB a node");
		return;
	}
	cache = kmem_cache_create("shelves", OBJECT_SIZE, 0, 0, NULL);
	if (!EXPECT(cache != NULL))
		return;
	hands[0].cache = hands[1].cache = cache;
	hands[0].nr_failed = hands[1].nr_failed = 0;
	if (slab_debug(slab_cache_of(cache)) == 0) {
		make_room();
		workers_hold();
		each_its_own();
		handed_over();
		hands_swap();
		handed_over();
		left_alone(hand_reap, NULL);
		left_alone(NULL, hand_reap);
		empty_ones_fetched();
		workers_go();
	} else {
		check_skip("a cache that is debugged has no sheaves");
	}
	EXPECT_EQ(hands[0].nr_failed + hands[1].nr_failed, 0);
	EXPECT_EQ(kmem_cache_destroy(cache), 0);
	/* Nothing here leads to objects any more, for those who look for leaks. */
	memset(hands, 0, sizeof(hands));
}
