/*
 * Instances of the object allocators: each is a back end with all its state. The kernel
 * has one, kmem_kernel, which kmalloc and kmem_cache_create serve from. Tests and
 * whoever wants objects apart from everybody else's make others; they share nothing but
 * the page allocator, and may have different back ends and layers.
 *
 * An object finds the way home by itself, through struct page: kfree, krealloc, ksize,
 * kmem_cache_free and all else that takes an object or a cache works for every
 * instance. kmem_shrink and kmem_reap cover all of them.
 *
 * The functions that make and destroy sleep, and are not for interrupts.
 */
#ifndef KERNEL_KMEM_H
#define KERNEL_KMEM_H

#include <kernel/kmalloc.h>

struct kmem;

/* The kernel's own. It is there after kmem_init and never ends. */
extern struct kmem kmem_kernel;

/*
 * What an instance is to be: values of the boot settings of these names (a
 * back end ignores those that are not its). NULL: what the setting says.
 */
struct kmem_args {
	const char *name;	/* in messages; up to 23 characters, not NULL */
	const char *kmalloc;	/* the back end */
	const char *cpu;	/* slab: the layer between CPUs and slabs */
	const char *fast;	/* slab: restartable or plain */
	const char *colour;	/* slab: on or off */
	const char *slab_debug; /* slab: letters and names of caches */
	const char *fit;	/* slob: how a block is chosen */
};

/*
 * Makes an instance. 0 and *kmem; -E_NO_MEM: no memory, and everything is as before;
 * -E_INVAL: there is no such value (reported with its name). May sleep; the caller holds no
 * lock.
 */
int kmem_create(const struct kmem_args *args, struct kmem **kmem) __must_check;

/*
 * Ends an instance, other than the kernel's, that nobody else uses any more: its caches end, and
 * every page goes back. 0, or -E_BUSY while objects are out (reported); then it can be
 * used as before. May sleep; the caller holds no lock.
 */
int kmem_destroy(struct kmem *kmem) __must_check;

/* As kmalloc, from this instance. Sizes 0 as there. */
void *kmem_alloc(struct kmem *kmem, size_t size, gfp_t gfp) __must_check;

/* As kmem_cache_create_args, in this instance; names are each instance's own. */
struct kmem_cache *kmem_create_cache(struct kmem *kmem, const char *name,
				     size_t size,
				     const struct kmem_cache_args *args,
				     unsigned flags) __must_check;

/* Gives back every page of this instance that is wholly free; how many. Any context. */
size_t kmem_shrink_one(struct kmem *kmem);

/* Whether all structures make sense; what does not is reported. At a quiet moment: nobody
 * else uses the instance meanwhile. May sleep. */
bool kmem_validate(struct kmem *kmem) __must_check;

/* Prints what the instance holds, one fact a line. May sleep. */
void kmem_print_one(struct kmem *kmem);

#endif /* KERNEL_KMEM_H */
