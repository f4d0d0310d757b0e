/*
 * Every allocation fails in turn: a walk over the error paths.
 *
 * A step is an operation that allocates: the birth of a thread, a new cache, a
 * command (check_failure_steps.c). From the same quiet state it is done again and again while its first
 * allocation fails, then its second, and so on until one run met no failure.
 * Each run is made twice: only that one fails, or that one and all after it
 * (then no other node can help, and the clean-up finds no memory either).
 *
 *	quiet -> prepare -> arm n -> run -> disarm -> run again -> finish -> quiet
 *
 * The run returns 0 or -E_NO_MEM, nothing else. If it failed, all is as if it had
 * not been tried, and it is possible now. Finish takes back what was done; then
 * pages, threads, caches and live objects are counted, and the back end validates
 * itself.
 *
 * What fails: failpoints of any kind in debug builds; the slab allocator's
 * objects, its own too, in every build.
 */
#include <kernel/check.h>
#include <kernel/error.h>
#include <kernel/failpoint.h>
#include <kernel/inject.h>
#include <kernel/kmalloc.h>
#include <kernel/printk.h>
#include <kernel/proc.h>

#include "kmem/slab/chain.h"
#include "kmem/slab/debug/hooks.h"
#include "kmem/slab/debug/validate.h"
#include "kmem/slab/general.h"
#include "kmem/slab/percpu/sheaf.h"
#include "check_failures.h"
#include "check_threads.h"

/* No step has as many allocations. */
#define WALK_MAX 1000

struct totals {
	struct quiet_state quiet;
	size_t nr_caches, nr_live;
};

static struct totals
totals_take(void)
{
	struct totals totals = { .quiet = quiet_state_take() };
	struct slab_cache *cache;

	if (kmem_kernel.ops != &kmem_slab_ops)
		return totals;
	for (cache = NULL;
	     (cache = slab_chain_next(&slab_kernel_root, cache)) != NULL;) {
		totals.nr_caches++;
		totals.nr_live += slab_validate_nr_live(cache);
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
	same &= EXPECT(kmem_validate(&kmem_kernel));
	return same;
}

/* From the n-th on (0: none), so many times. Caches that are made while none
 * fail are seen, too. */
static void
arm(struct inject_attr *attr, unsigned n, long times)
{
	struct inject_settings settings = INJECT_SETTINGS_DEFAULT;

	settings.nth = n;
	settings.times = times;
	settings.seed = 1;
	if (n == 0)
		settings.probability = 0;
	inject_arm(attr, &settings);
}

static bool
has_sheaves(void)
{
	return kmem_kernel.ops == &kmem_slab_ops &&
	       slab_kernel_root.layer == &sheaf_layer;
}

/* Whether there was a failure. *good: all is as before. */
static bool
step_once(const struct step *step, struct inject_attr *attr, unsigned n,
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
	else if (times < 0 && nr_page_nodes == 1 && !has_sheaves())
		*good &= EXPECT_EQ(err, -E_NO_MEM);
	else /* another node may have had an object left; or only a sheaf failed */
		*good &= EXPECT(err == 0 || err == -E_NO_MEM);
	if (err != 0) {
		if (step->failed != NULL)
			step->failed();
		err = step->run();
		*good &= EXPECT_EQ(err, 0);
	}
	if (step->finish != NULL)
		step->finish(err);
	return nr_failed > 0;
}

/* Returns how many allocations failed; stops where something is wrong. */
static unsigned
step_walk(const struct step *step, struct inject_attr *attr, long times)
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
step_floor(const struct step *step, const struct inject_attr *attr)
{
	/* Debugged caches have neither off-slab descriptors nor arrays to fill. */
	if (kmem_kernel.ops == &kmem_slab_ops &&
	    slab_debug(slab_general(&kmem_kernel, PAGE_SIZE)) != 0)
		return 0;
	if (has_sheaves() && step->sheaves_take_none)
		return 0;
	if (attr == &slab_kernel_root.fail.attr)
		return step->nr_objects;
	return kmem_kernel.ops == &kmem_slab_ops ? step->nr_failpoints
						 : step->nr_slob;
}

static void
walk(struct inject_attr *attr, const struct step *step)
{
	static const long times[] = { 1, INJECT_ALWAYS };
	unsigned nr_failed[ARRAY_SIZE(times)];

	for (; step->name != NULL; step++) {
		for (size_t k = 0; k < ARRAY_SIZE(times); k++)
			nr_failed[k] = step_walk(step, attr, times[k]);
		printk("# %s: %-18s %3u failed in turn, %3u with all after\n",
		       attr->name, step->name, nr_failed[0], nr_failed[1]);
		EXPECT(nr_failed[0] >= step_floor(step, attr));
	}
}

static void
walk_all(struct inject_attr *attr)
{
	inject_sites_clear(attr);
	walk(attr, failure_steps);
	if (kmem_kernel.ops == &kmem_slab_ops)
		walk(attr, failure_slab_steps);
	printk("# %s: %u sites\n", attr->name, inject_nr_sites(attr));
	inject_sites_print(attr, "# ");
}

static int
walk_main(void *unused)
{
	bool is_slab = kmem_kernel.ops == &kmem_slab_ops;

	if (KERNEL_DEBUG) {
		walk_all(&failpoint_attr);
		inject_disarm(&failpoint_attr);
	}
	if (is_slab) {
		/* Closes all caches; new ones too, while it is armed. */
		EXPECT_EQ(kmem_failslab_write("probability=0,internal=1"), 0);
		walk_all(&slab_kernel_root.fail.attr);
		EXPECT_EQ(kmem_failslab_write("off"), 0);
	}
	return 0;
}

/* On one CPU, so that each run has the same allocations. */
void
check_alloc_failures(void)
{
	int pid;

	if (!KERNEL_DEBUG && kmem_kernel.ops != &kmem_slab_ops) {
		check_skip("failpoints are in debug builds only");
		return;
	}
	pid = kernel_thread_on(nr_cpus - 1, "walk", walk_main, NULL);
	EXPECT(pid > 0);
	EXPECT_EQ(do_wait(pid, NULL), pid);
}
