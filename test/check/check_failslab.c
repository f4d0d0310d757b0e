/*
 * Checks of failslab itself: it fails what it was told to fail, and nothing else.
 *
 * Which ones fail is written as a text, one letter an allocation: '.' served,
 * 'x' failed.
 */
#include <kernel/check.h>
#include <kernel/error.h>
#include <kernel/inject.h>
#include <kernel/kmalloc.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/string.h>

#include "kmem/slab/debug/hooks.h"
#include "kmem/slab/debug/validate.h"
#include "kmem/slab/percpu/layer.h"
#include "check_kmem.h"
#include "check_threads.h"

#define OBJECT_SIZE 64
#define NR_DRAWS 1000
#define NR_SHOWN 12

static struct kmem_cache *meant, *other;

static void
set(const char *text)
{
	EXPECT_EQ(kmem_failslab_write(text), 0);
}

/* Whether this cache serves now. */
static bool
serves(struct kmem_cache *cache)
{
	void *object = kmem_cache_alloc(cache, GFP_KERNEL | __GFP_NOWARN);

	kmem_cache_free(cache, object);
	return object != NULL;
}

static void
draw(char *text, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		text[i] = serves(meant) ? '.' : 'x';
}

/* -- words -------------------------------------------------------------------- */

static void
expect_texts(void)
{
	static const struct {
		const char *settings, *failed;
	} cases[] = {
		{ "off", "............" },
		{ "nth=4", "...x........" },
		{ "nth=1", "x..........." },
		{ "nth=4,times=2", "...xx......." },
		{ "nth=4,times=-1", "...xxxxxxxxx" },
		{ "interval=3", "..x..x..x..x" },
		{ "interval=3,times=2", "..x..x......" },
		{ "interval=3,nth=2,times=-1", ".x..x..x..x." },
		{ "times=5", "xxxxx......." },
		{ "times=0", "............" },
		{ "space=200", "....xxxxxxxx" },
		{ "probability=0", "............" },
		{ "probability=100", "xxxxxxxxxxxx" },
		{ "2,100,64,3", "..x.x.x....." },
		{ "cache=fail-meant,nth=2", ".x.........." },
		{ "cache=fail-other", "............" },
		{ "pid=99999", "............" },
		{ "probability=100,internal=1,times=1", "x..........." },
	};
	char settings[64], failed[NR_SHOWN + 1] = "";

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(settings, sizeof(settings), "%s%s", cases[i].settings,
			 i > 0 ? ",verbose=0" : "");
		set(settings);
		draw(failed, NR_SHOWN);
		set("off");
		if (!EXPECT_EQ(strcmp(failed, cases[i].failed), 0))
			printk("# %s: %s, not %s\n", settings, failed,
			       cases[i].failed);
	}
}

