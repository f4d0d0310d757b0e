/*
 * Looking at every operation on a cache, so that a crime against memory is found
 * where it was committed, or near it.
 *
 * PROBLEM.  Who writes behind an object's end, or into one that he has freed,
 * damages someone else's data, who then fails somewhere else and later. And an
 * allocator that looks for this costs more than everything it finds.
 *
 * MODEL.  Per cache, in the field's letters; what is off costs nothing, because a
 * cache where something is on has no part for any CPU (objects.c): each
 * allocation comes to slab_debug_take, each free to slab_debug_free, one object
 * at a time, under the node's lock, straight from and to the slabs. Nothing
 * waits in an array, so what is wrong shows in the very operation. All other
 * caches go by without a test.
 *
 *	F  the slab makes sense: links, index list, counts (retire.c)
 *	Z  red zones before and behind the object
 *	P  a free object is all POISON_FREE, a fresh one POISON_INUSE
 *	U  who allocated and who freed it last: backtrace, thread, time
 *
 *	| descriptor | index list | sizes (Z) | notes (U) | red | object 0 | red | ...
 *
 *	state	red zones	bytes				checked
 *	free	RED_INACTIVE	6b 6b ... 6b a5			when taken, by scans,
 *								when its pages go
 *	out	RED_ACTIVE	5a 5a ... until it is written	zones: when freed or
 *								resized, by scans
 *
 * With any letter on, pointers that are freed must be objects of this cache that
 * are out: a second free, a pointer into the middle, one of another cache or of
 * none is reported and ignored.
 *
 * SIZES.  kmalloc(50) has an object of 64 bytes, but the 51st is not the caller's.
 * General caches keep with Z what each object was asked for as, and while it is
 * out its right zone begins there (zones.c). The size comes by the slow
 * path, which knows it anyway: the back end's kmalloc takes an object, which is
 * whole then, and says what was asked for (slab_debug_asked). krealloc that stays
 * where it is, and ksize, which allows all of the object, say it anew
 * (slab_debug_resize), and since they must know an object when they see one, they
 * are where a free one or a pointer into the middle is found, too. An object of
 * which nobody said anything (the allocator's own; one that was on its way out
 * when Z was turned on) counts as a whole.
 *
 * CONSTRUCTED objects stay as they are while they are free, so they cannot be
 * poisoned: P then keeps a checksum of each free one, in its note.
 *
 * WHERE NOTES AND SIZES ARE.  Not between the objects, as is usual, but behind the index
 * list: an overrun does not destroy what tells who did it, and objects keep
 * their alignment without wasting half of the slab on it.
 *
 * INVARIANTS.  Under the node's lock the bytes and zones of each object are as its
 * state says, unless someone committed a crime. A report changes nothing of
 * the state: zones and poison are made good again, and the kernel goes on.
 *
 * LOCKING.  node->lock, for everything here. Reports are made under it: see
 * ../report.c.
 *
 * COSTS where on: the node's lock for each operation; P and Z touch each byte of
 * the object; F walks the slab's index list; U walks the stack.
 *
 * TO CHANGE what a letter means: here; Z: zones.c. Reports:
 * report.c. Turning on and off: switch.c.
 */
#include <kernel/string.h>

#include "debug.h"

/* Frames of this file on top of each track. */
#define OWN_FRAMES 2

/* -- bytes ------------------------------------------------------------------------------ */

static bool
is_poisoned(const struct slab_cache *cache, const unsigned char *object,
	    struct slab_bug *bug)
{
	const unsigned char *last = object + cache->base.object_size - 1;
	bool ok = slab_zones_bytes_are(object, last, POISON_FREE, bug);

	if (*last == POISON_END)
		return ok;
	if (ok)
		bug->bad = last;
	bug->bad_end = last + 1;
	return false;
}

static void
poison(const struct slab_cache *cache, unsigned char *object)
{
	memset(object, POISON_FREE, cache->base.object_size - 1);
	object[cache->base.object_size - 1] = POISON_END;
}

static size_t
checksum(const struct slab_cache *cache, const unsigned char *object)
{
	size_t sum = 1;

	for (size_t i = 0; i < cache->base.object_size; i++)
		sum = sum * 31 + object[i];
	return sum;
}

/* -- looking ---------------------------------------------------------------------------- */

