/*
 * The front of the object allocators: kmalloc and named caches, whoever serves
 * them.
 *
 * PROBLEM.  The kernel lives on structures of some ten to some thousand bytes;
 * the page allocator gives out pages. In between stands a back end (slob,
 * later slab and others), chosen at boot, so that they can be compared.
 *
 * MODEL.
 *
 *	kmalloc  kfree  krealloc ...	kmem_cache_alloc  kmem_cache_free ...
 *		  \______________ this file ______________/
 *			const struct kmem_ops *backend
 *		     slob (lists of blocks)   ...
 *			the page allocator
 *
 * What is the same for all back ends is done here, once: size 0, products that
 * do not fit, growing and shrinking, the arguments of a new cache, the list
 * of all caches, reports. A back end sees correct arguments only.
 *
 * SIZE 0 gives ZERO_SIZE_PTR: not NULL, which means "no memory", but an address
 * in the page that is never mapped. It may be freed; it faults when touched.
 *
 * LOCKING.  caches_lock guards the list of caches only; nothing is called
 * under it. A name is looked up when a cache is asked for and again when it is
 * linked, since two CPUs may create one name at once. The back ends' locks
 * have the same rank: neither is taken under the other.
 *
 * COSTS.  One load and one indirect jump more than the back end's own function.
 *
 * FAILURE.  No memory is NULL and nothing has changed. Nonsense from the caller
 * is said, counted and otherwise ignored: a bad free with the pointer and a
 * backtrace (kmem_report), a bad cache with its name.
 *
 * MEMORY PRESSURE.  The page allocator calls kmem_reclaim when pages are short:
 * the back end gives back what is wholly free.
 *
 * TO CHANGE.  Another back end: backends.c. What one must do: internal.h.
 */
#include "internal.h"

#include <kernel/error.h>
#include <kernel/failpoint.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/string.h>

static const struct kmem_ops *backend; /* constant after kmem_init */

static struct spinlock caches_lock = SPINLOCK_INIT(LOCK_RANK_KMEM, "caches");
static struct list caches GUARDED_BY(caches_lock) = LIST_INIT(caches);

/* -- reports ------------------------------------------------------------------ */

static unsigned long nr_reports;

void
kmem_report(const char *what, const void *ptr)
{
	(void)atomic_add(&nr_reports, 1);
	printk("kmem: %s: %p\n", what, ptr);
	backtrace_print();
}

unsigned long
kmem_nr_reports(void)
{
	return atomic_load(&nr_reports);
}

/* -- start ---------------------------------------------------------------------- */

/* Which entries of kmem_backends are ready. */
static unsigned long backends_ready;

void
kmem_backend_start(const struct kmem_ops *ops)
{
	for (unsigned i = 0; kmem_backends[i] != NULL; i++) {
		if (kmem_backends[i] == ops &&
		    !(atomic_or(&backends_ready, 1ul << i) & (1ul << i)))
			ops->init();
	}
}

static size_t
kmem_reclaim(size_t nr_wanted, gfp_t gfp)
{
	return backend->shrink();
}

static struct reclaimer kmem_reclaimer = {
	.name = "kmem",
	.reclaim = kmem_reclaim,
};

void
kmem_init(void)
{
	backend = kmem_backend_chosen();
	kmem_backend_start(backend);
	reclaimer_register(&kmem_reclaimer);
	printk("kmem: %s serves kmalloc: %s\n", backend->name,
	       backend->description);
}

size_t
kmem_shrink(void)
{
	return backend->shrink();
}

void
kmem_print(void)
{
	backend->print();
}

void
kmem_reap(void)
{
	if (backend->reap != NULL)
		backend->reap();
}

int
kmem_slabinfo_read(void (*fn)(const char *line, void *arg), void *arg,
		   bool statistics)
{
	if (backend->slabinfo_read == NULL)
		return -E_NOT_FOUND;
	return backend->slabinfo_read(fn, arg, statistics);
}

