/*
 * The front of the object allocators: kmalloc and named caches, whoever serves
 * them.
 *
 * PROBLEM.  The kernel lives on structures of some ten to some thousand bytes;
 * the page allocator gives out pages. In between stands a back end (slab or
 * slob), chosen at boot, so that they can be compared.
 *
 * MODEL.
 *
 *	kmalloc  kfree  krealloc (here)    kmem_cache_alloc ... (cache.c)
 *		  \___________________  ___________________/
 *				      \/
 *		  this CPU's stack of free objects of the cache
 *				      |  empty, full, or closed
 *		  the instance's back end: cache->ops, kmem->ops
 *		slab (caches)   slob (lists of blocks)
 *			the page allocator
 *
 * What is the same for all back ends is done here, once: size 0, products that
 * do not fit, growing and shrinking, the arguments of a new cache, the list
 * of all caches, reports; and the fast path. A back end sees correct arguments
 * only.
 *
 * SIZE 0 gives ZERO_SIZE_PTR: not NULL, which means "no memory", but an address
 * in the page that is never mapped. It may be freed; it faults when touched.
 *
 * LOCKING.  none here. The back ends' locks have the same rank: neither is taken
 * under the other.
 *
 * COSTS.  Where the stack serves: some ten instructions, no lock, interrupts
 * stay on, no line is written that another CPU uses. Else one load and one
 * indirect jump more than the back end's own function.
 *
 * SIZES up to KMEM_TABLE_MAX find their cache in a table; an object's address
 * finds its own through struct page. A back end whose objects do not come from
 * caches gets a table full of one cache that has nothing.
 *
 * FAILURE.  Without memory the result is NULL and nothing has changed. A call that
 * makes no sense is reported, counted and otherwise ignored: a bad free with the
 * pointer and a backtrace (kmem_report), a bad cache with its name.
 *
 * MEMORY PRESSURE.  The page allocator calls kmem_reclaim when pages are short:
 * the back end gives back what is wholly free.
 *
 * TO CHANGE.  Another back end: backends.c. What one must do: front.h.
 */
#include "front.h"

#include <kernel/string.h>

/* Here, so that the back ends need nothing of what starts them. */
struct kmem kmem_kernel;

/* -- kmalloc ---------------------------------------------------------------------- */

/*
 * What is seldom needed stands out of line and is called last, so that the usual
 * way through the functions that follow saves few registers. Those with a
 * restartable range in them are not inlined: each range is there once (and once more,
 * for instances that are not the kernel's).
 */

static __noinline void *
object_zero(void *object, size_t size)
{
	return memset(object, 0, size);
}

/* What the stacks do not have. For the kernel's instance, its back end knows without
 * being told which instance that is. */
static __always_inline void *
ask_back_end(struct kmem *kmem, size_t size, gfp_t gfp)
{
	if (kmem == &kmem_kernel)
		return kmem->ops->kmalloc(size, gfp);
	return kmem->ops->kmalloc_in(kmem, size, gfp);
}

/* Size 0, or beyond the table. */
static __always_inline void *
alloc_other(struct kmem *kmem, size_t size, gfp_t gfp)
{
	if (size == 0)
		return ZERO_SIZE_PTR;
	if (KERNEL_DEBUG)
		kmem_check_context(gfp, NULL);
	if (env_fails())
		return NULL;
	return ask_back_end(kmem, size, gfp);
}

static __noinline void *
kmalloc_other(size_t size, gfp_t gfp)
{
	return alloc_other(&kmem_kernel, size, gfp);
}

__noinline void *
kmalloc(size_t size, gfp_t gfp)
{
	void *object;

	if (unlikely(size - 1 >= KMEM_TABLE_MAX))
		return kmalloc_other(size, gfp);
	if (KERNEL_DEBUG)
		kmem_check_context(gfp, NULL);
	if (env_fails())
		return NULL;
	object = env_stack_pop(
		kmem_kernel.table[(size - 1) / KMEM_TABLE_STEP]->stack);
	if (unlikely(object == NULL))
		return ask_back_end(&kmem_kernel, size, gfp);
	if (unlikely(gfp & __GFP_ZERO))
		return object_zero(object, size);
	return object;
}

