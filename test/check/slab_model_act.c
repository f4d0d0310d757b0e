/*
 * The operations of the check slab_model that threads and interrupts do alike: on
 * a random slot of a random kind, or on many.
 *
 * What is empty gets an object, by one of the ways to ask for one; what is full
 * is looked at, moved or freed, whoever asked for it. An actor's direction says
 * whether there are to be more objects or fewer; it changes, so that slabs fill up
 * and come free.
 */
#include <kernel/lock.h>
#include <kernel/sched.h>

#include "slab_model.h"

#define BULK 32
#define BURST_ROUNDS 4
#define LARGE 2048

static unsigned
random_next(struct model_actor *actor)
{
	unsigned x = actor->random;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	actor->random = x;
	return x;
}

unsigned
model_random(struct model_actor *actor, unsigned n)
{
	return (random_next(actor) >> 16) * n >> 16;
}

/* -- one object ------------------------------------------------------------------- */

/* While memory is plenty, what has no other wish comes from the CPU's node. */
static struct model_wish
wish_for(const struct model_kind *kind, size_t size)
{
	return (struct model_wish){
		.size = size,
		.align = MAX(kind->align, sizeof(void *)),
		.node = node_of_cpu[arch_cpu_id()],
		.constructed = kind->ctor != NULL,
	};
}

/* Small ones mostly; powers of two; now and then a large one. */
static size_t
random_size(struct model_actor *actor, const struct model_kind *kind)
{
	switch (model_random(actor, 8)) {
	case 0:
		return (size_t)8 << model_random(actor, 11);
	case 1:
		return 1 + model_random(actor, (unsigned)kind->size);
	case 2:
		return 1 + model_random(actor, 2048);
	case 3:
		return model_random(actor, 64) == 0 ? 4 * kind->size : 32;
	default:
		return 1 + model_random(actor, 256);
	}
}

static void *
ask_kmalloc(struct model_actor *actor, struct model_kind *kind,
	    struct model_wish *wish)
{
	gfp_t gfp = actor->gfp;

	*wish = wish_for(kind, random_size(actor, kind));
	switch (model_random(actor, 8)) {
	case 0:
		wish->zeroed = true;
		return kzalloc(wish->size, gfp);
	case 1:
		wish->zeroed = true;
		wish->size *= 2;
		return kcalloc(2, wish->size / 2, gfp);
	case 2:
		return krealloc(NULL, wish->size, gfp);
	default:
		return kmalloc(wish->size, gfp);
	}
}

static void *
ask_cache(struct model_actor *actor, struct model_kind *kind,
	  struct model_wish *wish)
{
	gfp_t gfp = actor->gfp;

	*wish = wish_for(kind, kind->size);
	wish->zeroed = kind->ctor == NULL && model_random(actor, 8) == 0;
	gfp |= wish->zeroed ? __GFP_ZERO : 0;
	switch (model_random(actor, 16)) {
	case 0:
		return kmem_cache_alloc_node(kind->cache, gfp, NODE_ANY);
	case 1:
		wish->node = model_random(actor, nr_page_nodes);
		return kmem_cache_alloc_node(kind->cache, gfp, wish->node);
	case 2:
		wish->node = model_random(actor, nr_page_nodes);
		return kmem_cache_alloc_node(kind->cache, gfp | __GFP_THISNODE,
					     wish->node);
	case 3:
	case 4:
		if (kind->ctor != NULL)
			return kmem_cache_alloc(kind->cache, gfp);
		wish->zeroed = true;
		return kmem_cache_zalloc(kind->cache, gfp);
	default:
		return kmem_cache_alloc(kind->cache, gfp);
	}
}

static void
failed(const struct model_kind *kind)
{
	if (model_memory_is_plenty())
		model_wrong("no memory, though there is", kind->cache,
			    kind->size);
}

static enum model_slot_state
object_new(struct model_actor *actor, struct model_kind *kind,
	   struct model_slot *slot)
{
	struct model_wish wish;
	void *object = kind->cache != NULL ? ask_cache(actor, kind, &wish)
					   : ask_kmalloc(actor, kind, &wish);

