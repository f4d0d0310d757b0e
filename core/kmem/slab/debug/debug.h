/*
 * What the files of slab's debugging share. ops.c has the theory.
 */
#ifndef KMEM_SLAB_DEBUG_H
#define KMEM_SLAB_DEBUG_H

#include "../general.h"
#include "../slabs.h"
#include "hooks.h"

/* The field's patterns. */
#define POISON_INUSE 0x5a /* came out, not written yet */
#define POISON_FREE 0x6b  /* is free */
#define POISON_END 0xa5	  /* last byte of a free one */
#define RED_INACTIVE 0xbb /* around a free object */
#define RED_ACTIVE 0xcc	  /* around one that is out */

static inline unsigned char *
slab_object_at(const struct slab_cache *cache, const struct slab *slab,
	       unsigned index)
{
	return slab->s_mem + index * cache->layout.size;
}

/* One for each object; NULL: this cache keeps none. */
static inline slab_asked_t *
slab_sizes(const struct slab_cache *cache, struct slab *slab)
{
	uintptr_t end = (uintptr_t)&slab->bufctl[cache->layout.num];

	if (cache->layout.asked_size == 0)
		return NULL;
	return (slab_asked_t *)ALIGN_UP(end, sizeof(slab_asked_t));
}

/* NULL: this cache keeps none. */
static inline struct slab_note *
slab_note(const struct slab_cache *cache, struct slab *slab, unsigned index)
{
	const slab_asked_t *sizes = slab_sizes(cache, slab);
	unsigned num = cache->layout.num;
	uintptr_t end = sizes != NULL ? (uintptr_t)&sizes[num]
				      : (uintptr_t)&slab->bufctl[num];

	if (cache->layout.note_size == 0)
		return NULL;
	return (struct slab_note *)ALIGN_UP(end,
					    __alignof__(struct slab_note)) +
	       index;
}

/* A crime. */
struct slab_bug {
	struct slab_cache *cache;
	const char *what;
	const void *pointer;	  /* an object, or what was taken for one */
	struct slab *slab;	  /* it lies in; NULL: in none */
	bool is_free;		  /* the object: nobody has it */
	const unsigned char *bad; /* the wrong bytes; NULL: it is not bytes */
	const unsigned char *bad_end;
	const char *outcome; /* what was done about it */
};

/* -- zones.c: under the node's lock ------------------------------------------- */

/* Whether all of [from, to) is `byte`; else *bug gets where it is not. */
bool slab_zones_bytes_are(const unsigned char *from, const unsigned char *to,
			  unsigned char byte, struct slab_bug *bug);
/* What an object is, or (free) last was, asked for as; where that is not known, all of
 * it. */
size_t slab_asked_size(struct slab_cache *cache, struct slab *slab,
		       const void *object);
/* Nobody has asked for less than all of it. */
void slab_asked_forget(struct slab_cache *cache, struct slab *slab,
		       const void *object);
/* Of an object that is out, with Z. The bytes that it loses join the right zone; P: those
 * that it wins are as fresh ones. */
void slab_asked_set(struct slab_cache *cache, struct slab *slab,
		    unsigned char *object, size_t size);
/* All of both zones becomes RED_ACTIVE or RED_INACTIVE. */
void slab_zones_set(struct slab_cache *cache, struct slab *slab,
		    unsigned char *object, unsigned char byte);
/* Whether both zones are that; else they are reported and restored. */
bool slab_zones_check(struct slab_cache *cache, struct slab *slab,
		      unsigned char *object, unsigned char byte);

/* -- report.c -------------------------------------------------------------- */

void slab_bug_report(const struct slab_bug *bug);
/* Who has, or had, it: "slab:   allocated by thread ..." and a backtrace. */
void slab_track_print(const char *what, const struct slab_track *track);
/* "FZ--" of enum slab_flags; needs 5 bytes. */
const char *slab_debug_letters(unsigned debug, char *buf);

/* -- ops.c: each operation looked at ----------------------------------------- */

/* As slab_take of one object, looked at. */
void *slab_debug_take(struct slab_cache *cache, struct kmem_cache_node *node)
	REQUIRES(node->lock);
/* An object, or whatever a caller takes for one. Any context. */
void slab_debug_free(struct slab_cache *cache, void *object);
/* This object just came out, but its caller asked for `size` bytes only. */
void slab_debug_asked(struct slab_cache *cache, void *object, size_t size);
/* Whoever has this object, or what he takes for one, goes on with `size` bytes. It
 * lies in a page of this cache. Any context. */
void slab_debug_resize(struct slab_cache *cache, void *object, size_t size);
/* The caller may not sleep, but gfp says that it may: reported. */
void slab_debug_context(struct slab_cache *cache, gfp_t gfp);
/* Makes the free objects of a slab what free ones have to be. Node's lock, or nobody
 * else knows the slab. */
void slab_debug_init(struct slab_cache *cache, struct slab *slab);
/* A last look at the objects of a slab whose pages go. */
void slab_debug_end(struct slab_cache *cache, struct slab *slab);
/* Looks at every slab and object of the cache that can be looked at, and reports;
 * whether all is well. */
bool slab_debug_scan(struct slab_cache *cache);
/* Says which objects are out, and who had them last, if that is known. */
void slab_debug_print_live(struct slab_cache *cache);

/* -- retire.c: is a slab whole? ------------------------------------------------- */

/* Whether its descriptor makes sense. If not: reported, and it is in no list any
 * more. */
bool slab_debug_check(struct slab_cache *cache, struct kmem_cache_node *node,
		      struct slab *slab) REQUIRES(node->lock);
/* An object of such a slab comes back. Its first page. */
void slab_retire_free(struct kmem_cache_node *node, struct page *page)
	REQUIRES(node->lock);
/* Gives the pages of such slabs back. The cache ends, none of them is out. */
void slab_retire_destroy(struct slab_cache *cache);

#endif /* KMEM_SLAB_DEBUG_H */
