/*
 * Every allocation fails in turn: a walk over the error paths.
 *
 * A step is an operation that allocates: the birth of a thread, a new cache, a
 * command. From the same quiet state it is done again and again while its first
 * allocation fails, then its second, and so on until one run met no failure.
 * Each run is made twice: only that one fails, or that one and all after it
 * (then no other node can help, and the clean-up finds no memory either).
 *
 *	quiet -> prepare -> arm n -> run -> disarm -> finish -> quiet
 *
 * The run returns 0 or -E_NO_MEM, nothing else; finish takes back what was done,
 * or looks whether it is as if nothing had been tried; then pages, threads,
 * caches and live objects are counted, and the back end validates itself.
 *
 * What fails: failpoints of any kind in debug builds; the slab allocator's
 * objects, its own too, in every build.
 */
#include <kernel/check.h>
#include <kernel/error.h>
#include <kernel/failpoint.h>
#include <kernel/fault.h>
#include <kernel/kmalloc.h>
#include <kernel/monitor.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/timer.h>

#include "../../core/kmem/slab.h"
#include "../../core/proc/internal.h"
#include "check_threads.h"

/* No step has as many allocations. */
#define WALK_MAX 1000
#define NR_BULK 100
#define PATTERN 0x5a

static struct step_state {
	struct kmem_cache *cache;
	struct slab_tunables tunables;
	unsigned char *object;
	void *bulk[NR_BULK];
} here;

struct step {
	const char *name;
	void (*prepare)(void); /* nothing fails here; NULL: nothing to do */
	int (*run)(void);
	void (*finish)(int err); /* of run; nothing fails here */
	/* On the way to success there are so many, on any machine: failpoints
	 * under slab, under slob; slab's objects. */
	unsigned nr_failpoints, nr_slob, nr_objects;
	bool is_sure; /* it succeeds all the same */
};

/* -- threads --------------------------------------------------------------------- */

static int
thread_run(void)
{
	int pid = kernel_thread(thread_return, (void *)7, 0), code = -1;

	if (pid < 0)
		return pid;
	EXPECT_EQ(do_wait(pid, &code), pid);
	EXPECT_EQ(code, 7);
	return 0;
}

static int
thread_on_run(void)
{
	int pid = kernel_thread_on(0, "walked", thread_return, NULL);

	if (pid < 0)
		return pid;
	EXPECT_EQ(do_wait(pid, NULL), pid);
	return 0;
}

static void
thread_finish(int err)
{
	EXPECT_EQ(do_wait(0, NULL), -E_BAD_PROC);
}

/* -- caches ---------------------------------------------------------------------- */

static void
construct(void *object)
{
	*(unsigned *)object = PATTERN;
}

static void
destruct(void *object)
{
	EXPECT_EQ(*(unsigned *)object, PATTERN);
}

static int
cache_new(size_t size, const struct kmem_cache_args *args, unsigned flags)
{
	here.cache = kmem_cache_create_args("walk", size, args, flags);
	return here.cache != NULL ? 0 : -E_NO_MEM;
}

static int
small_cache_run(void)
{
	const struct kmem_cache_args args = { .align = 16,
					      .ctor = construct,
					      .dtor = destruct };

	return cache_new(32, &args, 0);
}

/* Its descriptors lie elsewhere. */
static int
off_slab_cache_run(void)
{
	return cache_new(2000, &(struct kmem_cache_args){ .align = 0 },
			 SLAB_HWCACHE_ALIGN);
}

static int
large_cache_run(void)
{
	return cache_new(100000, &(struct kmem_cache_args){ .align = 4096 }, 0);
}

/* A cache that was made works; also says whether objects of it are out. */
static void
cache_finish(int err)
{
	void *object;

	if (here.cache == NULL)
		return;
	object = kmem_cache_alloc(here.cache, GFP_KERNEL);
	EXPECT(object != NULL);
	kmem_cache_free(here.cache, object);
	EXPECT_EQ(kmem_cache_destroy(here.cache), 0);
	here.cache = NULL;
}

