/*
 * What the files of slab's debugging share. slab_debug.c has the theory.
 */
#ifndef KMEM_SLAB_DEBUG_H
#define KMEM_SLAB_DEBUG_H

#include "slab.h"

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

/* -- slab_debug_zones.c: under the node's lock ------------------------------------------- */

/* Whether all of [from, to) is `byte`; else *bug gets where it is not. */
bool slab_bytes_are(const unsigned char *from, const unsigned char *to,
		    unsigned char byte, struct slab_bug *bug);
/* What an object is, or (free) last was, asked for as; where that is not known, all of
 * it. */
size_t slab_asked(struct slab_cache *cache, struct slab *slab,
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

/* -- slab_debug_report.c -------------------------------------------------------------- */

void slab_bug_report(const struct slab_bug *bug);
/* Who has, or had, it: "slab:   allocated by thread ..." and a backtrace. */
void slab_track_print(const char *what, const struct slab_track *track);
/* "FZ--" of enum slab_flags; needs 5 bytes. */
const char *slab_debug_letters(unsigned debug, char *buf);

#endif /* KMEM_SLAB_DEBUG_H */