/* kmalloc is the same with an instance whose addresses are constants. */
__noinline void *
kmem_alloc(struct kmem *kmem, size_t size, gfp_t gfp)
{
	void *object;

	if (unlikely(size - 1 >= KMEM_TABLE_MAX))
		return alloc_other(kmem, size, gfp);
	if (KERNEL_DEBUG)
		kmem_check_context(gfp, NULL);
	if (env_fails())
		return NULL;
	object =
		env_stack_pop(kmem->table[(size - 1) / KMEM_TABLE_STEP]->stack);
	if (unlikely(object == NULL))
		return ask_back_end(kmem, size, gfp);
	if (unlikely(gfp & __GFP_ZERO))
		return object_zero(object, size);
	return object;
}

void *
kzalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp | __GFP_ZERO);
}

void *
kcalloc(size_t nr, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (__builtin_mul_overflow(nr, size, &bytes))
		return NULL;
	return kmalloc(bytes, gfp | __GFP_ZERO);
}

/* The instance that an object in this page is of; for what is no object, the kernel's:
 * its back end reports that. */
static struct kmem *
instance_of(const struct page *page)
{
	const struct kmem_cache *cache;

	if (page == NULL)
		return &kmem_kernel;
	if (page->kind == PAGE_SLOB || page->kind == PAGE_BIG)
		return page->owner.cache;
	if (page->kind != PAGE_SLAB && page->kind != PAGE_SLAB_RETIRED)
		return &kmem_kernel;
	cache = page->owner.cache;
	return cache->kmem;
}

/* In a page that is nobody's, or in none. */
static __noinline void
kfree_odd(const struct page *page, void *ptr)
{
	struct kmem *kmem = instance_of(page);

	if (!ZERO_OR_NULL(ptr))
		kmem->kfree(kmem, ptr);
}

/* In a page that is not slab's. */
static __noinline void
kfree_other(const struct page *page, void *ptr)
{
	struct kmem *kmem;

	if (unlikely(page->kind != PAGE_SLOB)) {
		kfree_odd(page, ptr);
		return;
	}
	kmem = page->owner.cache;
	kmem->kfree(kmem, ptr);
}

__noinline void
kfree(void *ptr)
{
	const struct page *page = env_page_of(ptr);
	struct kmem_cache *cache;

	/* NULL and ZERO_SIZE_PTR are no page's. */
	if (unlikely(page == NULL)) {
		kfree_odd(NULL, ptr);
		return;
	}
	if (unlikely(page->kind != PAGE_SLAB)) {
		kfree_other(page, ptr);
		return;
	}
	cache = page->owner.cache;
	if (KERNEL_DEBUG && !kmem_cache_owns(cache, ptr))
		return;
	if (unlikely(!env_stack_push(cache->stack, ptr)))
		cache->ops->cache_free(cache, ptr);
}

/* How many bytes there are; not all of them may have been asked for. */
static size_t
size_of(const void *ptr, struct kmem *kmem)
{
	return ZERO_OR_NULL(ptr) ? 0 : kmem->ops->ksize(kmem, ptr);
}

/* It stays where it is; its owner goes on with so many bytes. */
static void *
stay(void *ptr, size_t size, const struct kmem *kmem)
{
	if (kmem->ops->kresize != NULL)
		kmem->ops->kresize(ptr, size);
	return ptr;
}

/* The caller may use all of what this returns, so the red zone moves behind it. */
size_t
ksize(const void *ptr)
{
	struct kmem *kmem = instance_of(env_page_of(ptr));
	size_t size = size_of(ptr, kmem);

	if (size != 0)
		(void)stay((void *)(uintptr_t)ptr, size, kmem);
	return size;
}

/*
 * An object stays where it is while it fits and does not waste more than three
 * quarters of its place. If it is to shrink further but there is no memory to
 * move to, it stays too: shrinking never fails.
 */
void *
krealloc(void *ptr, size_t size, gfp_t gfp)
{
	struct kmem *kmem = instance_of(env_page_of(ptr));
	size_t old_size = size_of(ptr, kmem);
	void *moved;

	if (size == 0) {
		kfree(ptr);
		return ZERO_SIZE_PTR;
	}
	if (size <= old_size && size >= old_size / 4)
		return stay(ptr, size, kmem);
	moved = kmem_alloc(kmem, size, gfp & ~(gfp_t)__GFP_ZERO);
	if (moved == NULL)
		return size <= old_size ? stay(ptr, size, kmem) : NULL;
	if (old_size != 0)
		memcpy(moved, ptr, MIN(old_size, size));
	kfree(ptr);
	return moved;
}
