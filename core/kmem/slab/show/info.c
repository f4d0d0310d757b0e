/*
 * slabinfo: the caches as a text, in the field's own format, version 2.1.
 *
 *	slabinfo - version: 2.1
 *	# name            <active_objs> <num_objs> <objsize> ...
 *	kmalloc-64           123    472     64   59    1 : tunables  120   60    8
 *	 : slabdata      8      8     12	(all in one line)
 *
 * active_objs counts objects that are out of their slabs: those in arrays, too.
 * With statistics (the first line says so) two groups of columns follow, globalstat and
 * cpustat. Hits are those that came to objects.c: what the front's
 * fast path serves by itself is not counted (fast=plain counts all).
 *
 * Writing "name limit batchcount shared" tunes a cache.
 */
#include <kernel/error.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#include "../chain.h"
#include "../percpu/layer.h"
#include "info.h"

#define LINE_MAX 256
#define WRITE_WORDS 4

void
slabinfo_get(struct slab_cache *cache, struct slabinfo *info)
{
	*info = (struct slabinfo){ .shared_avail =
					   cache->layer->nr_shared(cache) };
	for (unsigned i = 0; i < nr_page_nodes; i++) {
		struct kmem_cache_node *node = cache->node[i];
		irq_state_t state = spin_lock_irqsave(&node->lock);
		size_t nr_objs = node->nr_slabs * cache->layout.num;

		info->num_slabs += node->nr_slabs;
		info->active_slabs += node->nr_slabs - node->nr_free_slabs;
		info->num_objs += nr_objs;
		info->active_objs += nr_objs - node->free_objects;
		info->high += node->high;
		info->max_free += node->max_free;
		info->grown += node->grown;
		info->reaped += node->reaped;
		info->nr_errors += node->nr_errors;
		spin_unlock_irqrestore(&node->lock, state);
	}
}

static void
stats_add(struct slab_stats *sum, const struct slab_cache *cache)
{
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		struct slab_stats *stats = &cache->stats[cpu];

		sum->alloc_hit += atomic_load_relaxed(&stats->alloc_hit);
		sum->alloc_miss += atomic_load_relaxed(&stats->alloc_miss);
		sum->free_hit += atomic_load_relaxed(&stats->free_hit);
		sum->free_miss += atomic_load_relaxed(&stats->free_miss);
		sum->node_allocs += atomic_load_relaxed(&stats->node_allocs);
		sum->node_frees += atomic_load_relaxed(&stats->node_frees);
		sum->alien_overflow +=
			atomic_load_relaxed(&stats->alien_overflow);
		sum->no_memory += atomic_load_relaxed(&stats->no_memory);
	}
}

struct slab_stats
slabinfo_stats(const struct slab_cache *cache)
{
	struct slab_stats sum = { .alloc_hit = 0 };

	stats_add(&sum, cache);
	return sum;
}

struct slab_stats
slabinfo_stats_total(struct slab_root *root)
{
	struct slab_stats sum = { .alloc_hit = 0 };
	struct slab_cache *cache;

	for (cache = NULL; (cache = slab_chain_next(root, cache)) != NULL;)
		stats_add(&sum, cache);
	return sum;
}

/* The columns of statistics, appended to the line of n characters. */
static void
format_statistics(char *line, size_t size, const struct slab_cache *cache,
		  const struct slabinfo *info)
{
	struct slab_stats sum = slabinfo_stats(cache);
	int n = snprintf(line, size,
			 " : globalstat %7lu %6zu %5lu %4lu %4lu %4zu %4lu "
			 "%4lu %4lu",
			 sum.alloc_hit + sum.alloc_miss, info->high,
			 info->grown, info->reaped,
			 info->nr_errors + sum.no_memory, info->max_free,
			 sum.node_allocs, sum.node_frees, sum.alien_overflow);

	if (n < 0 || (size_t)n >= size)
		return;
	snprintf(line + n, size - (size_t)n, " : cpustat %6lu %6lu %6lu %6lu",
		 sum.alloc_hit, sum.alloc_miss, sum.free_hit, sum.free_miss);
}