/* Nobody wrote into this free object; else that is reported and made good. */
static bool
free_bytes_check(struct slab_cache *cache, struct slab *slab,
		 unsigned char *object)
{
	struct slab_bug bug = {
		.cache = cache, .pointer = object, .slab = slab, .is_free = true
	};
	struct slab_note *note =
		slab_note(cache, slab, slab_index(cache, slab, object));

	if (cache->base.ctor == NULL) {
		if (is_poisoned(cache, object, &bug))
			return true;
		bug.what = "written to after it was freed";
		bug.outcome = "the poison is restored";
	} else {
		if (note->checksum == checksum(cache, object))
			return true;
		bug.what = "constructed object written to after it was freed";
		bug.outcome = "left as it is";
	}
	slab_bug_report(&bug);
	if (cache->base.ctor == NULL)
		poison(cache, object);
	else
		note->checksum = checksum(cache, object);
	return false;
}

/* What a free object must be. */
static bool
free_object_check(struct slab_cache *cache, struct slab *slab,
		  unsigned char *object)
{
	unsigned debug = slab_debug(cache);
	bool ok = true;

	if (debug & SLAB_POISON)
		ok &= free_bytes_check(cache, slab, object);
	if (debug & SLAB_RED_ZONE)
		ok &= slab_zones_check(cache, slab, object, RED_INACTIVE);
	return ok;
}

/* -- marking ---------------------------------------------------------------------------- */

static __noinline void
track_set(struct slab_track *track)
{
	uintptr_t pcs[SLAB_TRACK_DEPTH + OWN_FRAMES];
	unsigned nr = env_backtrace(pcs, ARRAY_SIZE(pcs));
	unsigned skip = MIN(nr, (unsigned)OWN_FRAMES);

	memset(track->pcs, 0, sizeof(track->pcs));
	memcpy(track->pcs, pcs + skip, (nr - skip) * sizeof(pcs[0]));
	track->when = env_ticks();
	track->pid = env_thread_pid();
	track->cpu = env_cpu();
	(void)strlcpy(track->name, env_thread_name(), sizeof(track->name));
}

static void
become_free(struct slab_cache *cache, struct slab *slab, unsigned index)
{
	unsigned char *object = slab_object_at(cache, slab, index);
	struct slab_note *note = slab_note(cache, slab, index);
	unsigned debug = slab_debug(cache);

	if (debug & SLAB_RED_ZONE)
		slab_zones_set(cache, slab, object, RED_INACTIVE);
	if (!(debug & (SLAB_POISON | SLAB_POISON_FILL)))
		return;
	if (cache->base.ctor == NULL)
		poison(cache, object);
	else
		note->checksum = checksum(cache, object);
}

static void
become_used(struct slab_cache *cache, struct slab *slab, unsigned char *object)
{
	unsigned debug = slab_debug(cache);

	slab_asked_forget(cache, slab, object);
	if (debug & SLAB_RED_ZONE)
		slab_zones_set(cache, slab, object, RED_ACTIVE);
	if ((debug & (SLAB_POISON | SLAB_POISON_FILL)) &&
	    cache->base.ctor == NULL)
		memset(object, POISON_INUSE, cache->base.object_size);
}

void
slab_debug_init(struct slab_cache *cache, struct slab *slab)
{
	for (unsigned i = 0; i < cache->layout.num; i++) {
		struct slab_note *note = slab_note(cache, slab, i);

		if (slab->bufctl[i] == BUFCTL_OUT)
			continue;
		if (note != NULL) {
			note->alloc.pid = -1;
			note->free.pid = -1;
		}
		slab_asked_forget(cache, slab, slab_object_at(cache, slab, i));
		become_free(cache, slab, i);
	}
}

/* -- taking ----------------------------------------------------------------------------- */

void *
slab_debug_take(struct slab_cache *cache, struct kmem_cache_node *node)
{
	unsigned debug = slab_debug(cache);
	struct slab_note *note;
	struct slab *slab;
	void *object;

	do {
		slab = slab_next_to_take(node);
		if (slab == NULL)
			return NULL;
	} while ((debug & SLAB_CONSISTENCY_CHECKS) &&
		 !slab_debug_check(cache, node, slab));
	(void)slab_take(cache, node, &object, 1);
	(void)free_object_check(cache, slab, object);
	become_used(cache, slab, object);
	note = slab_note(cache, slab, slab_index(cache, slab, object));
	if (note != NULL && (debug & SLAB_STORE_USER))
		track_set(&note->alloc);
	return object;
}

