/*
 * Operations that allocate: threads, caches and their objects, tuning, kmalloc,
 * address spaces, commands. check_failures.c makes them fail.
 */
#include <kernel/check.h>
#include <kernel/error.h>
#include <kernel/kmalloc.h>
#include <kernel/monitor.h>
#include <kernel/proc.h>
#include <kernel/space.h>
#include <kernel/string.h>
#include <kernel/timer.h>

#include "kmem/slab/chain.h"
#include "kmem/slab/debug/validate.h"
#include "kmem/slab/percpu/layer.h"
#include "check_failures.h"
#include "check_threads.h"

#define NR_BULK 100
#define PATTERN 0x5a

/* What a step has in hand, from prepare to finish. */
static struct step_state {
	struct kmem_cache *cache;
	struct slab_tunables tunables;
	unsigned char *object;
	void *bulk[NR_BULK];
} here;

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
	/* What is debugged has no arrays to tune. */
	int err = kmem_kernel.ops == &kmem_slab_ops
			  ? kmem_debug_set("walk", "-")
			  : 0;

	return err != 0 ? err : kmem_slabinfo_write("walk 30 15 2");
}

static void
tune_failed(void)
{
	struct slab_tunables now = tunables_now();

	EXPECT_EQ(now.limit, here.tunables.limit);
	EXPECT_EQ(now.batchcount, here.tunables.batchcount);
	EXPECT_EQ(now.shared, here.tunables.shared);
	EXPECT(slab_validate_cache(slab_cache_of(here.cache)));
}

static void
tune_finish(int err)
{
	struct slab_tunables now = tunables_now();

	EXPECT(now.limit == 30 && now.batchcount == 15 && now.shared == 2);
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
	/* A machine of 8 MiB has no such piece. */
	bool is_small = nr_managed_pages() < ((size_t)16 << 20) / PAGE_SIZE;

	return object_is(kmalloc(is_small ? 100000 : (size_t)5 << 20,
				 GFP_KERNEL | __GFP_NOWARN));
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

/* -- address spaces ------------------------------------------------------------------------ */

/* Addresses that are a process's on every port, each in a table of its own. */
#define USER_VA ((uintptr_t)0x01000000)
#define USER_STEP ((uintptr_t)0x00400000)
#define USER_PAGES 3

/* A space with pages: tables and pages, of which any may be missing. */
static int
space_run(void)
{
	const unsigned flags = MAP_READ | MAP_WRITE | MAP_USER;
	struct space space;
	unsigned nr = 0;

	if (space_create(&space) != 0)
		return -E_NO_MEM;
	while (nr < USER_PAGES &&
	       pgdir_alloc_page(&space, USER_VA + nr * USER_STEP, flags) !=
		       NULL)
		nr++;
	EXPECT(nr == USER_PAGES ||
	       page_lookup(&space, USER_VA + nr * USER_STEP, NULL) == NULL);
	for (unsigned i = 0; i < nr; i++)
		page_remove(&space, USER_VA + i * USER_STEP);
	space_destroy(&space);
	return nr == USER_PAGES ? 0 : -E_NO_MEM;
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

/* -- all of them ----------------------------------------------------------------------------- */

#define FLOORS(failpoints, slob, objects)                                      \
	.nr_failpoints = (failpoints), .nr_slob = (slob),                      \
	.nr_objects = (objects)
#define STEP(step_name, step_run, ...)                                         \
	{                                                                      \
		.name = (step_name), .run = (step_run), __VA_ARGS__            \
	}

const struct step failure_steps[] = {
	STEP("thread", thread_run, FLOORS(3, 3, 1), .finish = thread_finish),
	STEP("thread on a CPU", thread_on_run, FLOORS(3, 3, 1),
	     .finish = thread_finish),
	STEP("small cache", small_cache_run, FLOORS(4, 1, 4),
	     .finish = cache_finish),
	STEP("off-slab cache", off_slab_cache_run, FLOORS(4, 1, 4),
	     .finish = cache_finish),
	STEP("large cache", large_cache_run, FLOORS(4, 1, 4),
	     .finish = cache_finish),
	STEP("object", object_run, FLOORS(2, 1, 1),
	     .prepare = small_cache_prepare, .finish = object_finish),
	STEP("off-slab object", object_run, FLOORS(3, 1, 1),
	     .prepare = off_slab_cache_prepare, .finish = object_finish),
	STEP("large object", object_run, FLOORS(2, 3, 1),
	     .prepare = large_cache_prepare, .finish = object_finish),
	STEP("object on a node", object_on_node_run, FLOORS(3, 1, 1),
	     .prepare = off_slab_cache_prepare, .finish = object_finish),
	STEP("bulk", bulk_run, FLOORS(100, 50, 50),
	     .prepare = off_slab_cache_prepare, .finish = bulk_finish),
	STEP("end of a cache", destroy_run, FLOORS(0, 0, 0),
	     .prepare = off_slab_cache_prepare, .finish = cache_finish),
	STEP("kmalloc", kmalloc_small_run, FLOORS(1, 1, 1),
	     .finish = kfree_finish),
	STEP("large kmalloc", kmalloc_large_run, FLOORS(2, 3, 1),
	     .finish = kfree_finish),
	STEP("kmalloc of pages", kmalloc_pages_run, FLOORS(2, 3, 0),
	     .finish = kfree_finish),
	STEP("kcalloc", kcalloc_run, FLOORS(2, 2, 1), .finish = kfree_finish),
	STEP("krealloc up", krealloc_grow_run, FLOORS(2, 2, 1),
	     .prepare = krealloc_prepare, .finish = krealloc_finish),
	STEP("krealloc down", krealloc_shrink_run, FLOORS(1, 1, 1),
	     .prepare = krealloc_prepare, .finish = krealloc_finish,
	     .is_sure = true),
	STEP("address space", space_run, FLOORS(5, 5, 0)),
	STEP("command ps", ps_run, FLOORS(1, 1, 1)),
	STEP("command spawn", spawn_run, FLOORS(9, 9, 2),
	     .finish = spawn_finish),
	{ .name = NULL },
};

const struct step failure_slab_steps[] = {
	STEP("tuning", tune_run, FLOORS(2, 0, 2), .prepare = tune_prepare,
	     .failed = tune_failed, .finish = tune_finish,
	     .sheaves_take_none = true),
	STEP("command slabinfo", slabinfo_run, FLOORS(0, 0, 0)),
	{ .name = NULL },
};
