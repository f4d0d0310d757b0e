/*
 * Objects of a cache, where the front's stack did not serve: the way down to the
 * slabs, and back.
 *
 *	slab_alloc	this CPU's stack (the front may not be allowed to use it)
 *			  the layer: more from this node (refill)
 *			    a new slab on this node (cache_grow)
 *			      other nodes' objects, then pages of any node
 *			        what all caches hold unused, if memory is short
 *	slab_free	this CPU's stack; the layer makes room (flush)
 *			  home, if the object is another node's (free_remote)
 *
 * A cache that is not attached to a layer yet (start-up), or that is debugged
 * (debug/ops.c), has no part for any CPU: its objects come out of slabs one by
 * one, and go back the same way.
 *
 * CONTEXT.  Any. Interrupts are off where a CPU's part is used, and on again in
 * between: growing may sleep, and the thread may find itself on another CPU, so
 * after it everything is looked at again.
 */
#include <kernel/error.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#include "debug/hooks.h"
#include "objects.h"
#include "percpu/layer.h"
#include "reap.h"
#include "slabs.h"

/* Memory is short when less than one part in so many is free. */
#define SHORT_FRACTION 32

/* -- taking ------------------------------------------------------------------------------- */

/* One object out of a node's slabs, past the arrays. */
static void *
take_one(struct slab_cache *cache, unsigned nodeid)
{
	struct kmem_cache_node *node = cache->node[nodeid];
	irq_state_t state = env_lock(&node->lock);
	void *object = NULL;

	if (unlikely(slab_debug(cache) != 0))
		object = slab_debug_hooks->take(cache, node);
	else
		(void)slab_take(cache, node, &object, 1);
	if (object != NULL && nodeid != env_node())
		slab_count(cache->stats[env_cpu()].node_allocs);
	env_unlock(&node->lock, state);
	return object;
}

/* The newest object of the stack; NULL: it is empty. */
static inline void *
stack_pop(struct slab_cpu *cpu)
{
	void *object = *cpu->stack.top;

	if (object != NULL)
		cpu->stack.top--;
	return object;
}

/* false: no room. */
static inline bool
stack_push(struct slab_cpu *cpu, void *object)
{
	if (cpu->stack.top == cpu->last)
		return false;
	*++cpu->stack.top = object;
	return true;
}

/* The stack is empty, or there is none. Interrupts off. */
static __noinline void *
take_miss(struct slab_cache *cache, struct slab_cpu *cpu)
{
	void *object;

	slab_count(cache->stats[env_cpu()].alloc_miss);
	if (cpu == NULL)
		return take_one(cache, env_node());
	object = cache->layer->refill(cache, cpu);
	percpu_touch(cache, cpu);
	return object;
}

/* From this CPU or its node, without growing. */
static inline void *
take_here(struct slab_cache *cache)
{
	irq_state_t state = env_irqs_off();
	struct slab_cpu *cpu = cache->cpu[env_cpu()];
	void *object = cpu != NULL ? stack_pop(cpu) : NULL;

	if (unlikely(object == NULL)) {
		object = take_miss(cache, cpu);
	} else {
		slab_count(cache->stats[env_cpu()].alloc_hit);
		percpu_touch(cache, cpu);
	}
	env_irqs_restore(state);
	return object;
}

static void
say_no_memory(struct slab_cache *cache, gfp_t gfp)
{
	irq_state_t state = env_irqs_off();

	slab_count(cache->stats[env_cpu()].no_memory);
	env_irqs_restore(state);
	if (!(gfp & __GFP_NOWARN))
		printk("slab: no memory for cache %s: gfp 0x%x, %zu of %zu "
		       "pages free\n",
		       cache->base.name, gfp, env_nr_pages_free(),
		       env_nr_pages());
}

static void *
take_nearest(struct slab_cache *cache, unsigned home)
{
	void *object = NULL;

	for (unsigned i = 0; i < env_nr_nodes() && object == NULL; i++)
		object = take_one(cache, env_node_nearest(home, i));
	return object;
}

/*
 * `home` has neither objects nor pages: the other nodes' objects by distance,
 * then pages from anywhere (where the page allocator tries all it may). Whoever
 * else is short may take what a new slab brings, so: until there is none.
 */
static void *
fallback_alloc(struct slab_cache *cache, gfp_t gfp, unsigned home)
{
	void *object = take_nearest(cache, home);
	int landed;

	while (object == NULL) {
		landed = cache_grow(cache, gfp, home);
		if (landed < 0)
			break;
		object = take_one(cache, (unsigned)landed);
	}
	return object;
}

