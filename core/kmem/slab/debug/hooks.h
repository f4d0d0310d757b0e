/*
 * What the slab allocator asks of debugging, when a cache is debugged. ops.c has the
 * theory.
 *
 * The files of slab/ call debugging by way of a table of functions, slab_debug_hooks,
 * so that they do not depend on it: it stands on top of them.
 */
#ifndef KMEM_SLAB_HOOKS_H
#define KMEM_SLAB_HOOKS_H

#include "../slab.h"

#define SLAB_DEBUG_FLAGS                                                       \
	(SLAB_POISON | SLAB_RED_ZONE | SLAB_STORE_USER |                       \
	 SLAB_CONSISTENCY_CHECKS)
/* In cache->debug only: what is freed is poisoned, but what is free need not be
 * yet. */
#define SLAB_POISON_FILL (1u << 31)

/* Whether operations on this cache are looked at, and how. */
static inline unsigned
slab_debug(struct slab_cache *cache)
{
	return atomic_load_relaxed(&cache->debug);
}

/* What an object of a general cache was asked for as, behind the index list: with Z. */
typedef uint32_t slab_asked_t;

/* Who had an object, when: with U. */
#define SLAB_TRACK_DEPTH 12
struct slab_track {
	uintptr_t pcs[SLAB_TRACK_DEPTH]; /* newest first, 0 at the end */
	unsigned long when;		 /* in ticks */
	int pid;			 /* -1: nobody yet */
	unsigned cpu;
	char name[16]; /* of the thread */
};

/* One for each object, behind these, (n). */
struct slab_note {
	struct slab_track alloc, free;
	size_t checksum; /* of a free object that is constructed: with P */
};

struct slab_debug_hooks {
	/* What a new cache is to have in debug. */
	unsigned (*wanted)(const struct slab_root *root,
			   const struct kmem_cache *wanted);
	/* What slab_set_layout is to be told for these. */
	unsigned (*layout_flags)(const struct kmem_cache *base, unsigned debug);
	/* No CPU has a part of the cache any more, or each has its own again.
	 * Nobody else uses it. */
	void (*park)(struct slab_cache *cache);
	void (*unpark)(struct slab_cache *cache);

	/* As slab_take of one object, looked at. Node's lock held. */
	void *(*take)(struct slab_cache *cache, struct kmem_cache_node *node);
	/* An object, or whatever a caller takes for one. Any context. */
	void (*free)(struct slab_cache *cache, void *object);
	/* This object just came out, but its caller asked for `size` bytes
	 * only. */
	void (*asked)(struct slab_cache *cache, void *object, size_t size);
	/* The owner of this object, or of what it takes for one, goes on with
	 * `size` bytes. It lies in a page of this cache. Any context. */
	void (*resize)(struct slab_cache *cache, void *object, size_t size);
	/* If the caller may not sleep, but gfp says that it may: reports it. */
	void (*context)(struct slab_cache *cache, gfp_t gfp);

	/* Makes the free objects of a slab what free ones have to be. Node's
	 * lock, or nobody else knows the slab. */
	void (*init)(struct slab_cache *cache, struct slab *slab);
	/* A last look at the objects of a slab whose pages go. */
	void (*end)(struct slab_cache *cache, struct slab *slab);
	/* Reports which objects are out, and who had them last, if that is
	 * known. */
	void (*print_live)(struct slab_cache *cache);
	/* Gives the pages of damaged slabs back. The cache ends, none of their
	 * objects is out. */
	void (*destroy)(struct slab_cache *cache);
};

/* Set before the first cache is made; constant from then on. */
extern const struct slab_debug_hooks *slab_debug_hooks;

/* Sets it, once (switch.c). */
void slab_debug_register(void);

#endif /* KMEM_SLAB_HOOKS_H */