static void
expect_refused(void)
{
	static const char *const wrong[] = {
		"",
		"on",
		"nth",
		"nth=",
		"nth=0",
		"nth=-1",
		"nth=x",
		"interval=0",
		"times=-2",
		"space=-1",
		"verbose=3",
		"probability=101",
		"cache=",
		"internal=2",
		"internal=",
		"colour=blue",
		"1,2,3,4,5",
		"1,2,3,-2",
		"nth=1,",
		",nth=1",
		"nth=1 ",
		"=1",
		"0,100,0,1",
		"pid=-1",
		"cache=a-name-of-24-characters-",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (!EXPECT_EQ(kmem_failslab_write(wrong[i]), -E_INVAL))
			printk("# \"%s\" was accepted\n", wrong[i]);
	/* None of them changed anything. */
	EXPECT(serves(meant));
	EXPECT_EQ(atomic_load(&slab_cache_of(meant)->closed) &
			  SLAB_CLOSED_FAILSLAB,
		  0);
}

/* About one in so many, the same ones for a seed, others for another one. */
static void
expect_chance(void)
{
	static char first[NR_DRAWS], again[NR_DRAWS], differs[NR_DRAWS];
	unsigned nr_failed = 0;

	set("probability=30,seed=7,verbose=0");
	draw(first, NR_DRAWS);
	set("probability=30,seed=7,verbose=0");
	draw(again, NR_DRAWS);
	set("probability=30,seed=8,verbose=0");
	draw(differs, NR_DRAWS);
	set("off");
	for (unsigned i = 0; i < NR_DRAWS; i++)
		nr_failed += first[i] == 'x';
	EXPECT(nr_failed > 250 && nr_failed < 350);
	EXPECT_EQ(memcmp(first, again, NR_DRAWS), 0);
	EXPECT(memcmp(first, differs, NR_DRAWS) != 0);
}

/* -- who is meant --------------------------------------------------------------- */

static int
serves_in_thread(void *cache)
{
	return serves(cache);
}

static bool
serves_another_thread(struct kmem_cache *cache)
{
	int pid = kernel_thread(serves_in_thread, cache, 0), code = -1;

	EXPECT(pid > 0);
	EXPECT_EQ(do_wait(pid, &code), pid);
	return code == 1;
}

static void
expect_filters(void)
{
	char text[64];
	void *object;

	set("cache=fail-meant,verbose=0");
	EXPECT(!serves(meant));
	EXPECT(!serves_another_thread(meant));
	EXPECT(serves(other));
	object = kmalloc(OBJECT_SIZE, GFP_KERNEL);
	EXPECT(object != NULL);
	kfree(object);

	/* (The other thread has to be born.) */
	snprintf(text, sizeof(text), "pid=%d,cache=fail-meant,verbose=0",
		 current->pid);
	set(text);
	EXPECT(!serves(meant));
	EXPECT(serves_another_thread(meant));
	set("off");
	EXPECT(serves(meant) && serves(other));
}

/* Every way to an object. */
static void
expect_every_way(void)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;
	void *objects[2] = { NULL, NULL }, *ptr = kmalloc(100, gfp);
	struct kmem_cache *made;

	EXPECT(ptr != NULL);
	set("probability=100,verbose=0");
	EXPECT(kmem_cache_alloc(meant, gfp) == NULL);
	EXPECT(kmem_cache_zalloc(meant, gfp) == NULL);
	EXPECT(kmem_cache_alloc_node(meant, gfp, nr_page_nodes - 1) == NULL);
	EXPECT(kmem_cache_alloc_node(meant, gfp, NODE_ANY) == NULL);
	EXPECT(!kmem_cache_alloc_bulk(meant, gfp, 2, objects));
	EXPECT(kmalloc(1, gfp) == NULL);
	EXPECT(kmalloc(KMEM_CACHE_SIZE_MAX, gfp) == NULL);
	EXPECT(kcalloc(10, 10, gfp) == NULL);
	EXPECT(krealloc(ptr, 5000, gfp) == NULL);
	EXPECT(krealloc(ptr, 10, gfp) == ptr);
	/* The allocator itself is spared, and a new cache is meant, too. */
	made = kmem_cache_create("fail-new", OBJECT_SIZE, 0, 0, NULL);
	if (EXPECT(made != NULL)) {
		EXPECT(!serves(made));
		set("off");
		EXPECT(serves(made));
		EXPECT_EQ(kmem_cache_destroy(made), 0);
	}
	set("internal=1,verbose=0");
	EXPECT(kmem_cache_create("fail-new", OBJECT_SIZE, 0, 0, NULL) == NULL);
	/* One that is still to come, by name. */
	set("cache=fail-new,verbose=0");
	made = kmem_cache_create("fail-new", OBJECT_SIZE, 0, 0, NULL);
	if (EXPECT(made != NULL)) {
		EXPECT(!serves(made) && serves(meant));
		EXPECT_EQ(kmem_cache_destroy(made), 0);
	}
	set("off");
	kfree(ptr);
}

/* -- cost ------------------------------------------------------------------------- */

struct fronts {
	struct kmem_cache *cache;
	unsigned nr_closed; /* atomic */
};

static void
front_look(void *arg)
{
	struct fronts *fronts = arg;

	if (fronts->cache->stack[arch_cpu_id()] == &kmem_closed_stack)
		(void)atomic_add(&fronts->nr_closed, 1);
}

