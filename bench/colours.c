/*
 * What colours are worth: walks over objects, with colours and without.
 *
 * THE WALK.  Two caches of the same objects, one with colours and one without
 * (SLAB_NO_COLOURS), each of NR_SLABS slabs. The first words of the objects make a
 * chain: object 0 of each slab, then object 1 of each, so that each load waits for
 * the one before, and nothing can be fetched ahead. Three walks: object 0 of all
 * slabs; all objects of so many slabs that their lines would fit into a first-level
 * cache, if they were spread over its sets; all objects. The quickest of ROUNDS walks
 * counts: neighbours on the machine only make a walk slower. An emulator without
 * caches shows no difference.
 */
#include <kernel/error.h>
#include <kernel/kmem_view.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#include "kmem/slab/cache.h"
#include "kmem/slab/chain.h"
#include "kmem/slab/objects.h"
#include "kmem/slab/percpu/layer.h"
#include "kmem/slab/show/colours.h"

#define NR_SLABS 64
#define ROUNDS 50
/* A walk takes so many steps at least: reading the counter is not free. */
#define STEPS_MIN 16384ul
/* Lines of a walk that fits into a small first-level cache, if evenly spread. */
#define LINES_CACHED 448
/* Larger objects: 64 slabs would be more memory than a picture is worth. */
#define COMPARE_SIZE_MAX 8192

/* A cache made to be walked. */
struct trial {
	struct slab_cache *cache;
	size_t nr_objects; /* all of all slabs */
	void *chain;	   /* as they were allocated */
	unsigned char *s_mem[NR_SLABS];
};

static void
trial_end(struct trial *trial)
{
	void *object, *next;
	size_t nr_live;
	int err;

	for (object = trial->chain; object != NULL; object = next) {
		next = *(void **)object;
		slab_free(trial->cache, object);
	}
	err = slab_destroy(trial->cache, &nr_live);
	assert(err == 0);
}

/* All objects of NR_SLABS slabs, nothing in arrays: they have room for one. */
static int
trial_fill(struct trial *trial)
{
	const struct slab_tunables tunables = { .limit = 1, .batchcount = 1 };
	struct slab_cache *cache = trial->cache;
	unsigned nr_slabs = 0;
	int err = slab_tune(cache, &tunables);

	trial->nr_objects = (size_t)NR_SLABS * cache->layout.num;
	for (size_t i = 0; i < trial->nr_objects && err == 0; i++) {
		void **object = slab_alloc(cache, GFP_KERNEL);
		const struct slab *slab;

		if (object == NULL)
			return -E_NO_MEM;
		*object = trial->chain;
		trial->chain = object;
		slab = env_page_of(object)->owner.slab;
		if ((void *)slab->s_mem == object && nr_slabs < NR_SLABS)
			trial->s_mem[nr_slabs++] = slab->s_mem;
	}
	/* Should we have moved to another node, some are missing. */
	return err == 0 && nr_slabs < NR_SLABS ? -E_BUSY : err;
}

static int
trial_begin(struct trial *trial, size_t object_size, bool is_coloured)
{
	struct kmem_cache wanted = {
		.object_size = object_size,
		.align = sizeof(void *),
		.ops = kmem_kernel.ops,
		.kmem = &kmem_kernel,
		.flags = is_coloured ? 0 : SLAB_NO_COLOURS,
	};
	int err;

	(void)strlcpy(wanted.name,
		      is_coloured ? "trial-colours" : "trial-no-colours",
		      sizeof(wanted.name));
	*trial = (struct trial){ .cache = slab_create(&wanted) };
	if (trial->cache == NULL)
		return -E_NO_MEM;
	err = trial_fill(trial);
	if (err != 0)
		trial_end(trial);
	return err;
}

/* Chains objects 0 .. nr_each - 1 of the first nr_slabs slabs: object 0 of each,
 * object 1 of each... Returns the last one's link. */
