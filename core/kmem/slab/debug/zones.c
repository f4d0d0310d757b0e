/*
 * Red zones: bytes around each object that nobody may write (Z, ops.c).
 *
 *	place	| left, 16 | object: asked for ........ not asked for | right, 16 or more |
 *	free	| bb .. bb | bytes of a free object		      | bb ........... bb |
 *	out	| cc .. cc | the caller's	      | cc .. cc	cc ........... cc |
 *						      ^ object + slab_asked_size()
 *
 * What nobody asked for is part of the right zone while the object is out, and of the
 * object (which may be poisoned) while it is free. Only general caches know what was
 * asked for, and only with Z; else all of the object was.
 *
 * The sizes lie behind the slab's index list, a number for each object. They count only
 * while Z is on, which begins when the cache has no slab: so each was set since, by
 * slab_debug_init at the latest. One that is larger than the object (someone wrote
 * there) counts as the object's.
 *
 * LOCKING.  node->lock.
 */
#include <kernel/string.h>

#include "debug.h"

bool
slab_zones_bytes_are(const unsigned char *from, const unsigned char *to,
		     unsigned char byte, struct slab_bug *bug)
{
	while (from < to && *from == byte)
		from++;
	if (from == to)
		return true;
	while (to[-1] == byte)
		to--;
	bug->bad = from;
	bug->bad_end = to;
	return false;
}

/* -- sizes ------------------------------------------------------------------------------ */

size_t
slab_asked_size(struct slab_cache *cache, struct slab *slab, const void *object)
{
	const slab_asked_t *sizes = slab_sizes(cache, slab);
	size_t size = cache->base.object_size;
	unsigned index;

	if (sizes == NULL || !(slab_debug(cache) & SLAB_RED_ZONE))
		return size;
	/* A report may ask about an object that there is not. */
	index = slab_index(cache, slab, object);
	return index < cache->layout.num ? MIN((size_t)sizes[index], size)
					 : size;
}

void
slab_asked_forget(struct slab_cache *cache, struct slab *slab,
		  const void *object)
{
	slab_asked_t *sizes = slab_sizes(cache, slab);

	if (sizes != NULL)
		sizes[slab_index(cache, slab, object)] =
			(slab_asked_t)cache->base.object_size;
}

void
slab_asked_set(struct slab_cache *cache, struct slab *slab,
	       unsigned char *object, size_t size)
{
	size_t old_size = slab_asked_size(cache, slab, object);
	slab_asked_t *sizes = slab_sizes(cache, slab);

	if (sizes == NULL)
		return;
	sizes[slab_index(cache, slab, object)] = (slab_asked_t)size;
	if (size <= old_size)
		memset(object + size, RED_ACTIVE, old_size - size);
	else if (slab_debug(cache) & SLAB_POISON)
		memset(object + old_size, POISON_INUSE, size - old_size);
}

/* -- zones ------------------------------------------------------------------------------ */

/* Where the right one begins; it ends where the next object's left one begins. */
static unsigned char *
right_zone(struct slab_cache *cache, struct slab *slab, unsigned char *object,
	   unsigned char byte)
{
	if (byte == RED_INACTIVE)
		return object + cache->base.object_size;
	return object + slab_asked_size(cache, slab, object);
}

void
slab_zones_set(struct slab_cache *cache, struct slab *slab,
	       unsigned char *object, unsigned char byte)
{
	const struct slab_layout *layout = &cache->layout;
	unsigned char *low = object - layout->red_size;
	unsigned char *right = right_zone(cache, slab, object, byte);

	memset(low, byte, layout->red_size);
	memset(right, byte, (size_t)(low + layout->size - right));
}

bool
slab_zones_check(struct slab_cache *cache, struct slab *slab,
		 unsigned char *object, unsigned char byte)
{
	const struct slab_layout *layout = &cache->layout;
	struct slab_bug bug = { .cache = cache,
				.pointer = object,
				.slab = slab,
				.is_free = byte == RED_INACTIVE,
				.outcome = "the red zone is restored" };
	unsigned char *low = object - layout->red_size;
	bool ok = true;

	if (!slab_zones_bytes_are(low, object, byte, &bug)) {
		bug.what = "left red zone overwritten";
		slab_bug_report(&bug);
		ok = false;
	}
	if (!slab_zones_bytes_are(right_zone(cache, slab, object, byte),
				  low + layout->size, byte, &bug)) {
		bug.what = "right red zone overwritten";
		slab_bug_report(&bug);
		ok = false;
	}
	if (!ok)
		slab_zones_set(cache, slab, object, byte);
	return ok;
}
