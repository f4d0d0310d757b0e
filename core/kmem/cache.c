/*
 * The front of the object allocators, second part: named caches.
 *
 * Every cache begins with a struct kmem_cache, whoever serves it, and that
 * begins with a stack of free objects for each CPU (arch/cpu_stack.h). The usual
 * allocation and the usual free are a pop and a push there: without a lock,
 * without turning interrupts off, without asking who serves. Only a stack that is
 * empty, full or closed leads to the back end. A back end that keeps no stacks
 * (slob), and a cache that wants to see each object come and go, has closed ones.
 *
 * LOCKING.  An instance's caches_lock guards its list of caches only; nothing is called
 * under it. A name is looked up when a cache is asked for and again when it is
 * linked, since two CPUs may create one name at once.
 */
#include "front.h"

#include <kernel/error.h>
#include <kernel/string.h>

bool
kmem_cache_owns(const struct kmem_cache *cache, const void *object)
{
	if (cache->ops->cache_owns == NULL ||
	    cache->ops->cache_owns(cache, object))
		return true;
	kmem_report("free of a pointer that is no object of its cache", object);
	return false;
}

/* -- creation ------------------------------------------------------------------------ */

static struct kmem_cache *
cache_find(const struct kmem *kmem, const char *name)
	REQUIRES(kmem->caches_lock)
{
	struct list *pos;

	list_for_each(pos, &kmem->caches) {
		struct kmem_cache *cache =
			list_entry(pos, struct kmem_cache, link);

		if (strcmp(cache->name, name) == 0)
			return cache;
	}
	return NULL;
}

/* Links the cache, or (NULL) only looks. Whether the name was free. */
static bool
cache_link(struct kmem *kmem, const char *name, struct kmem_cache *cache)
	EXCLUDES(kmem->caches_lock)
{
	irq_state_t state = env_lock(&kmem->caches_lock);
	bool is_free = cache_find(kmem, name) == NULL;

	if (is_free && cache != NULL)
		list_add_tail(&kmem->caches, &cache->link);
	env_unlock(&kmem->caches_lock, state);
	return is_free;
}

/* What is wrong with these arguments; NULL: nothing. */
static const char *
cache_problem(struct kmem *kmem, const char *name, size_t size,
	      const struct kmem_cache_args *args, unsigned flags)
{
	size_t align = args->align;

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
	if (args->ctor != NULL && (flags & SLAB_POISON))
		return "poison would destroy what the constructor made";
	if (args->dtor != NULL && args->ctor == NULL)
		return "a destructor without a constructor";
	if (env_in_interrupt())
		return "in an interrupt";
	if (!cache_link(kmem, name, NULL))
		return "there is one of this name";
	return NULL;
}

/* The arguments are good. NULL: *problem says why. */
static struct kmem_cache *
cache_create(struct kmem *kmem, const char *name, size_t size,
	     const struct kmem_cache_args *args, unsigned flags,
	     const char **problem)
{
	struct kmem_cache wanted = {
		.object_size = size,
		.flags = flags,
		.align = MAX(args->align, sizeof(void *)),
		.ctor = args->ctor,
		.dtor = args->dtor,
		.ops = kmem->ops,
		.kmem = kmem,
	};
	struct kmem_cache *cache;
	size_t nr_live;

	(void)strlcpy(wanted.name, name, sizeof(wanted.name));
	kmem_stacks_close(&wanted);
	cache = kmem->ops->cache_create(&wanted);
	*problem = "no memory";
	if (cache == NULL)
		return NULL;
	if (!cache_link(kmem, name, cache)) {
		(void)cache->ops->cache_destroy(cache, &nr_live);
		kmem_complain("kmem: two caches %s at once\n", name);
		*problem = "there is one of this name";
		return NULL;
	}
	return cache;
}

struct kmem_cache *
kmem_create_cache(struct kmem *kmem, const char *name, size_t size,
		  const struct kmem_cache_args *args, unsigned flags)
{
	const char *problem = cache_problem(kmem, name, size, args, flags);
	struct kmem_cache *cache = NULL;

	if (name == NULL)
		name = "(null)";
	if (problem == NULL)
		cache = cache_create(kmem, name, size, args, flags, &problem);
	else
		kmem_complain("kmem: cannot create cache %s: %s\n", name,
			      problem);
	if (cache == NULL && (flags & SLAB_PANIC))
		panic("cannot create cache %s: %s", name, problem);
	return cache;
}

struct kmem_cache *
kmem_cache_create_args(const char *name, size_t size,
		       const struct kmem_cache_args *args, unsigned flags)
{
	return kmem_create_cache(&kmem_kernel, name, size, args, flags);
}