static void **
chain_objects(struct trial *trial, unsigned nr_slabs, unsigned nr_each)
{
	size_t size = trial->cache->layout.size;
	void **link = &trial->chain;

	for (unsigned i = 0; i < nr_each; i++) {
		for (unsigned k = 0; k < nr_slabs; k++) {
			*link = trial->s_mem[k] + i * size;
			link = *link;
		}
	}
	return link;
}

/* Pages in a row would be a pattern that processors know. */
static void
shuffle_slabs(struct trial *trial)
{
	unsigned state = 1;

	for (unsigned i = NR_SLABS; i-- > 1;) {
		unsigned char *s_mem = trial->s_mem[i];
		unsigned k;

		state = state * 1103515245u + 12345u;
		k = (state >> 16) % (i + 1);
		trial->s_mem[i] = trial->s_mem[k];
		trial->s_mem[k] = s_mem;
	}
}

/* The quickest of some walks around such a chain, in cycles for ten objects. */
static unsigned long
walk(struct trial *trial, unsigned nr_slabs, unsigned nr_each)
{
	unsigned long nr = (unsigned long)nr_slabs * nr_each;
	unsigned long nr_turns = MAX(STEPS_MIN / nr, 1ul);
	unsigned long best = ~0ul;

	*chain_objects(trial, nr_slabs, nr_each) = trial->chain;
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t start = arch_cycles();
		void *at = trial->chain;
		unsigned long cycles;

		for (unsigned long step = 0; step < nr * nr_turns; step++)
			at = *(void *volatile *)at;
		cycles = (unsigned long)(arch_cycles() - start);
		best = MIN(best, cycles);
	}
	/* So that all of them are found when they are freed. */
	*chain_objects(trial, NR_SLABS, trial->cache->layout.num) = NULL;
	return best * 10 / (nr * nr_turns);
}

static void
trial_show(struct view *view, struct trial *trial, size_t way_size,
	   const char *what)
{
	struct colours colours = { .way_size = way_size };
	unsigned num = trial->cache->layout.num;
	unsigned some = MIN(MAX(LINES_CACHED / num, 1u), (unsigned)NR_SLABS);
	unsigned long first, few, all;

	for (unsigned i = 0; i < NR_SLABS; i++)
		slab_colours_add(&colours, (uintptr_t)trial->s_mem[i]);
	slab_colours_draw(view, &colours, what);
	shuffle_slabs(trial);
	first = walk(trial, NR_SLABS, 1);
	few = walk(trial, some, num);
	all = walk(trial, NR_SLABS, num);
	view_line(view,
		  "    cycles an object: %lu.%lu object 0 of %d slabs, %lu.%lu "
		  "all of %u slabs, %lu.%lu all",
		  first / 10, first % 10, NR_SLABS, few / 10, few % 10, some,
		  all / 10, all % 10);
}

static int
compare(struct view *view, size_t object_size, size_t way_size)
{
	static const char *const names[] = { "without colours",
					     "with colours" };
	struct trial trial;
	int err = 0;

	slab_colours_heading(view, way_size);
	for (unsigned i = 0; i < ARRAY_SIZE(names) && err == 0; i++) {
		err = trial_begin(&trial, object_size, i == 1);
		if (err != 0)
			break;
		slab_colours_layout(view, &trial.cache->layout);
		trial_show(view, &trial, way_size, names[i]);
		trial_end(&trial);
	}
	if (err != 0)
		view_line(view, "%d slabs cannot be made: %s", NR_SLABS,
			  error_name(err));
	return err;
}

int
kmem_compare_colours(size_t object_size, size_t way_size, kmem_line_fn *fn,
		     void *arg)
{
	struct view view = { .fn = fn, .arg = arg };

	if (!view_slab_serves(&view))
		return -E_NOT_FOUND;
	if (object_size < sizeof(void *) || object_size > COMPARE_SIZE_MAX) {
		view_line(&view,
			  "objects of %zu bytes: %zu to %d can be compared",
			  object_size, sizeof(void *), COMPARE_SIZE_MAX);
		return -E_INVAL;
	}
	return compare(&view, object_size, way_size);
}
