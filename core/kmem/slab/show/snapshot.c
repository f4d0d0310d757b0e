/*
 * A copy of what there is to see of a cache, made while the kernel runs.
 *
 * Text is slow: it must not be printed under a node's lock, nor with a CPU's
 * interrupts off. So what is to be shown is copied first, into pages that are
 * allocated before (not from a cache: whoever looks at kmalloc-4096 wants to see it
 * as it was), and read at leisure:
 *
 *	1. for each node, under its lock: counts, and of each list the first slabs:
 *	   an object is free there (SEEN_FREE) or out (SEEN_OUT)
 *	2. on each CPU, interrupts off there: objects in its array were out; they
 *	   become that CPU's (a digit)
 *	3. for each node, under its lock: shared arrays and the like (SEEN_NODE)
 *
 * Between two steps the kernel goes on: an object freed after step 1 is a caller's
 * in the copy. A slab of step 1 may be gone at step 2, so afterwards addresses
 * are compared and never followed. Which layer is between CPUs and slabs does not
 * matter: its visit functions are all that is asked for.
 *
 * COSTS.  Under a lock: max_slabs slabs of each list are copied, and as many links
 * followed. On a CPU, for each object that it holds a binary search.
 */
#include <kernel/string.h>

#include "../chain.h"
#include "../percpu/layer.h"
#include "snapshot.h"

/* -- memory -------------------------------------------------------------------- */

/* Most slabs that a snapshot can have. */
static size_t
slabs_most(unsigned max_slabs)
{
	return (size_t)max_slabs * NR_SEEN_LISTS * nr_page_nodes;
}

/* The structure, an index by address, records, a character for each object. */
static struct slab_snapshot *
snapshot_alloc(struct slab_cache *cache, unsigned max_slabs)
{
	size_t most = slabs_most(max_slabs), size, nr_pages;
	struct slab_snapshot *snapshot;
	struct seen_slab *records;
	struct page *page;
	char *objects;

	size = sizeof(*snapshot) +
	       most * (sizeof(snapshot->slabs[0]) + sizeof(*records) +
		       cache->layout.num);
	nr_pages = (size + PAGE_SIZE - 1) / PAGE_SIZE;
	page = alloc_pages_gfp(GFP_KERNEL | __GFP_NOWARN, nr_pages);
	if (page == NULL)
		return NULL;
	snapshot = page_to_virt(page);
	memset(snapshot, 0, nr_pages * PAGE_SIZE);
	snapshot->cache = cache;
	snapshot->nr_pages = nr_pages;
	snapshot->max_slabs = max_slabs;
	records = (struct seen_slab *)(snapshot->slabs + most);
	objects = (char *)(records + most);
	for (size_t i = 0; i < most; i++)
		records[i].objects = objects + i * cache->layout.num;
	for (unsigned i = 0; i < nr_page_nodes; i++) {
		for (unsigned list = 0; list < NR_SEEN_LISTS; list++) {
			snapshot->node[i].slabs[list] = records;
			records += max_slabs;
		}
	}
	return snapshot;
}

void
slab_snapshot_free(struct slab_snapshot *snapshot)
{
	free_pages(virt_to_page(snapshot), snapshot->nr_pages);
}

/* -- nodes ----------------------------------------------------------------------- */

static void
copy_slab(struct slab_cache *cache, struct seen_slab *seen,
	  const struct slab *slab)
{
	unsigned index = slab->free;

	seen->s_mem = (uintptr_t)slab->s_mem;
	seen->base = (uintptr_t)slab_base(cache, slab);
	seen->colouroff = slab->colouroff;
	seen->inuse = slab->inuse;
	for (unsigned i = 0; i < cache->layout.num; i++)
		seen->objects[i] = slab->bufctl[i] == BUFCTL_OUT ? SEEN_OUT
								 : SEEN_FREE;
	while (index < cache->layout.num && seen->nr_chain < SEEN_CHAIN_MAX) {
		seen->chain[seen->nr_chain++] = (kmem_bufctl_t)index;
		index = slab->bufctl[index];
	}
}

static void
copy_list(struct slab_snapshot *snapshot, struct seen_node *seen,
	  enum seen_list which, const struct list *head)
{
	const struct list *pos;

	seen->is_whole[which] = true;
	list_for_each(pos, head) {
		if (seen->nr_seen[which] == snapshot->max_slabs) {
			seen->is_whole[which] = false;
			break;
		}
		copy_slab(snapshot->cache,
			  &seen->slabs[which][seen->nr_seen[which]++],
			  container_of(pos, struct slab, link));
	}
}