void
slab_debug_context(struct slab_cache *cache, gfp_t gfp)
{
	/* Debug builds have looked already, in the front. */
	if (!KERNEL_DEBUG && (slab_debug(cache) & SLAB_CONSISTENCY_CHECKS))
		kmem_check_context(gfp, cache->base.name);
}

/* -- giving back ------------------------------------------------------------------------ */

/* How a report words that a pointer does not lead to an object that is out. */
struct no_object_words {
	const char *middle, *free, *outcome;
};

static const char ignored[] = "the free is ignored";
static const struct no_object_words freeing = {
	.middle = "free of a pointer into the middle",
	.free = "second free of an object",
	.outcome = ignored,
};
static const struct no_object_words resizing = {
	.middle = "krealloc or ksize of a pointer into the middle",
	.free = "krealloc or ksize of a free object",
	.outcome = "nothing is known to be of another size now",
};

/* The page of an object of this cache, damaged or not; NULL: it is none's, which
 * is reported. */
static struct page *
page_of_cache(struct slab_cache *cache, void *object)
{
	struct page *page = env_page_of(object);
	struct slab_bug bug = { .cache = cache,
				.pointer = object,
				.outcome = ignored };

	if (page == NULL ||
	    (page->kind != PAGE_SLAB && page->kind != PAGE_SLAB_RETIRED)) {
		bug.what = "free of a pointer that is no object";
		slab_bug_report(&bug);
		return NULL;
	}
	if (page->owner.cache != cache) {
		bug.cache = page->owner.cache;
		bug.slab = page->kind == PAGE_SLAB ? page->owner.slab : NULL;
		bug.what = "object freed to another cache";
		slab_bug_report(&bug);
		return NULL;
	}
	return page;
}

/* Whether this is an object that is out; else it is reported. */
static bool
is_out(struct slab_cache *cache, struct slab *slab, void *object,
       const struct no_object_words *words)
{
	struct slab_bug bug = { .cache = cache,
				.pointer = object,
				.slab = slab,
				.outcome = words->outcome };

	if (!slab_is_object(cache, object)) {
		size_t offset = (size_t)((unsigned char *)object - slab->s_mem);

		if (offset >= cache->layout.num * cache->layout.size)
			bug.slab = NULL;
		bug.what = words->middle;
	} else if (slab->bufctl[slab_index(cache, slab, object)] !=
		   BUFCTL_OUT) {
		bug.what = words->free;
		bug.is_free = true;
	} else {
		return true;
	}
	slab_bug_report(&bug);
	return false;
}

static void
free_one(struct slab_cache *cache, struct kmem_cache_node *node,
	 struct slab *slab, void *object, struct list *surplus)
	REQUIRES(node->lock)
{
	unsigned debug = slab_debug(cache), index;
	struct slab_note *note;

	if ((debug & SLAB_CONSISTENCY_CHECKS) &&
	    !slab_debug_check(cache, node, slab)) {
		slab_retire_free(node, env_page_of(object));
		return;
	}
	if (!is_out(cache, slab, object, &freeing)) {
		node->nr_errors++;
		return;
	}
	if (debug & SLAB_RED_ZONE)
		(void)slab_zones_check(cache, slab, object, RED_ACTIVE);
	index = slab_index(cache, slab, object);
	note = slab_note(cache, slab, index);
	if (note != NULL && (debug & SLAB_STORE_USER))
		track_set(&note->free);
	become_free(cache, slab, index);
	free_block(cache, node, &object, 1, surplus);
}

void
slab_debug_free(struct slab_cache *cache, void *object)
{
	struct page *page = page_of_cache(cache, object);
	struct list surplus = LIST_INIT(surplus);
	struct kmem_cache_node *node;
	irq_state_t state;

	if (page == NULL)
		return;
	node = cache->node[page->node];
	state = env_lock(&node->lock);
	if (page->kind == PAGE_SLAB_RETIRED)
		slab_retire_free(node, page);
	else
		free_one(cache, node, page->owner.slab, object, &surplus);
	env_unlock(&node->lock, state);
	(void)slabs_destroy(cache, &surplus);
}

/* -- another size ----------------------------------------------------------------------- */

void
slab_debug_asked(struct slab_cache *cache, void *object, size_t size)
{
	struct page *page = env_page_of(object);
	struct kmem_cache_node *node = cache->node[page->node];
	irq_state_t state;

	if (cache->layout.asked_size == 0)
		return;
	state = env_lock(&node->lock);
	if (page->kind == PAGE_SLAB && (slab_debug(cache) & SLAB_RED_ZONE))
		slab_asked_set(cache, page->owner.slab, object, size);
	env_unlock(&node->lock, state);
}