int
kmem_slabinfo_write(const char *text)
{
	if (backend->slabinfo_write == NULL)
		return -E_NOT_FOUND;
	return backend->slabinfo_write(text);
}

/* -- kmalloc ---------------------------------------------------------------------- */

void *
kmalloc(size_t size, gfp_t gfp)
{
	if (unlikely(size == 0))
		return ZERO_SIZE_PTR;
	if (KERNEL_DEBUG && failpoint())
		return NULL;
	return backend->kmalloc(size, gfp);
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

void
kfree(void *ptr)
{
	if (unlikely(ZERO_OR_NULL(ptr)))
		return;
	backend->kfree(ptr);
}

size_t
ksize(const void *ptr)
{
	return ZERO_OR_NULL(ptr) ? 0 : backend->ksize(ptr);
}

/*
 * An object stays where it is while it fits and does not waste more than three
 * quarters of its place. If it is to shrink further but there is no memory to
 * move to, it stays too: shrinking never fails.
 */
void *
krealloc(void *ptr, size_t size, gfp_t gfp)
{
	size_t old_size = ksize(ptr);
	void *moved;

	if (size == 0) {
		kfree(ptr);
		return ZERO_SIZE_PTR;
	}
	if (size <= old_size && size >= old_size / 4)
		return ptr;
	moved = kmalloc(size, gfp & ~(gfp_t)__GFP_ZERO);
	if (moved == NULL)
		return size <= old_size ? ptr : NULL;
	if (old_size != 0)
		memcpy(moved, ptr, MIN(old_size, size));
	kfree(ptr);
	return moved;
}

/* -- named caches ------------------------------------------------------------------- */

static struct kmem_cache *
cache_find(const char *name) REQUIRES(caches_lock)
{
	struct list *pos;

	list_for_each(pos, &caches) {
		struct kmem_cache *cache =
			list_entry(pos, struct kmem_cache, link);

		if (strcmp(cache->name, name) == 0)
			return cache;
	}
	return NULL;
}

/* Links the cache, or (NULL) only looks. Whether the name was free. */
static bool
cache_link(const char *name, struct kmem_cache *cache) EXCLUDES(caches_lock)
{
	irq_state_t state = spin_lock_irqsave(&caches_lock);
	bool is_free = cache_find(name) == NULL;

	if (is_free && cache != NULL)
		list_add_tail(&caches, &cache->link);
	spin_unlock_irqrestore(&caches_lock, state);
	return is_free;
}

/* What is wrong with these arguments; NULL: nothing. */
static const char *
cache_problem(const char *name, size_t size, size_t align, unsigned flags,
	      void (*ctor)(void *))
{
	if (name == NULL || name[0] == '\0')
		return "no name";
	if (strnlen(name, KMEM_NAME_LEN + 1) > KMEM_NAME_LEN)
		return "the name is too long";
	if (size < sizeof(void *))
		return "objects smaller than a word";
	if (size > KMEM_CACHE_SIZE_MAX)
		return "objects larger than 4 MiB";
	if (align != 0 && (!IS_POWER_OF_2(align) || align > PAGE_SIZE))
		return "the alignment is no power of two up to a page";
	if (flags & ~(unsigned)SLAB_ALL_FLAGS)
		return "unknown flags";
	if (ctor != NULL && (flags & SLAB_POISON))
		return "poison would destroy what the constructor made";
	if (current->trap_depth != 0)
		return "in an interrupt";
	if (!cache_link(name, NULL))
		return "there is one of this name";
	return NULL;
}

static struct kmem_cache *
cache_create(const char *name, size_t size, size_t align, unsigned flags,
	     void (*ctor)(void *))
{
	const char *problem = cache_problem(name, size, align, flags, ctor);
	struct kmem_cache wanted = { .object_size = size,
				     .flags = flags,
				     .align = MAX(align, sizeof(void *)),
				     .ctor = ctor };
	struct kmem_cache *cache;
	size_t nr_live;

	if (problem != NULL) {
		printk("kmem: cannot create cache %s: %s\n",
		       name != NULL ? name : "(null)", problem);
		(void)atomic_add(&nr_reports, 1);
		return NULL;
	}
	(void)strlcpy(wanted.name, name, sizeof(wanted.name));
	cache = backend->cache_create(&wanted);
	if (cache == NULL)
		return NULL;
	if (!cache_link(name, cache)) {
		(void)backend->cache_destroy(cache, &nr_live);
		printk("kmem: two caches %s at once\n", name);
		(void)atomic_add(&nr_reports, 1);
		return NULL;
	}
	return cache;
}

struct kmem_cache *
kmem_cache_create(const char *name, size_t size, size_t align, unsigned flags,
		  void (*ctor)(void *))
{
	struct kmem_cache *cache = cache_create(name, size, align, flags, ctor);

	if (cache == NULL && (flags & SLAB_PANIC))
		panic("cannot create cache %s", name != NULL ? name : "(null)");
	return cache;
}

void *
kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	if (KERNEL_DEBUG && failpoint())
		return NULL;
	return backend->cache_alloc(cache, gfp);
}

