/*
 * Walks over all of the slab allocator that believe nothing: whether lists,
 * counts, index lists, arrays and pages agree. For tests, at quiet moments: the
 * cache's objects are not touched meanwhile.
 */

#include "../chain.h"

#include <kernel/printk.h>
#include "../percpu/layer.h"
#include "../slabs.h"
#include "debug.h"
#include "validate.h"

/* A cache under examination. */
struct exam {
	struct slab_cache *cache;
	bool ok;
	size_t nr_held; /* objects met in arrays */
};

static void
complain(struct exam *exam, const char *what, const void *where)
{
	exam->ok = false;
	printk("slab: cache %s: %s at %p\n", exam->cache->base.name, what,
	       where);
}

/* -- slabs ------------------------------------------------------------------------- */

/* The index list reaches exactly the objects that are not out. */
static void
examine_index_list(struct exam *exam, struct slab *slab)
{
	unsigned num = exam->cache->layout.num, nr_free = 0, nr_out = 0;
	unsigned index = slab->free;

	while (index != BUFCTL_END && nr_free <= num) {
		if (index >= num) {
			complain(exam, "index list leads astray", slab);
			return;
		}
		index = slab->bufctl[index];
		nr_free++;
	}
	for (unsigned i = 0; i < num; i++)
		nr_out += slab->bufctl[i] == BUFCTL_OUT;
	if (nr_free != num - slab->inuse)
		complain(exam, "inuse is not what the index list says", slab);
	if (nr_out != slab->inuse)
		complain(exam, "objects are neither free nor out", slab);
}

static void
examine_pages(struct exam *exam, struct slab *slab, unsigned nodeid)
{
	const struct slab_layout *layout = &exam->cache->layout;
	struct page *base = env_page_of(slab_base(exam->cache, slab));

	for (size_t i = 0; i < (size_t)1 << layout->order; i++) {
		if (base[i].kind != PAGE_SLAB ||
		    base[i].owner.cache != exam->cache ||
		    base[i].owner.slab != slab)
			complain(exam, "a page does not lead to its slab",
				 slab);
		if (base[i].node != nodeid)
			complain(exam, "a page is of another node", slab);
	}
}

static void
examine_slab(struct exam *exam, struct slab *slab, unsigned nodeid)
{
	const struct slab_layout *layout = &exam->cache->layout;
	uintptr_t base = (uintptr_t)slab_base(exam->cache, slab);
	size_t used = (size_t)(slab->s_mem - slab_base(exam->cache, slab)) +
		      layout->num * layout->size;

	if (slab->nodeid != nodeid)
		complain(exam, "in the lists of another node", slab);
	if (slab->colouroff % layout->colour_off != 0 ||
	    slab->colouroff / layout->colour_off >= layout->nr_colours)
		complain(exam, "a colour that its cache does not have", slab);
	if (base % PAGE_SIZE != 0 ||
	    (uintptr_t)slab->s_mem % layout->align != 0)
		complain(exam, "objects are not aligned", slab);
	if (used > PAGE_SIZE << layout->order)
		complain(exam, "objects reach beyond their pages", slab);
	examine_index_list(exam, slab);
	examine_pages(exam, slab, nodeid);
}

/* All slabs of a list have from min to max objects out. */
static size_t
examine_list(struct exam *exam, const struct list *head, unsigned nodeid,
	     unsigned min, unsigned max, size_t *nr_free)
{
	const struct list *pos;
	size_t nr = 0;

	list_for_each(pos, head) {
		struct slab *slab = container_of(pos, struct slab, link);

		if (pos->next->prev != pos)
			complain(exam, "a list is broken", slab);
		if (slab->inuse < min || slab->inuse > max)
			complain(exam, "in the wrong list", slab);
		examine_slab(exam, slab, nodeid);
		*nr_free += exam->cache->layout.num - slab->inuse;
		nr++;
	}
	return nr;
}

static void
examine_node(struct exam *exam, unsigned nodeid)
{
	struct kmem_cache_node *node = exam->cache->node[nodeid];
	unsigned num = exam->cache->layout.num;
	size_t nr_free = 0, nr_slabs, nr_free_slabs;
	irq_state_t state = env_lock(&node->lock);

	nr_slabs = examine_list(exam, &node->slabs_full, nodeid, num, num,
				&nr_free);
	if (num > 1)
		nr_slabs += examine_list(exam, &node->slabs_partial, nodeid, 1,
					 num - 1, &nr_free);
	else if (!list_empty(&node->slabs_partial))
		complain(exam, "a partial slab of one object", node);
	nr_free_slabs =
		examine_list(exam, &node->slabs_free, nodeid, 0, 0, &nr_free);
	nr_slabs += nr_free_slabs;
	if (node->nr_slabs != nr_slabs)
		complain(exam, "nr_slabs is wrong", node);
	if (node->nr_free_slabs != nr_free_slabs)
		complain(exam, "nr_free_slabs is wrong", node);
	if (node->free_objects != nr_free)
		complain(exam, "free_objects is wrong", node);
	env_unlock(&node->lock, state);
}

/* -- arrays ---------------------------------------------------------------------------- */

/* An object in an array is out of its slab, and of the array's node. */
static void
examine_held(struct slab_cache *cache, void *object, unsigned node, void *arg)
{
	struct exam *exam = arg;
	const struct slab *slab;

	exam->nr_held++;
	if (!slab_is_object(cache, object)) {
		complain(exam, "an array holds what is no object", object);
		return;
	}
	slab = env_page_of(object)->owner.slab;
	if (slab->nodeid != node)
		complain(exam, "an array holds an object of another node",
			 object);
	if (slab->bufctl[slab_index(cache, slab, object)] != BUFCTL_OUT)
		complain(exam, "an object is in an array and free in its slab",
			 object);
}

static void
examine_this_cpu(void *arg)
{
	struct exam *exam = arg;

	percpu_visit(exam->cache, examine_held, exam);
}

static struct exam
examine(struct slab_cache *cache)
{
	struct exam exam = { .cache = cache, .ok = true };
	size_t nr_out;

	for (unsigned i = 0; i < env_nr_nodes(); i++)
		examine_node(&exam, i);
	percpu_on_each(examine_this_cpu, &exam);
	cache->layer->visit_nodes(cache, examine_held, &exam);
	nr_out = slab_nr_out(cache);
	if (exam.nr_held > nr_out)
		complain(&exam, "arrays hold more objects than are out", cache);
	return exam;
}

bool
slab_validate_cache(struct slab_cache *cache)
{
	bool ok = examine(cache).ok;

	if (slab_debug(cache) != 0)
		ok &= slab_debug_scan(cache);
	return ok;
}

bool
slab_validate(struct slab_root *root)
{
	struct slab_cache *cache;
	bool ok = true;

	for (cache = NULL; (cache = slab_chain_next(root, cache)) != NULL;)
		ok &= slab_validate_cache(cache);
	return ok;
}

size_t
slab_validate_nr_live(struct slab_cache *cache)
{
	struct exam exam = examine(cache);

	return slab_nr_out(cache) - exam.nr_held;
}