static void
resize_one(struct slab_cache *cache, struct kmem_cache_node *node,
	   struct slab *slab, void *object, size_t size) REQUIRES(node->lock)
{
	unsigned debug = slab_debug(cache);

	if ((debug & SLAB_CONSISTENCY_CHECKS) &&
	    !slab_debug_check(cache, node, slab))
		return;
	if (!is_out(cache, slab, object, &resizing) || !(debug & SLAB_RED_ZONE))
		return;
	/* What was wrong so far must not become right. */
	(void)slab_zones_check(cache, slab, object, RED_ACTIVE);
	slab_asked_set(cache, slab, object, size);
}

void
slab_debug_resize(struct slab_cache *cache, void *object, size_t size)
{
	struct page *page = env_page_of(object);
	struct kmem_cache_node *node = cache->node[page->node];
	irq_state_t state = env_lock(&node->lock);

	if (page->kind == PAGE_SLAB)
		resize_one(cache, node, page->owner.slab, object, size);
	env_unlock(&node->lock, state);
}

/* -- all of a cache --------------------------------------------------------------------- */

static bool
objects_check(struct slab_cache *cache, struct slab *slab)
{
	bool ok = true;

	for (unsigned i = 0; i < cache->layout.num; i++) {
		unsigned char *object = slab_object_at(cache, slab, i);

		if (slab->bufctl[i] != BUFCTL_OUT)
			ok &= free_object_check(cache, slab, object);
		else if (slab_debug(cache) & SLAB_RED_ZONE)
			ok &= slab_zones_check(cache, slab, object, RED_ACTIVE);
	}
	return ok;
}

void
slab_debug_end(struct slab_cache *cache, struct slab *slab)
{
	(void)objects_check(cache, slab);
}

static bool
list_scan(struct slab_cache *cache, struct kmem_cache_node *node,
	  struct list *head) REQUIRES(node->lock)
{
	struct list *pos = head->next, *next;
	bool ok = true;

	for (; pos != head; pos = next) {
		struct slab *slab = list_entry(pos, struct slab, link);

		/* One that was damaged has left the list: from the start. */
		if ((slab_debug(cache) & SLAB_CONSISTENCY_CHECKS) &&
		    !slab_debug_check(cache, node, slab)) {
			ok = false;
			next = head->next;
			continue;
		}
		ok &= objects_check(cache, slab);
		next = pos->next;
	}
	return ok;
}

bool
slab_debug_scan(struct slab_cache *cache)
{
	bool ok = true;

	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		struct kmem_cache_node *node = cache->node[i];
		irq_state_t state = env_lock(&node->lock);

		ok &= list_scan(cache, node, &node->slabs_partial);
		ok &= list_scan(cache, node, &node->slabs_full);
		ok &= list_scan(cache, node, &node->slabs_free);
		env_unlock(&node->lock, state);
	}
	return ok;
}

/* -- what is still out ------------------------------------------------------------------- */

/* Of one slab, at most *left; how many were printed is taken off. */
static void
print_live_of(struct slab_cache *cache, struct slab *slab, unsigned *left)
{
	for (unsigned i = 0; i<cache->layout.num && * left> 0; i++) {
		struct slab_note *note = slab_note(cache, slab, i);

		if (slab->bufctl[i] != BUFCTL_OUT)
			continue;
		kmem_say("  object %p, number %u of slab %p",
			 (void *)slab_object_at(cache, slab, i), i,
			 (void *)slab_base(cache, slab));
		if (note != NULL && (slab_debug(cache) & SLAB_STORE_USER))
			slab_track_print("allocated", &note->alloc);
		(*left)--;
	}
}

#define LIVE_PRINT_MAX 32

void
slab_debug_print_live(struct slab_cache *cache)
{
	unsigned left = LIVE_PRINT_MAX;

	if (slab_debug(cache) == 0)
		return;
	kmem_say("slab: cache %s is to be destroyed; its objects that are out:",
		 cache->base.name);
	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		struct kmem_cache_node *node = cache->node[i];
		irq_state_t state = env_lock(&node->lock);
		struct list *pos;

		list_for_each(pos, &node->slabs_full)
			print_live_of(cache, list_entry(pos, struct slab, link),
				      &left);
		list_for_each(pos, &node->slabs_partial)
			print_live_of(cache, list_entry(pos, struct slab, link),
				      &left);
		env_unlock(&node->lock, state);
	}
}