void *
kmem_cache_zalloc(struct kmem_cache *cache, gfp_t gfp)
{
	if (KERNEL_DEBUG && failpoint())
		return NULL;
	if (unlikely(cache->ctor != NULL)) {
		kmem_report("zeroed object of a cache with a constructor",
			    cache);
		return backend->cache_alloc(cache, gfp);
	}
	return backend->cache_alloc(cache, gfp | __GFP_ZERO);
}

void *
kmem_cache_alloc_node(struct kmem_cache *cache, gfp_t gfp, unsigned node)
{
	if (KERNEL_DEBUG && failpoint())
		return NULL;
	if (backend->cache_alloc_node == NULL)
		return backend->cache_alloc(cache, gfp);
	return backend->cache_alloc_node(cache, gfp, node);
}

bool
kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t nr,
		      void *objects[])
{
	if (KERNEL_DEBUG && failpoint())
		return false;
	if (backend->cache_alloc_bulk != NULL)
		return backend->cache_alloc_bulk(cache, gfp, nr, objects);
	for (size_t i = 0; i < nr; i++) {
		objects[i] = backend->cache_alloc(cache, gfp);
		if (objects[i] == NULL) {
			kmem_cache_free_bulk(cache, i, objects);
			return false;
		}
	}
	return true;
}

void
kmem_cache_free_bulk(struct kmem_cache *cache, size_t nr, void *objects[])
{
	if (backend->cache_free_bulk != NULL) {
		backend->cache_free_bulk(cache, nr, objects);
		return;
	}
	for (size_t i = 0; i < nr; i++)
		backend->cache_free(cache, objects[i]);
}

void
kmem_cache_free(struct kmem_cache *cache, void *object)
{
	if (unlikely(ZERO_OR_NULL(object)))
		return;
	backend->cache_free(cache, object);
}

size_t
kmem_cache_shrink(struct kmem_cache *cache)
{
	return backend->cache_shrink(cache);
}

int
kmem_cache_destroy(struct kmem_cache *cache)
{
	char name[KMEM_NAME_LEN + 1];
	size_t nr_live = 0;
	irq_state_t state;
	int err;

	/* Out of the list first: the back end frees what the list leads to. */
	(void)strlcpy(name, cache->name, sizeof(name));
	state = spin_lock_irqsave(&caches_lock);
	list_del(&cache->link);
	spin_unlock_irqrestore(&caches_lock, state);

	err = backend->cache_destroy(cache, &nr_live);
	if (err == 0)
		return 0;
	printk("kmem: cannot destroy cache %s: %zu objects are out\n", name,
	       nr_live);
	(void)atomic_add(&nr_reports, 1);
	state = spin_lock_irqsave(&caches_lock);
	list_add_tail(&caches, &cache->link);
	spin_unlock_irqrestore(&caches_lock, state);
	return err;
}

size_t
kmem_cache_size(const struct kmem_cache *cache)
{
	return cache->object_size;
}