/* CPUs on which the front must not serve by itself. */
static unsigned
nr_closed(struct kmem_cache *cache)
{
	struct fronts fronts = { .cache = cache };

	percpu_on_each(front_look, &fronts);
	return fronts.nr_closed;
}

/* Only who is meant pays. (fast=plain and slab_debug= close all, for other reasons.) */
static void
expect_front(void)
{
	bool is_closed = slab_kernel_root.closed != 0 ||
			 slab_debug(slab_cache_of(meant)) != 0;
	unsigned usual = is_closed ? nr_cpus : 0;

	EXPECT_EQ(nr_closed(meant), usual);
	set("cache=fail-meant,verbose=0,probability=0");
	EXPECT_EQ(nr_closed(meant), nr_cpus);
	EXPECT_EQ(nr_closed(other), usual);
	set("cache=fail-other,verbose=0,probability=0");
	EXPECT_EQ(nr_closed(meant), usual);
	EXPECT_EQ(nr_closed(other), nr_cpus);
	set("off");
	EXPECT_EQ(nr_closed(meant), usual);
	EXPECT_EQ(nr_closed(other), usual);
}

/* -- many at once ----------------------------------------------------------------- */

#define NR_EACH 2000
#define NR_TIMES 500

static unsigned long nr_null; /* atomic */

static int
draw_in_thread(void *unused)
{
	for (unsigned i = 0; i < NR_EACH; i++)
		if (!serves(meant))
			(void)atomic_add(&nr_null, 1);
	return 0;
}

/* A thread on each CPU draws, and in the middle of it this one does `meanwhile`. */
static void
draw_everywhere(void (*meanwhile)(void))
{
	int pids[MAX_CPUS] = { 0 };

	atomic_store(&nr_null, 0ul);
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		pids[cpu] = kernel_thread_on(cpu, "draw", draw_in_thread, NULL);
		EXPECT(pids[cpu] > 0);
	}
	if (meanwhile != NULL)
		meanwhile();
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		EXPECT_EQ(do_wait(pids[cpu], NULL), pids[cpu]);
}

static void
set_again_and_again(void)
{
	for (unsigned i = 0; i < 10; i++)
		set(i % 2 == 0 ? "off" : "probability=50,verbose=0");
	set("off");
}

/* Threads on all CPUs together get so many failures, not one more or less; and
 * whoever sets it meanwhile disturbs nobody. */
static void
expect_exact_count(void)
{
	set("probability=50,times=500,cache=fail-meant,verbose=0");
	draw_everywhere(NULL);
	EXPECT_EQ(atomic_load(&nr_null), NR_TIMES);
	EXPECT_EQ(atomic_load(&slab_kernel_root.fail.attr.nr_failed), NR_TIMES);
	EXPECT_EQ(atomic_load(&slab_kernel_root.fail.attr.nr_seen),
		  nr_cpus * NR_EACH);
	EXPECT_EQ(inject_nr_sites(&slab_kernel_root.fail.attr), 1);
	set("off");
	draw_everywhere(set_again_and_again);
	EXPECT(serves(meant));
}

void
check_failslab(void)
{
	struct quiet_state before;

	if (kmem_kernel.ops->failslab_write == NULL) {
		EXPECT_EQ(kmem_failslab_write("nth=1"), -E_NOT_FOUND);
		check_skip("the back end has no failslab");
		return;
	}
	before = quiet_state_take();
	meant = kmem_cache_create("fail-meant", OBJECT_SIZE, 0, 0, NULL);
	other = kmem_cache_create("fail-other", OBJECT_SIZE, 0, 0, NULL);
	if (!EXPECT(meant != NULL && other != NULL))
		return;
	expect_front();
	expect_texts();
	expect_refused();
	expect_chance();
	expect_filters();
	expect_every_way();
	expect_exact_count();
	EXPECT_EQ(kmem_cache_destroy(meant), 0);
	EXPECT_EQ(kmem_cache_destroy(other), 0);
	EXPECT(slab_validate(&slab_kernel_root));
	quiet_state_expect(&before);
}
