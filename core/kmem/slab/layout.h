/*
 * How objects lie in a slab: the numbers, and their choice (layout.c).
 */
#ifndef KMEM_SLAB_LAYOUT_H
#define KMEM_SLAB_LAYOUT_H

#include "../front.h"

/* How objects of a size lie in slabs. */
struct slab_layout {
	size_t size;	     /* from one object to the next */
	size_t align;	     /* of each object */
	size_t slab_size;    /* descriptor and index list */
	size_t left_over;    /* bytes of a slab that nothing needs */
	unsigned num;	     /* objects of a slab */
	unsigned order;	     /* a slab has 2^order pages */
	unsigned nr_colours; /* offsets that slabs take in turn */
	unsigned colour_off; /* from one of them to the next */
	size_t red_size;     /* of each red zone, before and behind objects */
	size_t asked_size;   /* of the number that says what an object was
			      * asked for as (debug/debug.h); 0: none */
	size_t note_size;    /* of an object's struct slab_note; 0: none */
	bool off_slab;	     /* the descriptor is an object elsewhere */
};

/* A red zone has at least so many bytes. */
#define SLAB_RED_SIZE 16

/* A slab never has more pages; objects of KMEM_CACHE_SIZE_MAX need as many. */
#define SLAB_ORDER_MAX 10
/* Slabs of several objects have no more than 2^this pages; on machines with
 * less memory than SLAB_SMALL_MACHINE, 2^0. */
#define SLAB_ORDER_HIGH 1
#define SLAB_ORDER_LOW 0
#define SLAB_SMALL_MACHINE ((size_t)32 << 20)
/* A slab may waste one part in so many. */
#define SLAB_WASTE_FRACTION 8
/* A flag of the allocator's own, beside enum slab_flags: all slabs of this cache begin
 * alike. For comparisons. */
#define SLAB_NO_COLOURS (1u << 16)
/* Another one: descriptors lie on their slabs, so that growing takes no other object. */
#define SLAB_ON_SLAB (1u << 17)
/* And another: a cache of kmalloc's, whose callers may ask for less than an object. */
#define SLAB_GENERAL (1u << 18)
/* From this size on, descriptors are kept off the slab. */
#define SLAB_OFF_MIN (PAGE_SIZE / 8)

/* What `colour=` of this value means, or (NULL) what is set. 0, or -E_INVAL: there is no
 * such value. */
int slab_colours_named(const char *name, bool *is_on) __must_check;

/*
 * The layout for objects of object_size bytes, aligned to `align` (a power of
 * two up to a page; flags may ask for more). order_high: see SLAB_ORDER_HIGH.
 * may_be_off: whether a descriptor may lie elsewhere. false: no slab up to
 * SLAB_ORDER_MAX can hold such an object.
 */
bool slab_layout_choose(struct slab_layout *layout, size_t object_size,
			size_t align, unsigned flags, unsigned order_high,
			bool may_be_off) __must_check;

#endif /* KMEM_SLAB_LAYOUT_H */