/* For an attempt at one node before others are asked. */
static gfp_t
gfp_local(gfp_t gfp)
{
	if (env_nr_nodes() == 1 || (gfp & __GFP_THISNODE))
		return gfp;
	return (gfp & ~(gfp_t)__GFP_WAIT) | __GFP_THISNODE | __GFP_NOWARN;
}

static bool
may_fall_back(gfp_t gfp)
{
	return env_nr_nodes() > 1 && !(gfp & __GFP_THISNODE);
}

/* Without growing: from this CPU or its node, or from the node that is wished. */
static inline void *
take_at(struct slab_cache *cache, unsigned nodeid)
{
	return nodeid == NODE_ANY ? take_here(cache) : take_one(cache, nodeid);
}

/*
 * There is nothing to take, so the cache grows. Whoever else is short may take
 * what comes of it, and the thread may be on another CPU then: so again, until
 * there is something or it cannot grow.
 */
static void *
alloc_grow(struct slab_cache *cache, gfp_t gfp, unsigned nodeid)
{
	void *object;
	unsigned home;

	do {
		home = nodeid == NODE_ANY ? env_node() : nodeid;
		if (cache_grow(cache, gfp_local(gfp), home) < 0)
			return may_fall_back(gfp)
				       ? fallback_alloc(cache, gfp, home)
				       : NULL;
		object = take_at(cache, nodeid);
	} while (object == NULL);
	return object;
}

/* So little memory is free that what caches hold counts. (Else pages were not
 * contiguous enough, or an allocation failed on purpose.) */
static bool
memory_is_short(void)
{
	return env_nr_pages_free() < env_nr_pages() / SHORT_FRACTION;
}

/*
 * There is nothing to take. Free objects lie in what CPUs hold of this and other
 * caches, where the page allocator cannot see them, and in interrupts it asks
 * nobody: so before NULL, all that can be given back here is given back, once.
 */
static __noinline void *
alloc_miss(struct slab_cache *cache, gfp_t gfp, unsigned nodeid)
{
	void *object = alloc_grow(cache, gfp | __GFP_NOWARN, nodeid);

	if (object == NULL && memory_is_short()) {
		(void)slab_shrink_all(cache->root);
		object = take_at(cache, nodeid);
		if (object == NULL)
			object = alloc_grow(cache, gfp | __GFP_NOWARN, nodeid);
	}
	if (object == NULL)
		say_no_memory(cache, gfp);
	return object;
}

void *
slab_alloc(struct slab_cache *cache, gfp_t gfp)
{
	void *object = take_here(cache);

	return likely(object != NULL) ? object
				      : alloc_miss(cache, gfp, NODE_ANY);
}

void *
slab_alloc_node(struct slab_cache *cache, gfp_t gfp, unsigned nodeid)
{
	void *object;

	assert(nodeid < env_nr_nodes());
	object = take_one(cache, nodeid);
	return object != NULL ? object : alloc_miss(cache, gfp, nodeid);
}

void *
slab_alloc_bare(struct slab_cache *cache, gfp_t gfp, unsigned nodeid)
{
	void *object = take_one(cache, nodeid);

	return object != NULL ? object
			      : alloc_grow(cache, gfp | __GFP_NOWARN, nodeid);
}

/* -- giving back ---------------------------------------------------------------------------- */

/* There is no stack. Interrupts off. */
static void
free_alone(struct slab_cache *cache, void *object)
{
	slab_count(cache->stats[env_cpu()].free_miss);
	if (slab_debug(cache) != 0)
		slab_debug_hooks->free(cache, object);
	else
		slab_put(cache, env_page_of(object)->node, &object, 1);
}

/* The stack is full, or there is none, or the object is not of this node.
 * Interrupts off. */
static __noinline void
free_miss(struct slab_cache *cache, struct slab_cpu *cpu, void *object)
{
	struct slab_stats *stats = &cache->stats[env_cpu()];
	unsigned home;

	if (cpu == NULL) {
		free_alone(cache, object);
		return;
	}
	home = env_page_of(object)->node;
	if (home != env_node()) {
		slab_count(stats->node_frees);
		cache->layer->free_remote(cache, cpu, object, home);
	} else {
		slab_count(stats->free_miss);
		cache->layer->flush(cache, cpu);
		if (!stack_push(cpu, object))
			slab_put(cache, home, &object, 1);
	}
	percpu_touch(cache, cpu);
}