static void
small_cache_prepare(void)
{
	EXPECT_EQ(small_cache_run(), 0);
}

static void
off_slab_cache_prepare(void)
{
	EXPECT_EQ(off_slab_cache_run(), 0);
}

static void
large_cache_prepare(void)
{
	EXPECT_EQ(large_cache_run(), 0);
}

static int
object_run(void)
{
	here.object = kmem_cache_alloc(here.cache, GFP_KERNEL | __GFP_NOWARN);
	return here.object != NULL ? 0 : -E_NO_MEM;
}

static int
object_on_node_run(void)
{
	here.object = kmem_cache_alloc_node(
		here.cache, GFP_KERNEL | __GFP_NOWARN, nr_page_nodes - 1);
	return here.object != NULL ? 0 : -E_NO_MEM;
}

static void
object_finish(int err)
{
	kmem_cache_free(here.cache, here.object);
	cache_finish(err);
}

static int
bulk_run(void)
{
	return kmem_cache_alloc_bulk(here.cache, GFP_KERNEL | __GFP_NOWARN,
				     NR_BULK, here.bulk)
		       ? 0
		       : -E_NO_MEM;
}

static void
bulk_finish(int err)
{
	if (err == 0)
		kmem_cache_free_bulk(here.cache, NR_BULK, here.bulk);
	cache_finish(err);
}

/* An end is nothing that can fail. */
static int
destroy_run(void)
{
	EXPECT_EQ(kmem_cache_destroy(here.cache), 0);
	here.cache = NULL;
	return 0;
}

/* -- tuning ------------------------------------------------------------------------- */

static struct slab_tunables
tunables_now(void)
{
	return slab_tunables_get(slab_cache_of(here.cache));
}

/* With objects in arrays. */
static void
tune_prepare(void)
{
	EXPECT_EQ(small_cache_run(), 0);
	here.tunables = tunables_now();
	if (EXPECT_EQ(bulk_run(), 0))
		for (unsigned i = 0; i < NR_BULK; i++)
			kmem_cache_free(here.cache, here.bulk[i]);
}

static int
tune_run(void)
{
	return kmem_slabinfo_write("walk 30 15 2");
}

static void
tune_finish(int err)
{
	struct slab_tunables now = tunables_now();

	EXPECT_EQ(now.limit, err == 0 ? 30 : here.tunables.limit);
	EXPECT_EQ(now.batchcount, err == 0 ? 15 : here.tunables.batchcount);
	EXPECT_EQ(now.shared, err == 0 ? 2 : here.tunables.shared);
	EXPECT(slab_validate_cache(slab_cache_of(here.cache)));
	cache_finish(err);
}

/* -- kmalloc ---------------------------------------------------------------------------- */

static int
object_is(void *object)
{
	here.object = object;
	return object != NULL ? 0 : -E_NO_MEM;
}

static int
kmalloc_small_run(void)
{
	return object_is(kmalloc(100, GFP_KERNEL | __GFP_NOWARN));
}

static int
kmalloc_large_run(void)
{
	return object_is(kmalloc(100000, GFP_KERNEL | __GFP_NOWARN));
}

static int
kmalloc_pages_run(void)
{
	return object_is(kmalloc((size_t)5 << 20, GFP_KERNEL | __GFP_NOWARN));
}

static int
kcalloc_run(void)
{
	if (object_is(kcalloc(10, 300, GFP_KERNEL | __GFP_NOWARN)) != 0)
		return -E_NO_MEM;
	for (unsigned i = 0; i < 10 * 300; i++)
		if (!EXPECT_EQ(here.object[i], 0))
			break;
	return 0;
}

static void
kfree_finish(int err)
{
	kfree(here.object);
	here.object = NULL;
}