	if (object == NULL) {
		failed(kind);
		return SLOT_EMPTY;
	}
	model_born(slot, object, &wish, random_next(actor));
	return SLOT_FULL;
}

static enum model_slot_state
object_end(struct model_kind *kind, struct model_slot *slot)
{
	void *object = model_dies(slot, kind->ctor != NULL);

	if (kind->cache != NULL)
		kmem_cache_free(kind->cache, object);
	else
		kfree(object);
	return SLOT_EMPTY;
}

static enum model_slot_state
object_move(struct model_actor *actor, struct model_kind *kind,
	    struct model_slot *slot)
{
	struct model_wish wish = wish_for(kind, random_size(actor, kind));
	bool shrinks = wish.size <= slot->asked;
	void *object, *was = model_dies(slot, false);

	object = krealloc(was, wish.size, actor->gfp);
	/* It may have stayed, or not have got memory. */
	if (object == was || object == NULL)
		wish.node = NODE_ANY;
	if (object == NULL) {
		if (shrinks)
			model_wrong("shrinking failed", was, wish.size);
		failed(kind);
		wish.size = slot->asked;
		object = was;
	}
	model_moved(slot, object, &wish, random_next(actor));
	return SLOT_FULL;
}

static enum model_slot_state
object_use(struct model_actor *actor, struct model_kind *kind,
	   struct model_slot *slot)
{
	unsigned dice = model_random(actor, 16);

	if (dice < (actor->is_growing ? 8 : 1)) {
		model_look(slot);
		return SLOT_FULL;
	}
	if (dice >= 12 && kind->cache == NULL)
		return object_move(actor, kind, slot);
	return object_end(kind, slot);
}

/* -- many objects -------------------------------------------------------------------- */

/* Takes up to `max` neighbouring slots that are in this state. */
static unsigned
slots_gather(struct model_actor *actor, struct model_kind *kind,
	     enum model_slot_state wanted, struct model_slot *slots[],
	     unsigned max)
{
	unsigned first = model_random(actor, kind->nr_slots), nr = 0;

	for (unsigned i = 0; i < 3 * max && nr < max; i++) {
		struct model_slot *slot =
			&kind->slots[(first + i) % kind->nr_slots];
		enum model_slot_state was;

		if (atomic_load_relaxed(&slot->state) != wanted)
			continue;
		was = model_slot_take(slot);
		if (was == wanted)
			slots[nr++] = slot;
		else if (was != SLOT_HELD)
			model_slot_give(slot, was);
	}
	return nr;
}

static void
bulk_new(struct model_actor *actor, struct model_kind *kind)
{
	struct model_slot *slots[BULK];
	void *objects[BULK];
	unsigned nr = slots_gather(actor, kind, SLOT_EMPTY, slots,
				   1 + model_random(actor, BULK));
	bool is_zeroed = kind->ctor == NULL && model_random(actor, 4) == 0;
	gfp_t gfp = actor->gfp | (is_zeroed ? __GFP_ZERO : 0);
	struct model_wish wish;
	bool done;

	if (nr == 0)
		return;
	wish = wish_for(kind, kind->size);
	wish.zeroed = is_zeroed;
	done = kmem_cache_alloc_bulk(kind->cache, gfp, nr, objects);
	if (!done)
		failed(kind);
	for (unsigned i = 0; i < nr; i++) {
		if (done)
			model_born(slots[i], objects[i], &wish,
				   random_next(actor));
		model_slot_give(slots[i], done ? SLOT_FULL : SLOT_EMPTY);
	}
}

static void
bulk_end(struct model_actor *actor, struct model_kind *kind)
{
	struct model_slot *slots[BULK];
	void *objects[BULK];
	unsigned nr = slots_gather(actor, kind, SLOT_FULL, slots,
				   1 + model_random(actor, BULK));

	for (unsigned i = 0; i < nr; i++)
		objects[i] = model_dies(slots[i], kind->ctor != NULL);
	kmem_cache_free_bulk(kind->cache, nr, objects);
	for (unsigned i = 0; i < nr; i++)
		model_slot_give(slots[i], SLOT_EMPTY);
}