static void
copy_node(struct slab_snapshot *snapshot, unsigned nodeid)
{
	struct kmem_cache_node *node = snapshot->cache->node[nodeid];
	struct seen_node *seen = &snapshot->node[nodeid];
	irq_state_t state = spin_lock_irqsave(&node->lock);

	seen->nr_slabs = node->nr_slabs;
	seen->nr_free_slabs = node->nr_free_slabs;
	seen->free_objects = node->free_objects;
	seen->free_limit = node->free_limit;
	copy_list(snapshot, seen, SEEN_PARTIAL, &node->slabs_partial);
	copy_list(snapshot, seen, SEEN_FULL, &node->slabs_full);
	copy_list(snapshot, seen, SEEN_EMPTY, &node->slabs_free);
	spin_unlock_irqrestore(&node->lock, state);
}

/* -- finding a slab by address ------------------------------------------------------ */

static void
sift_down(struct seen_slab *slabs[], unsigned root, unsigned nr)
{
	unsigned child;

	while ((child = 2 * root + 1) < nr) {
		struct seen_slab *slab = slabs[root];

		if (child + 1 < nr &&
		    slabs[child + 1]->s_mem > slabs[child]->s_mem)
			child++;
		if (slab->s_mem >= slabs[child]->s_mem)
			return;
		slabs[root] = slabs[child];
		slabs[child] = slab;
		root = child;
	}
}

/* Heap sort: some thousand at most, and no memory to ask for. */
static void
sort_slabs(struct seen_slab *slabs[], unsigned nr)
{
	for (unsigned i = nr / 2; i-- > 0;)
		sift_down(slabs, i, nr);
	for (unsigned i = nr; i-- > 1;) {
		struct seen_slab *largest = slabs[0];

		slabs[0] = slabs[i];
		slabs[i] = largest;
		sift_down(slabs, 0, i);
	}
}

static void
index_slabs(struct slab_snapshot *snapshot)
{
	for (unsigned i = 0; i < nr_page_nodes; i++) {
		struct seen_node *node = &snapshot->node[i];

		for (unsigned list = 0; list < NR_SEEN_LISTS; list++)
			for (unsigned k = 0; k < node->nr_seen[list]; k++)
				snapshot->slabs[snapshot->nr_slabs++] =
					&node->slabs[list][k];
	}
	sort_slabs(snapshot->slabs, snapshot->nr_slabs);
}

struct seen_slab *
slab_snapshot_find(const struct slab_snapshot *snapshot, uintptr_t address)
{
	const struct slab_layout *layout = &snapshot->cache->layout;
	unsigned low = 0, high = snapshot->nr_slabs;
	struct seen_slab *slab;

	/* The last one that does not begin behind the address. */
	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (snapshot->slabs[middle]->s_mem <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	slab = snapshot->slabs[low - 1];
	return address - slab->s_mem < layout->num * layout->size ? slab : NULL;
}

/* -- what CPUs and nodes hold ---------------------------------------------------------- */

static void
mark(struct slab_snapshot *snapshot, const void *object, char what)
{
	struct seen_slab *slab =
		slab_snapshot_find(snapshot, (uintptr_t)object);

	if (slab != NULL)
		slab->objects[((uintptr_t)object - slab->s_mem) /
			      snapshot->cache->layout.size] = what;
}

static void
mark_of_cpu(struct slab_cache *cache, void *object, unsigned node, void *arg)
{
	struct slab_snapshot *snapshot = arg;
	unsigned cpu = arch_cpu_id();

	snapshot->cpu[cpu].nr_held++;
	snapshot->cpu[cpu].top = (uintptr_t)object;
	mark(snapshot, object, "0123456789abcdef"[cpu]);
}
BUILD_ASSERT(MAX_CPUS <= 16);

static void
mark_of_node(struct slab_cache *cache, void *object, unsigned node, void *arg)
{
	struct slab_snapshot *snapshot = arg;

	snapshot->node[node].nr_held++;
	mark(snapshot, object, SEEN_NODE);
}

static void
copy_this_cpu(void *arg)
{
	struct slab_snapshot *snapshot = arg;
	irq_state_t state = arch_irq_save();
	struct slab_cpu *cpu = snapshot->cache->cpu[arch_cpu_id()];
	struct seen_cpu *seen = &snapshot->cpu[arch_cpu_id()];

	if (cpu != NULL) {
		seen->avail = percpu_avail(cpu);
		seen->limit = percpu_limit(cpu);
	}
	percpu_visit(snapshot->cache, mark_of_cpu, snapshot);
	arch_irq_restore(state);
}

struct slab_snapshot *
slab_snapshot_take(struct slab_cache *cache, unsigned max_slabs)
{
	struct slab_snapshot *snapshot = snapshot_alloc(cache, max_slabs);

	if (snapshot == NULL)
		return NULL;
	snapshot->tunables = slab_tunables_get(cache);
	for (unsigned i = 0; i < nr_page_nodes; i++)
		copy_node(snapshot, i);
	index_slabs(snapshot);
	percpu_on_each(copy_this_cpu, snapshot);
	cache->layer->visit_nodes(cache, mark_of_node, snapshot);
	return snapshot;
}