#define REALLOC_FROM 100

static void
krealloc_prepare(void)
{
	if (EXPECT_EQ(kmalloc_small_run(), 0))
		memset(here.object, PATTERN, REALLOC_FROM);
}

static int
krealloc_to(size_t size)
{
	void *moved = krealloc(here.object, size, GFP_KERNEL | __GFP_NOWARN);

	if (moved == NULL)
		return -E_NO_MEM;
	here.object = moved;
	return 0;
}

static int
krealloc_grow_run(void)
{
	return krealloc_to(3000);
}

/* Never fails: what cannot move stays. */
static int
krealloc_shrink_run(void)
{
	EXPECT_EQ(krealloc_to(REALLOC_FROM / 10), 0);
	return 0;
}

static void
krealloc_finish(int err)
{
	for (unsigned i = 0; i < REALLOC_FROM / 10; i++)
		if (!EXPECT_EQ(here.object[i], PATTERN))
			break;
	kfree_finish(err);
}

/* -- commands ------------------------------------------------------------------------------ */

#define COMMAND_WORDS 6

static int
command(const char *text)
{
	char buf[32], *words[COMMAND_WORDS];
	int nr;

	(void)strlcpy(buf, text, sizeof(buf));
	nr = split_words(buf, words, COMMAND_WORDS);
	for (unsigned i = 0; commands[i] != NULL; i++)
		if (strcmp(commands[i]->name, words[0]) == 0)
			return commands[i]->run(nr, words);
	return -E_NOT_FOUND;
}

static int
spawn_run(void)
{
	return command("spawn exit 2 5");
}

static int
ps_run(void)
{
	return command("ps");
}

static int
slabinfo_run(void)
{
	return command("slabinfo");
}

/* Those who were born are init's now, who reaps them soon. */
static void
spawn_finish(int err)
{
	(void)sleep_ticks(2);
}

/* -- the walk ------------------------------------------------------------------------------- */