static void
act_on_slot(struct model_actor *actor, struct model_kind *kind)
{
	struct model_slot *slot =
		&kind->slots[model_random(actor, kind->nr_slots)];

	switch (model_slot_take(slot)) {
	case SLOT_HELD:
		return;
	case SLOT_EMPTY:
		model_slot_give(slot, object_new(actor, kind, slot));
		return;
	case SLOT_FULL:
		model_slot_give(slot, object_use(actor, kind, slot));
		return;
	}
}

/* -- bursts --------------------------------------------------------------------------- */

static void *
burst_new(const struct model_actor *actor, const struct model_kind *kind,
	  size_t size, bool mark)
{
	void **object = kind->cache != NULL
				? kmem_cache_alloc(kind->cache, actor->gfp)
				: kmalloc(size, actor->gfp);

	if (object == NULL)
		failed(kind);
	else if (mark)
		*object = object;
	return object;
}

static void
burst_end(const struct model_kind *kind, void **object, bool marked)
{
	if (marked && object != NULL && *object != object)
		model_wrong("overwritten", object, kind->size);
	if (kind->cache != NULL)
		kmem_cache_free(kind->cache, object);
	else
		kfree(object);
}

/*
 * Some objects come and go without the model, whose own work takes longer than
 * the allocator's: so that an interrupt is likely to hit the allocator in the
 * middle. What goes wrong then shows in the marks, or when such an object is met
 * in the model.
 */
static void
burst(struct model_actor *actor, struct model_kind *kind)
{
	bool mark = kind->ctor == NULL; /* as ours */
	bool is_large = kind->cache != NULL && kind->size > LARGE;
	unsigned nr = 1 + model_random(actor, is_large ? BULK / 8 : BULK);
	size_t size = sizeof(void *) + model_random(actor, 500);
	void *objects[BULK];

	for (unsigned round = 0; round < BURST_ROUNDS; round++) {
		for (unsigned i = 0; i < nr; i++)
			objects[i] = burst_new(actor, kind, size, mark);
		for (unsigned i = 0; i < nr; i++)
			burst_end(kind, objects[i], mark);
	}
}

/* -- operations ------------------------------------------------------------------------ */

/* What the thread on each CPU is at: interrupts do half of their operations on that
 * kind, so that they come in between. */
static unsigned kind_of_thread[MAX_CPUS];

static struct model_kind *
choose_kind(struct model_actor *actor)
{
	unsigned i = model_random(actor, model_nr_kinds);
	unsigned *of_thread = &kind_of_thread[arch_cpu_id()];

	if (actor->gfp & __GFP_WAIT)
		atomic_store_relaxed(of_thread, i);
	else if (i % 2 == 0)
		i = atomic_load_relaxed(of_thread);
	return &model_kinds[i];
}

static void
act_on_kind(struct model_actor *actor, struct model_kind *kind)
{
	unsigned dice = model_random(actor, 8192);
	bool in_thread = actor->gfp & __GFP_WAIT;
	/* In interrupts it is a matter of one CPU. */
	unsigned shrink = in_thread ? 1 : 16;

	if (dice < 512 && in_thread)
		burst(actor, kind);
	if (dice >= 64 || kind->cache == NULL)
		act_on_slot(actor, kind);
	else if (dice >= shrink)
		(actor->is_growing ? bulk_new : bulk_end)(actor, kind);
	else
		(void)kmem_cache_shrink(kind->cache);
}

void
model_act(struct model_actor *actor)
{
	struct model_kind *kind = choose_kind(actor);

	actor->nr_ops++;
	if (!model_kind_enter(kind))
		return;
	act_on_kind(actor, kind);
	model_kind_leave(kind);
}
