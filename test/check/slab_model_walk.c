/*
 * A quiet moment of the check slab_model: all threads have ended, all interrupts of
 * the test too, and everything is looked at.
 *
 * What is compared with what: every live object with its contents; the number of
 * live objects with what the allocator says is live; lists and counts of
 * slabs among themselves (slab_validate), and with the lines of slabinfo; what each
 * CPU holds with what tuning allows.
 */
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#include "kmem/slab/chain.h"
#include "kmem/slab/debug/validate.h"
#include "kmem/slab/percpu/layer.h"
#include "slab_model.h"

#define LINE_MAX 256
/* name, 5 numbers, ":", "tunables", 3 numbers, ":", "slabdata", 3 numbers */
#define LINE_WORDS 16

/* A line of slabinfo against a walk over the lists. */
struct tally {
	struct slab_cache *cache;
	bool is_met, is_equal;
};

static void
tally_list(const struct list *head, size_t *nr_slabs, size_t *nr_out)
{
	const struct list *pos;

	list_for_each(pos, head) {
		++*nr_slabs;
		*nr_out += container_of(pos, struct slab, link)->inuse;
	}
}

static bool
columns_agree(struct slab_cache *cache, const unsigned long columns[])
{
	size_t nr_free_slabs = 0, nr_slabs = 0, nr_out = 0;

	for (unsigned i = 0; i < nr_page_nodes; i++) {
		struct kmem_cache_node *node = cache->node[i];
		irq_state_t state = spin_lock_irqsave(&node->lock);

		tally_list(&node->slabs_free, &nr_free_slabs, &nr_out);
		tally_list(&node->slabs_partial, &nr_slabs, &nr_out);
		tally_list(&node->slabs_full, &nr_slabs, &nr_out);
		spin_unlock_irqrestore(&node->lock, state);
	}
	nr_slabs += nr_free_slabs;
	return columns[1] == nr_out &&
	       columns[2] == nr_slabs * cache->layout.num &&
	       columns[4] == cache->layout.num &&
	       columns[13] == nr_slabs - nr_free_slabs &&
	       columns[14] == nr_slabs;
}

static void
tally_line(const char *line, void *arg)
{
	unsigned long columns[LINE_WORDS] = { 0 };
	char text[LINE_MAX], *words[LINE_WORDS];
	struct tally *tally = arg;
	int nr;

	(void)strlcpy(text, line, sizeof(text));
	nr = split_words(text, words, LINE_WORDS);
	if (nr != LINE_WORDS || strcmp(words[0], tally->cache->base.name) != 0)
		return;
	for (int i = 1; i < nr; i++)
		if (parse_unsigned(words[i], &columns[i]) != 0)
			columns[i] = 0; /* a colon, a title */
	tally->is_met = true;
	tally->is_equal = columns_agree(tally->cache, columns);
}

/* Free objects that this CPU holds. */
static void
count_one(struct slab_cache *cache, void *object, unsigned node, void *nr)
{
	++*(size_t *)nr;
}

struct held {
	struct slab_cache *cache;
	size_t nr;
};

static void
count_here(void *arg)
{
	struct held *held = arg;

	percpu_visit(held->cache, count_one, &held->nr);
}

/* Each CPU holds what tuning allows, in as many parts as a layer may have: two for
 * its own node's objects and one for each other node's. */
static bool
holds_what_it_may(struct slab_cache *cache)
{
	unsigned limit = slab_tunables_get(cache).limit;
	size_t nr_parts = 2 + (nr_page_nodes - 1);
	bool ok = true;

	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		struct held held = { .cache = cache };

		cpu_call(cpu, count_here, &held);
		if (held.nr <= nr_parts * limit)
			continue;
		printk("# slab_model: %s: CPU %u holds %zu, limit %u\n",
		       cache->base.name, cpu, held.nr, limit);
		ok = false;
	}
	return ok;
}

static bool
kind_walk(struct model_kind *kind)
{
	struct tally tally = { .cache = slab_cache_of(kind->cache) };
	size_t nr_live = slab_validate_nr_live(tally.cache);

	if (nr_live != model_kind_nr_full(kind)) {
		printk("# slab_model: %s: %zu are live, not %u\n", kind->name,
		       nr_live, model_kind_nr_full(kind));
		return false;
	}
	if (kmem_slabinfo_read(tally_line, &tally, false) != 0 ||
	    !tally.is_met || !tally.is_equal) {
		printk("# slab_model: %s: slabinfo says otherwise\n",
		       kind->name);
		return false;
	}
	return holds_what_it_may(tally.cache);
}

bool
model_kinds_walk(void)
{
	bool ok = slab_validate(&slab_kernel_root);

	for (unsigned i = 0; i < model_nr_kinds; i++) {
		struct model_kind *kind = &model_kinds[i];

		for (unsigned s = 0; s < kind->nr_slots; s++)
			if (atomic_load(&kind->slots[s].state) == SLOT_FULL)
				model_look(&kind->slots[s]);
		if (kind->cache != NULL)
			ok &= kind_walk(kind);
	}
	return ok;
}