static void
format_cache(char *line, size_t size, struct slab_cache *cache, bool statistics)
{
	struct slab_tunables tunables = slab_tunables_get(cache);
	struct slabinfo info;
	int n;

	slabinfo_get(cache, &info);
	n = snprintf(line, size,
		     "%-17s %6zu %6zu %6zu %4u %4u"
		     " : tunables %4u %4u %4u : slabdata %6zu %6zu %6zu",
		     cache->base.name, info.active_objs, info.num_objs,
		     cache->layout.size, cache->layout.num,
		     1u << cache->layout.order, tunables.limit,
		     tunables.batchcount, tunables.shared, info.active_slabs,
		     info.num_slabs, info.shared_avail);
	if (statistics && n > 0 && (size_t)n < size)
		format_statistics(line + n, size - (size_t)n, cache, &info);
}

int
slabinfo_read(struct kmem *kmem, void (*fn)(const char *line, void *arg),
	      void *arg, bool statistics)
{
	struct slab_root *root = slab_root_of(kmem);
	struct slab_cache *cache;
	char line[LINE_MAX];

	if (statistics) {
		fn("slabinfo - version: 2.1 (statistics)", arg);
		fn("# name            <active_objs> <num_objs> <objsize> "
		   "<objperslab> <pagesperslab> : tunables <limit> "
		   "<batchcount> <sharedfactor> : slabdata <active_slabs> "
		   "<num_slabs> <sharedavail> : globalstat <listallocs> "
		   "<maxobjs> <grown> <reaped> <error> <maxfreeable> "
		   "<nodeallocs> <remotefrees> <alienoverflow> : cpustat "
		   "<allochit> <allocmiss> <freehit> <freemiss>",
		   arg);
	} else {
		fn("slabinfo - version: 2.1", arg);
		fn("# name            <active_objs> <num_objs> <objsize> "
		   "<objperslab> <pagesperslab> : tunables <limit> "
		   "<batchcount> <sharedfactor> : slabdata <active_slabs> "
		   "<num_slabs> <sharedavail>",
		   arg);
	}
	for (cache = NULL; (cache = slab_chain_next(root, cache)) != NULL;) {
		format_cache(line, sizeof(line), cache, statistics);
		fn(line, arg);
	}
	return 0;
}

/* -- tuning --------------------------------------------------------------------- */

/* Three numbers of a sound size. */
static int
parse_tunables(char *const words[], const struct slab_layer *layer,
	       struct slab_tunables *tunables)
{
	unsigned *const fields[] = { &tunables->limit, &tunables->batchcount,
				     &tunables->shared };
	unsigned long value;

	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
		if (parse_unsigned(words[i], &value) != 0 || value > INT32_MAX)
			return -E_INVAL;
		*fields[i] = (unsigned)value;
	}
	return percpu_tunables_ok(layer, tunables) ? 0 : -E_INVAL;
}

int
slabinfo_write(struct kmem *kmem, const char *text)
{
	struct slab_root *root = slab_root_of(kmem);
	struct slab_tunables tunables;
	struct slab_cache *cache;
	char buf[LINE_MAX], *words[WRITE_WORDS];
	int err;

	if (strlcpy(buf, text, sizeof(buf)) >= sizeof(buf) ||
	    split_words(buf, words, WRITE_WORDS) != WRITE_WORDS)
		return -E_INVAL;
	err = parse_tunables(words + 1, root->layer, &tunables);
	if (err != 0)
		return err;
	cache = slab_chain_find(root, words[0]);
	if (cache == NULL)
		return -E_NOT_FOUND;
	err = slab_tune(cache, &tunables);
	slab_chain_unpin(cache);
	return err;
}

/* The sums of all caches. */
void
slabinfo_print(struct kmem *kmem)
{
	struct slab_root *root = slab_root_of(kmem);
	size_t nr_caches = 0, nr_slabs = 0, nr_pages = 0, nr_objects = 0;
	struct slab_cache *cache;
	struct slabinfo info;

	for (cache = NULL; (cache = slab_chain_next(root, cache)) != NULL;) {
		slabinfo_get(cache, &info);
		nr_caches++;
		nr_slabs += info.num_slabs;
		nr_pages += info.num_slabs << cache->layout.order;
		nr_objects += info.active_objs;
	}
	printk("slab: %zu caches, %s layer for each CPU\n", nr_caches,
	       root->layer->name);
	printk("slab: %zu slabs of %zu pages\n", nr_slabs, nr_pages);
	printk("slab: %zu objects out of them\n", nr_objects);
}