struct kmem_cache *
kmem_cache_create(const char *name, size_t size, size_t align, unsigned flags,
		  void (*ctor)(void *))
{
	const struct kmem_cache_args args = { .align = align, .ctor = ctor };

	return kmem_cache_create_args(name, size, &args, flags);
}

/* -- objects ------------------------------------------------------------------------- */

/* Out of line and last, so that the usual way saves few registers. */
static __noinline void *
object_zero(struct kmem_cache *cache, void *object)
{
	return memset(object, 0, cache->object_size);
}

__noinline void *
kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	void *object;

	if (KERNEL_DEBUG)
		kmem_check_context(gfp, cache->name);
	if (env_fails())
		return NULL;
	object = env_stack_pop(cache->stack);
	if (unlikely(object == NULL))
		return cache->ops->cache_alloc(cache, gfp);
	if (unlikely(gfp & __GFP_ZERO))
		return object_zero(cache, object);
	return object;
}

void *
kmem_cache_zalloc(struct kmem_cache *cache, gfp_t gfp)
{
	if (likely(cache->ctor == NULL))
		return kmem_cache_alloc(cache, gfp | __GFP_ZERO);
	kmem_report("zeroed object of a cache with a constructor", cache);
	return kmem_cache_alloc(cache, gfp);
}

__noinline void
kmem_cache_free(struct kmem_cache *cache, void *object)
{
	if (unlikely(ZERO_OR_NULL(object)))
		return;
	if (KERNEL_DEBUG && !kmem_cache_owns(cache, object))
		return;
	if (unlikely(!env_stack_push(cache->stack, object)))
		cache->ops->cache_free(cache, object);
}

void *
kmem_cache_alloc_node(struct kmem_cache *cache, gfp_t gfp, unsigned node)
{
	if (KERNEL_DEBUG)
		kmem_check_context(gfp, cache->name);
	if (env_fails())
		return NULL;
	if (cache->ops->cache_alloc_node == NULL)
		return cache->ops->cache_alloc(cache, gfp);
	return cache->ops->cache_alloc_node(cache, gfp, node);
}

bool
kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t nr,
		      void *objects[])
{
	if (KERNEL_DEBUG)
		kmem_check_context(gfp, cache->name);
	if (env_fails())
		return false;
	if (cache->ops->cache_alloc_bulk != NULL)
		return cache->ops->cache_alloc_bulk(cache, gfp, nr, objects);
	for (size_t i = 0; i < nr; i++) {
		objects[i] = cache->ops->cache_alloc(cache, gfp);
		if (objects[i] == NULL) {
			kmem_cache_free_bulk(cache, i, objects);
			return false;
		}
	}
	return true;
}

/* Debug builds: whether all of them are the cache's; else says which are not. */
static bool
owns_all(const struct kmem_cache *cache, size_t nr, void *const objects[])
{
	bool all = true;

	for (size_t i = 0; i < nr; i++)
		all &= kmem_cache_owns(cache, objects[i]);
	return all;
}

void
kmem_cache_free_bulk(struct kmem_cache *cache, size_t nr, void *objects[])
{
	if (KERNEL_DEBUG && !owns_all(cache, nr, objects)) {
		for (size_t i = 0; i < nr; i++)
			if (cache->ops->cache_owns(cache, objects[i]))
				cache->ops->cache_free(cache, objects[i]);
		return;
	}
	if (cache->ops->cache_free_bulk != NULL) {
		cache->ops->cache_free_bulk(cache, nr, objects);
		return;
	}
	for (size_t i = 0; i < nr; i++)
		cache->ops->cache_free(cache, objects[i]);
}

/* -- the cache as a whole --------------------------------------------------------------- */

size_t
kmem_cache_shrink(struct kmem_cache *cache)
{
	return cache->ops->cache_shrink(cache);
}

int
kmem_cache_destroy(struct kmem_cache *cache)
{
	struct kmem *kmem = cache->kmem;
	char name[KMEM_NAME_LEN + 1];
	size_t nr_live = 0;
	irq_state_t state;
	int err;

	/* Out of the list first: the back end frees what the list leads to. */
	(void)strlcpy(name, cache->name, sizeof(name));
	state = env_lock(&kmem->caches_lock);
	list_del(&cache->link);
	env_unlock(&kmem->caches_lock, state);

	err = cache->ops->cache_destroy(cache, &nr_live);
	if (err == 0)
		return 0;
	kmem_complain("kmem: cannot destroy cache %s: %zu objects are out\n",
		      name, nr_live);
	state = env_lock(&kmem->caches_lock);
	list_add_tail(&kmem->caches, &cache->link);
	env_unlock(&kmem->caches_lock, state);
	return err;
}

size_t
kmem_cache_size(const struct kmem_cache *cache)
{
	return cache->object_size;
}
