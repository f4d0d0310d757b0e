/*
 * Kernel objects: kmalloc and named caches, served by the back end that
 * `kmalloc=` chose. Sizes in bytes.
 *
 * GFP_KERNEL may sleep and reclaim; GFP_ATOMIC never sleeps and is legal in an
 * interrupt. A request that cannot be met gives NULL and leaves everything as
 * it was. Free functions are legal in any context.
 */
#ifndef KERNEL_KMALLOC_H
#define KERNEL_KMALLOC_H

#include <kernel/page.h>
#include <kernel/types.h>
#include <arch/device.h>

/* What a request for 0 bytes gets: not NULL, faults when touched, kfree
 * ignores it. */
#define ZERO_SIZE_PTR ((void *)16)
#define ZERO_OR_NULL(ptr) ((uintptr_t)(ptr) <= (uintptr_t)ZERO_SIZE_PTR)

/* Every pointer from kmalloc is aligned to this. */
#define KMALLOC_ALIGN 16

struct boot_option;
extern const struct boot_option kmalloc_option;	 /* kmalloc=BACKEND */
extern const struct boot_option fit_option;	 /* fit=first|next|best|worst */
extern const struct boot_option slab_cpu_option; /* cpu=sheaf|array */
extern const struct boot_option slab_fast_option;   /* fast=restartable|plain */
extern const struct boot_option slab_colour_option; /* colour=on|off */
extern const struct boot_option failslab_option;    /* failslab=SETTINGS */
extern const struct boot_option slab_debug_option;  /* slab_debug=FZPU,NAME */

/* Sets up the chosen back end. Pages work; once. */
void kmem_init(void);
/* Gives back every page that is wholly free; returns how many. Any context. */
size_t kmem_shrink(void);
/* Prints what the back end holds, one fact a line. */
void kmem_print(void);
/* Each CPU's part of giving back what went unused, every KMEM_REAP_TICKS: runs
 * on that CPU, in a thread bound to it. */
void kmem_reap(void);
#define KMEM_REAP_TICKS (2 * (unsigned long)TICKS_PER_SECOND)

void *kmalloc(size_t size, gfp_t gfp) __must_check;
void *kzalloc(size_t size, gfp_t gfp) __must_check;
/* nr * size bytes, zeroed; NULL if the product does not fit. */
void *kcalloc(size_t nr, size_t size, gfp_t gfp) __must_check;
/* Grows or shrinks, contents kept up to the smaller size; bytes past them are
 * undefined, whatever gfp says. ptr NULL allocates; size 0 frees and returns
 * ZERO_SIZE_PTR. On failure NULL, and ptr is still valid; shrinking never
 * fails. */
void *krealloc(void *ptr, size_t size, gfp_t gfp) __must_check;
/* NULL and ZERO_SIZE_PTR are ignored. */
void kfree(void *ptr);
/* Bytes that may be used at ptr (at least what was asked for). Who has not called this
 * may use what he asked for, and red zones hold him to it (docs/slab-debug.md). */
size_t ksize(const void *ptr);

struct kmem_cache;

/*
 * Alignment 0 means the word's; else a power of two up to a page. Sizes from a
 * word to 4 MiB, names up to 23 characters and each only once. The constructor
 * runs on every object that the cache hands out for the first time; a back end
 * without constructed objects runs it on each allocation. Not in an
 * interrupt. NULL: no memory, or bad arguments (reported).
 */
struct kmem_cache *kmem_cache_create(const char *name, size_t size,
				     size_t align, unsigned flags,
				     void (*ctor)(void *)) __must_check;
/* The same by named fields; what is not named is 0 or NULL. */
struct kmem_cache_args {
	size_t align;
	void (*ctor)(void *object);
	/* Undoes what the constructor did, when the object's memory is given
	 * back: in a thread that may sleep, no lock held. (A back end without
	 * constructed objects runs it on each free, where that is.) */
	void (*dtor)(void *object);
};
struct kmem_cache *kmem_cache_create_args(const char *name, size_t size,
					  const struct kmem_cache_args *args,
					  unsigned flags) __must_check;
/* A cache of struct NAME, of that name. */
#define KMEM_CACHE(name, flags)                                                \
	kmem_cache_create(#name, sizeof(struct name),                          \
			  __alignof__(struct name), (flags), NULL)
void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp) __must_check;
/* Not for caches with a constructor (reported; the object is constructed). */
void *kmem_cache_zalloc(struct kmem_cache *cache, gfp_t gfp) __must_check;
/* The same, from memory of that node if it has any (NODE_ANY: the nearest). */
void *kmem_cache_alloc_node(struct kmem_cache *cache, gfp_t gfp, unsigned node)
	__must_check;
/* All of nr objects, or none. Whether it was all. */
bool kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t nr,
			   void *objects[]) __must_check;
/* None of them NULL. */
void kmem_cache_free_bulk(struct kmem_cache *cache, size_t nr, void *objects[]);
/* NULL is ignored. */
void kmem_cache_free(struct kmem_cache *cache, void *object);

/*
 * Objects put aside for a caller that must not fail later: a sheaf is filled where
 * failing or sleeping is harmless, and emptied where it is not. It belongs to
 * whoever has it; two users of one sheaf exclude each other.
 */