static const struct step steps[] = {
	{
		.name = "thread",
		.run = thread_run,
		.finish = thread_finish,
		.nr_failpoints = 3,
		.nr_slob = 3,
		.nr_objects = 1,
	},
	{
		.name = "thread on a CPU",
		.run = thread_on_run,
		.finish = thread_finish,
		.nr_failpoints = 3,
		.nr_slob = 3,
		.nr_objects = 1,
	},
	{
		.name = "small cache",
		.run = small_cache_run,
		.finish = cache_finish,
		.nr_failpoints = 4,
		.nr_slob = 1,
		.nr_objects = 4,
	},
	{
		.name = "off-slab cache",
		.run = off_slab_cache_run,
		.finish = cache_finish,
		.nr_failpoints = 4,
		.nr_slob = 1,
		.nr_objects = 4,
	},
	{
		.name = "large cache",
		.run = large_cache_run,
		.finish = cache_finish,
		.nr_failpoints = 4,
		.nr_slob = 1,
		.nr_objects = 4,
	},
	{
		.name = "object",
		.prepare = small_cache_prepare,
		.run = object_run,
		.finish = object_finish,
		.nr_failpoints = 2,
		.nr_slob = 1,
		.nr_objects = 1,
	},
	{
		.name = "off-slab object",
		.prepare = off_slab_cache_prepare,
		.run = object_run,
		.finish = object_finish,
		.nr_failpoints = 3,
		.nr_slob = 1,
		.nr_objects = 1,
	},
	{
		.name = "large object",
		.prepare = large_cache_prepare,
		.run = object_run,
		.finish = object_finish,
		.nr_failpoints = 2,
		.nr_slob = 3,
		.nr_objects = 1,
	},
	{
		.name = "object on a node",
		.prepare = off_slab_cache_prepare,
		.run = object_on_node_run,
		.finish = object_finish,
		.nr_failpoints = 3,
		.nr_slob = 1,
		.nr_objects = 1,
	},
	{
		.name = "bulk",
		.prepare = off_slab_cache_prepare,
		.run = bulk_run,
		.finish = bulk_finish,
		.nr_failpoints = 100,
		.nr_slob = 50,
		.nr_objects = 50,
	},
	{
		.name = "end of a cache",
		.prepare = off_slab_cache_prepare,
		.run = destroy_run,
		.finish = cache_finish,
	},
	{
		.name = "kmalloc",
		.run = kmalloc_small_run,
		.finish = kfree_finish,
		.nr_failpoints = 1,
		.nr_slob = 1,
		.nr_objects = 1,
	},
	{
		.name = "large kmalloc",
		.run = kmalloc_large_run,
		.finish = kfree_finish,
		.nr_failpoints = 2,
		.nr_slob = 3,
		.nr_objects = 1,
	},
	{
		.name = "kmalloc of pages",
		.run = kmalloc_pages_run,
		.finish = kfree_finish,
		.nr_failpoints = 2,
		.nr_slob = 3,
	},
	{
		.name = "kcalloc",
		.run = kcalloc_run,
		.finish = kfree_finish,
		.nr_failpoints = 2,
		.nr_slob = 2,
		.nr_objects = 1,
	},
	{
		.name = "krealloc up",
		.prepare = krealloc_prepare,
		.run = krealloc_grow_run,
		.finish = krealloc_finish,
		.nr_failpoints = 2,
		.nr_slob = 2,
		.nr_objects = 1,
	},
	{
		.name = "krealloc down",
		.prepare = krealloc_prepare,
		.run = krealloc_shrink_run,
		.finish = krealloc_finish,
		.nr_failpoints = 1,
		.nr_slob = 1,
		.nr_objects = 1,
		.is_sure = true,
	},
	{
		.name = "command ps",
		.run = ps_run,
		.nr_failpoints = 2,
		.nr_slob = 1,
		.nr_objects = 1,
	},
	{
		.name = "command spawn",
		.run = spawn_run,
		.finish = spawn_finish,
		.nr_failpoints = 9,
		.nr_slob = 9,
		.nr_objects = 2,
	},
};

/* For a back end with slabinfo. */
static const struct step slab_steps[] = {
	{
		.name = "tuning",
		.prepare = tune_prepare,
		.run = tune_run,
		.finish = tune_finish,
		.nr_failpoints = 2,
		.nr_objects = 2,
	},
	{
		.name = "command slabinfo",
		.run = slabinfo_run,
	},
};

struct totals {
	struct quiet_state quiet;
	size_t nr_caches, nr_live;
};

static struct totals
totals_take(void)
{
	struct totals totals = { .quiet = quiet_state_take() };
	struct slab_cache *cache;

	for (cache = NULL; (cache = slab_chain_next(cache)) != NULL;) {
		totals.nr_caches++;
		totals.nr_live += slab_nr_live(cache);
	}
	return totals;
}

static bool
totals_expect(const struct totals *before)
{
	struct totals now = totals_take();
	bool same = true;

	same &= EXPECT_EQ(now.quiet.nr_process, before->quiet.nr_process);
	same &= EXPECT_EQ(now.quiet.nr_free_pages, before->quiet.nr_free_pages);
	same &= EXPECT_EQ(now.nr_caches, before->nr_caches);
	same &= EXPECT_EQ(now.nr_live, before->nr_live);
	same &= EXPECT(kmem_backend->validate());
	return same;
}

/* From the n-th on (0: none), so many times. Caches that are made while none
 * fail are seen, too. */
static void
arm(struct fault_attr *attr, unsigned n, long times)
{
	struct fault_settings settings = FAULT_SETTINGS_DEFAULT;

	settings.nth = n;
	settings.times = times;
	settings.seed = 1;
	if (n == 0)
		settings.probability = 0;
	fault_arm(attr, &settings);
}