static inline bool
is_of_this_node(const void *object)
{
	return likely(env_nr_nodes() == 1) ||
	       env_page_of(object)->node == env_node();
}

void
slab_free(struct slab_cache *cache, void *object)
{
	irq_state_t state = env_irqs_off();
	struct slab_cpu *cpu = cache->cpu[env_cpu()];

	if (likely(cpu != NULL) && is_of_this_node(object) &&
	    stack_push(cpu, object)) {
		slab_count(cache->stats[env_cpu()].free_hit);
		percpu_touch(cache, cpu);
	} else {
		free_miss(cache, cpu, object);
	}
	env_irqs_restore(state);
}

/* -- many at once ------------------------------------------------------------------------------ */

/* At most so many come or go with interrupts off. */
#define BULK_STEP 256

/* Pushes the first objects, as far as there is room and they are of this node;
 * returns how many. Here. */
static unsigned
stack_put(struct slab_cpu *cpu, size_t nr, void *const objects[])
{
	unsigned room = (unsigned)(cpu->last - cpu->stack.top), put = 0;

	nr = MIN(nr, (size_t)room);
	while (put < nr && is_of_this_node(objects[put])) {
		cpu->stack.top[1 + put] = objects[put];
		put++;
	}
	cpu->stack.top += put;
	return put;
}

/* One stack full after the other. */
static void
bulk_put(struct slab_cache *cache, size_t nr, void *objects[])
{
	irq_state_t state = env_irqs_off();
	struct slab_cpu *cpu = cache->cpu[env_cpu()];
	struct slab_stats *stats = &cache->stats[env_cpu()];
	size_t done = 0;

	while (done < nr) {
		unsigned put = 0;

		if (cpu != NULL)
			put = stack_put(cpu, nr - done, objects + done);
		atomic_count(&stats->free_hit, put);
		done += put;
		if (done < nr)
			free_miss(cache, cpu, objects[done++]);
	}
	if (cpu != NULL)
		percpu_touch(cache, cpu);
	env_irqs_restore(state);
}

void
slab_free_bulk(struct slab_cache *cache, size_t nr, void *objects[])
{
	/* Interrupts come in between: nr may be large. */
	for (size_t done = 0; done < nr; done += BULK_STEP)
		bulk_put(cache, MIN(nr - done, (size_t)BULK_STEP),
			 objects + done);
}

/* The newest of this CPU's stack; returns how many. Here. */
static unsigned
stack_take(struct slab_cpu *cpu, size_t nr, void *objects[])
{
	unsigned taken = (unsigned)MIN((size_t)percpu_avail(cpu), nr);

	cpu->stack.top -= taken;
	memcpy(objects, cpu->stack.top + 1, taken * sizeof(objects[0]));
	return taken;
}

/* One stack full after the other, while the layer has any; the rest out of this
 * node's slabs, straight into objects. Returns how many. */
static size_t
bulk_take(struct slab_cache *cache, size_t nr, void *objects[])
{
	irq_state_t state = env_irqs_off(), inner;
	struct kmem_cache_node *node = cache->node[env_node()];
	struct slab_cpu *cpu = cache->cpu[env_cpu()];
	size_t taken = 0;

	if (cpu != NULL) {
		do {
			taken += stack_take(cpu, nr - taken, objects + taken);
		} while (taken < nr && cache->layer->fetch(cache, cpu));
		percpu_touch(cache, cpu);
	}
	/* One that is debugged is asked for each by itself. */
	if (taken < nr && likely(slab_debug(cache) == 0)) {
		inner = env_lock(&node->lock);
		taken += slab_take(cache, node, objects + taken,
				   (unsigned)(nr - taken));
		env_unlock(&node->lock, inner);
	}
	env_irqs_restore(state);
	return taken;
}

bool
slab_alloc_bulk(struct slab_cache *cache, gfp_t gfp, size_t nr, void *objects[])
{
	size_t done = 0, taken;

	while (done < nr) {
		taken = bulk_take(cache, MIN(nr - done, (size_t)BULK_STEP),
				  objects + done);
		done += taken;
		if (taken > 0)
			continue;
		/* Grows, and knows what to do if it cannot. */
		objects[done] = slab_alloc(cache, gfp);
		if (objects[done] == NULL) {
			slab_free_bulk(cache, done, objects);
			return false;
		}
		done++;
	}
	return true;
}