struct kmem_sheaf;
/* A sheaf with at least nr objects. NULL: no memory. */
struct kmem_sheaf *kmem_cache_prefill_sheaf(struct kmem_cache *cache, gfp_t gfp,
					    unsigned nr) __must_check;
/* One of its objects (zeroed, if gfp says so); NULL only if it is empty. Any
 * context. */
void *kmem_cache_alloc_from_sheaf(struct kmem_cache *cache, gfp_t gfp,
				  struct kmem_sheaf *sheaf) __must_check;
/* Has at least nr again afterwards, perhaps in another sheaf; 0, or -E_NO_MEM and
 * it is as before. */
int kmem_cache_refill_sheaf(struct kmem_cache *cache, gfp_t gfp,
			    struct kmem_sheaf **sheaf, unsigned nr)
	__must_check;
/* Gives it back with the objects that are left. NULL is ignored. Any context. */
void kmem_cache_return_sheaf(struct kmem_cache *cache,
			     struct kmem_sheaf *sheaf);
/* How many objects are left. */
unsigned kmem_cache_sheaf_size(const struct kmem_sheaf *sheaf);

/* Gives wholly free memory back to the page allocator; returns pages freed. */
size_t kmem_cache_shrink(struct kmem_cache *cache);
/* 0, or -E_BUSY while objects are out (reported). */
int kmem_cache_destroy(struct kmem_cache *cache) __must_check;
size_t kmem_cache_size(const struct kmem_cache *cache);

/*
 * slabinfo, version 2.1 of the field's format: calls fn for each line (without
 * its end), with the statistics columns or without. May sleep, and so may fn.
 * -E_NOT_FOUND: the back end has no caches of that kind.
 */
int kmem_slabinfo_read(void (*fn)(const char *line, void *arg), void *arg,
		       bool statistics) __must_check;
/* Tunes a cache while it runs: "name limit batchcount shared". 0, -E_INVAL,
 * -E_NOT_FOUND, -E_NO_MEM, or -E_BUSY while another thread tunes that cache. May
 * sleep. */
int kmem_slabinfo_write(const char *text) __must_check;

/*
 * Objects that fail on purpose, in any build: "off", or what inject_parse reads
 * (<kernel/inject.h>) and the words cache=NAME (only this one's) and internal=1
 * (also what the allocator needs for itself). Off costs nothing. 0, -E_INVAL
 * (the wrong word was said) or -E_NOT_FOUND (said: the back end cannot). May
 * sleep. A cache to come may be named.
 */
int kmem_failslab_write(const char *text) __must_check;
/* What is set, how often it failed, and where. */
void kmem_failslab_print(void);

/*
 * Looking at every operation on a cache of the slab back end, in the field's
 * letters (docs/slab-debug.md):
 *	F  lists and index lists are consistent, pointers lead to objects
 *	Z  red zones around objects	P  poison in free objects
 *	U  who allocated and freed an object last
 * "-" is none. Z and U, and P where there is a constructor, can be added only
 * while the cache is empty: -E_BUSY else. -E_NOT_FOUND: no such cache;
 * -E_INVAL: not such letters; -E_NO_MEM: no slab could hold the objects then.
 * May sleep.
 */
int kmem_debug_set(const char *name, const char *letters) __must_check;
/* Calls fn for each line of what is on where. -E_NOT_FOUND: no such back end. */
int kmem_debug_read(void (*fn)(const char *line, void *arg), void *arg)
	__must_check;
/* Looks through all objects of a cache (NULL: of all), reports what is wrong.
 * How many caches are not as they should be, or -E_NOT_FOUND. */
int kmem_debug_scan(const char *name) __must_check;
/* Says which names of slab_debug= no cache has so far. */
void kmem_debug_say_unknown(void);

/*
 * Leaks: begin (may sleep), scan, end. scan wants nobody else to run, interrupts
 * off; it calls roots, which hands kmem_leaks_root whatever else than the image's
 * data may lead to objects. end gives the memory back; it returns how many
 * objects nothing leads to, and prints them, if the scan was good.
 */
int kmem_leaks_begin(void) __must_check;
int kmem_leaks_scan(void (*roots)(void)) __must_check;
void kmem_leaks_root(const void *from, const void *to);
size_t kmem_leaks_end(bool print);

/* kmem_cache_create flags. RECLAIM_ACCOUNT is accepted by each back end; those of
 * debugging are acted upon by slab. */
enum slab_flags {
	SLAB_HWCACHE_ALIGN = 1 << 0,
	SLAB_POISON = 1 << 1,
	SLAB_RED_ZONE = 1 << 2,
	SLAB_STORE_USER = 1 << 3,
	SLAB_RECLAIM_ACCOUNT = 1 << 4,
	SLAB_PANIC = 1 << 5, /* creation cannot fail: panic instead of NULL */
	SLAB_CONSISTENCY_CHECKS = 1 << 6, /* F; the three above are P, Z, U */
	SLAB_NOLEAKTRACE = 1 << 7, /* never a leak, and leads to nothing */
	SLAB_ALL_FLAGS = (1 << 8) - 1,
};

#endif /* KERNEL_KMALLOC_H */
