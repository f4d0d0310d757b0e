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

/* What a request for 0 bytes gets: not NULL, faults when touched, kfree
 * ignores it. */
#define ZERO_SIZE_PTR ((void *)16)
#define ZERO_OR_NULL(ptr) ((uintptr_t)(ptr) <= (uintptr_t)ZERO_SIZE_PTR)

/* Every pointer from kmalloc is aligned to this. */
#define KMALLOC_ALIGN 16

struct boot_option;
extern const struct boot_option kmalloc_option; /* kmalloc=BACKEND */
extern const struct boot_option fit_option;	/* fit=first|next|best|worst */

/* Sets up the chosen back end. Pages work; once. */
void kmem_init(void);
/* Gives back every page that is wholly free; returns how many. Any context. */
size_t kmem_shrink(void);
/* Prints what the back end holds, one fact a line. */
void kmem_print(void);

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
/* Bytes that may be used at ptr (at least what was asked for). */
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
void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp) __must_check;
/* Not for caches with a constructor (reported; the object is constructed). */
void *kmem_cache_zalloc(struct kmem_cache *cache, gfp_t gfp) __must_check;
/* NULL is ignored. */
void kmem_cache_free(struct kmem_cache *cache, void *object);
/* Gives wholly free memory back to the page allocator; returns pages freed. */
size_t kmem_cache_shrink(struct kmem_cache *cache);
/* 0, or -E_BUSY while objects are out (reported). */
int kmem_cache_destroy(struct kmem_cache *cache) __must_check;
size_t kmem_cache_size(const struct kmem_cache *cache);

/* kmem_cache_create flags. */
enum slab_flags {
	SLAB_HWCACHE_ALIGN = 1 << 0,
	SLAB_POISON = 1 << 1,
	SLAB_RED_ZONE = 1 << 2,
	SLAB_STORE_USER = 1 << 3,
	SLAB_RECLAIM_ACCOUNT = 1 << 4,
	SLAB_PANIC = 1 << 5, /* creation cannot fail: panic instead of NULL */
	SLAB_ALL_FLAGS = (1 << 6) - 1,
};

#endif /* KERNEL_KMALLOC_H */