/* Whether there was a failure. *good: all is as before. */
static bool
step_once(const struct step *step, struct fault_attr *attr, unsigned n,
	  long times, bool *good)
{
	unsigned long nr_failed;
	int err;

	if (step->prepare != NULL)
		step->prepare();
	arm(attr, n, times);
	err = step->run();
	nr_failed = atomic_load(&attr->nr_failed);
	arm(attr, 0, 0);
	if (nr_failed == 0)
		*good &= EXPECT_EQ(err, 0);
	else if (step->is_sure)
		*good &= EXPECT_EQ(err, 0);
	else if (times < 0 && nr_page_nodes == 1)
		*good &= EXPECT_EQ(err, -E_NO_MEM);
	else /* another node may have had an object left */
		*good &= EXPECT(err == 0 || err == -E_NO_MEM);
	if (step->finish != NULL)
		step->finish(err);
	return nr_failed > 0;
}

/* Returns how many allocations failed; stops where something is wrong. */
static unsigned
step_walk(const struct step *step, struct fault_attr *attr, long times)
{
	struct totals before = totals_take();
	unsigned n = 1;
	bool good = true;

	while (n < WALK_MAX && step_once(step, attr, n, times, &good)) {
		good &= totals_expect(&before);
		if (!good) {
			printk("# %s: when allocation %u fails\n", step->name,
			       n);
			return n;
		}
		n++;
	}
	EXPECT(n < WALK_MAX);
	EXPECT(totals_expect(&before));
	return n - 1;
}

/* How many there should be of this step. */
static unsigned
step_floor(const struct step *step, const struct fault_attr *attr)
{
	if (attr == &slab_fail_attr)
		return step->nr_objects;
	return kmem_backend == &kmem_slab_ops ? step->nr_failpoints
					      : step->nr_slob;
}

static void
walk(struct fault_attr *attr, const struct step *table, size_t nr)
{
	static const long times[] = { 1, FAULT_ALWAYS };
	unsigned nr_failed[ARRAY_SIZE(times)];

	for (size_t i = 0; i < nr; i++) {
		const struct step *step = &table[i];

		for (size_t k = 0; k < ARRAY_SIZE(times); k++)
			nr_failed[k] = step_walk(step, attr, times[k]);
		printk("# %s: %-18s %3u failed in turn, %3u with all after\n",
		       attr->name, step->name, nr_failed[0], nr_failed[1]);
		EXPECT(nr_failed[0] >= step_floor(step, attr));
	}
}

static void
walk_all(struct fault_attr *attr)
{
	fault_sites_clear(attr);
	walk(attr, steps, ARRAY_SIZE(steps));
	if (kmem_backend == &kmem_slab_ops)
		walk(attr, slab_steps, ARRAY_SIZE(slab_steps));
	printk("# %s: %u sites\n", attr->name, fault_nr_sites(attr));
	fault_sites_print(attr, "# ");
}

static int
walk_main(void *unused)
{
	bool is_slab = kmem_backend == &kmem_slab_ops;

	if (KERNEL_DEBUG) {
		walk_all(&failpoint_attr);
		fault_disarm(&failpoint_attr);
	}
	if (is_slab) {
		/* Closes all caches; new ones too, while it is armed. */
		EXPECT_EQ(kmem_failslab_write("probability=0,internal=1"), 0);
		walk_all(&slab_fail_attr);
		EXPECT_EQ(kmem_failslab_write("off"), 0);
	}
	return 0;
}

/* On one CPU, so that each run has the same allocations. */
void
check_alloc_failures(void)
{
	int pid;

	if (!KERNEL_DEBUG && kmem_backend != &kmem_slab_ops) {
		check_skip("failpoints are in debug builds only");
		return;
	}
	pid = kernel_thread_on(nr_cpus - 1, "walk", walk_main, NULL);
	EXPECT(pid > 0);
	EXPECT_EQ(do_wait(pid, NULL), pid);
}
