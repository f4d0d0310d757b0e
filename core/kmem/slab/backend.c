/*
 * The slab allocator as a back end of kmalloc: the table of functions.
 */
#include "cache.h"
#include "chain.h"
#include "debug/hooks.h"
#include "debug/leak.h"
#include "debug/switch.h"
#include "debug/validate.h"
#include "fail.h"
#include "general.h"
#include "objects.h"
#include "percpu/select.h"
#include "reap.h"
#include "show/info.h"
#include "slabs.h"

#include <kernel/error.h>
#include <kernel/string.h>

/* -- objects ---------------------------------------------------------------------------- */

static size_t
slab_ksize(struct kmem *kmem, const void *ptr)
{
	const struct page *page = env_page_of(ptr);
	const struct slab_cache *cache;

	if (page == NULL ||
	    (page->kind != PAGE_SLAB && page->kind != PAGE_SLAB_RETIRED)) {
		page = slab_large_find(slab_root_of(kmem), ptr);
		return page != NULL ? page->nr * PAGE_SIZE : 0;
	}
	cache = page->owner.cache;
	return cache->base.object_size;
}

static void
slab_kresize(void *ptr, size_t size)
{
	const struct page *page = env_page_of(ptr);

	if (page != NULL && page->kind == PAGE_SLAB &&
	    slab_debug(page->owner.cache) != 0)
		slab_debug_hooks->resize(page->owner.cache, ptr, size);
}

static inline void *
take_object(struct slab_cache *cache, gfp_t gfp, size_t size)
{
	void *object;

	if (slab_fails(cache, false))
		return NULL;
	object = slab_alloc(cache, gfp);
	if (object != NULL && (gfp & __GFP_ZERO))
		memset(object, 0, size);
	return object;
}

static __noinline void *
debugged_alloc(struct slab_cache *cache, gfp_t gfp, size_t size)
{
	void *object;

	slab_debug_hooks->context(cache, gfp);
	object = take_object(cache, gfp, size);
	if (object != NULL && size != cache->base.object_size)
		slab_debug_hooks->asked(cache, object, size);
	return object;
}

/* What the front's stack could not do; size bytes are cleared if gfp says so. */
static void *
object_alloc(struct slab_cache *cache, gfp_t gfp, size_t size)
{
	if (unlikely(slab_debug(cache) != 0))
		return debugged_alloc(cache, gfp, size);
	return take_object(cache, gfp, size);
}

/* More than the table has. */
static __noinline void *
alloc_larger(struct kmem *kmem, size_t size, gfp_t gfp)
{
	if (unlikely(size > KMEM_CACHE_SIZE_MAX))
		return slab_large_alloc(slab_root_of(kmem), size, gfp);
	return object_alloc(slab_general(kmem, size), gfp, size);
}

static void *
slab_kmalloc_in(struct kmem *kmem, size_t size, gfp_t gfp)
{
	if (unlikely(size > KMEM_TABLE_MAX))
		return alloc_larger(kmem, size, gfp);
	return object_alloc(slab_general_small(kmem, size), gfp, size);
}

static void *
slab_kmalloc(size_t size, gfp_t gfp)
{
	struct slab_cache *cache;

	if (unlikely(size > KMEM_TABLE_MAX))
		return alloc_larger(&kmem_kernel, size, gfp);
	cache = slab_general_small(&kmem_kernel, size);
	if (unlikely(slab_debug(cache) != 0))
		return debugged_alloc(cache, gfp, size);
	return take_object(cache, gfp, size);
}

static __noinline void
other_free(const struct page *page, void *ptr, const struct kmem *kmem)
{
	if (page != NULL && page->kind == PAGE_SLAB_RETIRED)
		slab_debug_hooks->free(page->owner.cache, ptr);
	else
		slab_large_free(slab_root_of(kmem), ptr);
}

static void
slab_kfree(struct kmem *kmem, void *ptr)
{
	struct page *page = env_page_of(ptr);

	if (unlikely(page == NULL || page->kind != PAGE_SLAB))
		other_free(page, ptr, kmem);
	else
		slab_free(page->owner.cache, ptr);
}

/* -- named caches ------------------------------------------------------------------------- */

static struct kmem_cache *
slab_cache_create(const struct kmem_cache *wanted)
{
	struct slab_cache *cache = slab_create(wanted);

	return cache != NULL ? &cache->base : NULL;
}

static void *
slab_cache_alloc(struct kmem_cache *base, gfp_t gfp)
{
	return object_alloc(slab_cache_of(base), gfp, base->object_size);
}

static void *
slab_cache_alloc_node(struct kmem_cache *base, gfp_t gfp, unsigned node)
{
	void *object;

	if (node == NODE_ANY)
		return slab_cache_alloc(base, gfp);
	slab_debug_hooks->context(slab_cache_of(base), gfp);
	if (slab_fails(slab_cache_of(base), false))
		return NULL;
	object = slab_alloc_node(slab_cache_of(base), gfp, node);
	if (object != NULL && (gfp & __GFP_ZERO))
		memset(object, 0, base->object_size);
	return object;
}

static bool
slab_cache_alloc_bulk(struct kmem_cache *base, gfp_t gfp, size_t nr,
		      void *objects[])
{
	slab_debug_hooks->context(slab_cache_of(base), gfp);
	if (slab_fails(slab_cache_of(base), false) ||
	    !slab_alloc_bulk(slab_cache_of(base), gfp, nr, objects))
		return false;
	for (size_t i = 0; (gfp & __GFP_ZERO) && i < nr; i++)
		memset(objects[i], 0, base->object_size);
	return true;
}

static void
slab_cache_free(struct kmem_cache *base, void *object)
{
	slab_free(slab_cache_of(base), object);
}

static void
slab_cache_free_bulk(struct kmem_cache *base, size_t nr, void *objects[])
{
	slab_free_bulk(slab_cache_of(base), nr, objects);
}

static struct kmem_sheaf *
slab_sheaf_get(struct kmem_cache *base, unsigned nr)
{
	struct slab_cache *cache = slab_cache_of(base);
	struct kmem_sheaf *sheaf = NULL;
	irq_state_t state = env_irqs_off();

	/* Objects of one that is debugged come and go one by one. */
	if (cache->layer->sheaf_get != NULL && slab_debug(cache) == 0)
		sheaf = cache->layer->sheaf_get(cache, nr);
	env_irqs_restore(state);
	return sheaf;
}

static bool
slab_sheaf_put(struct kmem_cache *base, struct kmem_sheaf *sheaf)
{
	struct slab_cache *cache = slab_cache_of(base);
	bool is_back = false;
	irq_state_t state;

	if (cache->layer->sheaf_put == NULL)
		return false;
	state = env_irqs_off();
	if (slab_debug(cache) != 0) {
		slab_free_bulk(cache, sheaf->nr, sheaf->entry + 1);
		sheaf->nr = 0;
	}
	is_back = cache->layer->sheaf_put(cache, sheaf);
	env_irqs_restore(state);
	return is_back;
}

static bool
slab_cache_owns(const struct kmem_cache *base, const void *object)
{
	struct slab_cache *cache = slab_cache_of((struct kmem_cache *)base);

	/* A cache that is debugged says more when it comes there. */
	return slab_debug(cache) != 0 || slab_is_object(cache, object);
}

static size_t
slab_cache_shrink(struct kmem_cache *base)
{
	return slab_shrink(slab_cache_of(base));
}

static int
slab_cache_destroy(struct kmem_cache *base, size_t *nr_live)
{
	return slab_destroy(slab_cache_of(base), nr_live);
}

/* -- an instance ---------------------------------------------------------------------------- */

/* The kernel's root has its settings already. */
static int
apply_args(struct slab_root *root, const struct kmem_args *args)
{
	const struct kmem *kmem = root->kmem;

	root->layer = percpu_layer_named(args->cpu);
	if (root->layer == NULL)
		return kmem_no_such_value(kmem, "cpu", args->cpu);
	if (percpu_closed_named(args->fast, &root->closed) != 0)
		return kmem_no_such_value(kmem, "fast", args->fast);
	if (slab_colours_named(args->colour, &root->is_coloured) != 0)
		return kmem_no_such_value(kmem, "colour", args->colour);
	if (root == &slab_kernel_root)
		return 0;
	slab_fail_init(&root->fail);
	if (slab_debug_take_setting(root, args->slab_debug != NULL
						  ? args->slab_debug
						  : slab_kernel_root.debug) !=
	    0)
		return kmem_no_such_value(kmem, "slab_debug", "(too long)");
	return 0;
}

static int
slab_backend_start(struct kmem *kmem, const struct kmem_args *args)
{
	struct slab_root *root = slab_root_of(kmem);
	int err;

	slab_debug_register();
	root->kmem = kmem;
	err = apply_args(root, args);
	return err != 0 ? err : slab_start(root);
}

static bool
slab_backend_is_used(struct kmem *kmem)
{
	return slab_is_used(slab_root_of(kmem));
}

static void
slab_backend_stop(struct kmem *kmem)
{
	slab_stop(slab_root_of(kmem));
}

static size_t
slab_backend_shrink(struct kmem *kmem)
{
	return slab_shrink_all(slab_root_of(kmem));
}

static void
slab_backend_reap(struct kmem *kmem)
{
	slab_reap(slab_root_of(kmem));
}

static bool
slab_backend_validate(struct kmem *kmem)
{
	return slab_validate(slab_root_of(kmem));
}

const struct kmem_ops kmem_slab_ops = {
	.name = "slab",
	.description = "caches of objects, after Bonwick and Linux 3.10",
	.state_size = sizeof(struct slab_root),
	.kernel_state = &slab_kernel_root,
	.start = slab_backend_start,
	.is_used = slab_backend_is_used,
	.stop = slab_backend_stop,
	.kmalloc_in = slab_kmalloc_in,
	.kmalloc = slab_kmalloc,
	.kfree = slab_kfree,
	.ksize = slab_ksize,
	.kresize = slab_kresize,
	.cache_create = slab_cache_create,
	.cache_alloc = slab_cache_alloc,
	.cache_alloc_node = slab_cache_alloc_node,
	.cache_alloc_bulk = slab_cache_alloc_bulk,
	.cache_free = slab_cache_free,
	.cache_owns = slab_cache_owns,
	.cache_free_bulk = slab_cache_free_bulk,
	.sheaf_get = slab_sheaf_get,
	.sheaf_put = slab_sheaf_put,
	.cache_shrink = slab_cache_shrink,
	.cache_destroy = slab_cache_destroy,
	.shrink = slab_backend_shrink,
	.reap = slab_backend_reap,
	.slabinfo_read = slabinfo_read,
	.slabinfo_write = slabinfo_write,
	.failslab_write = slab_fail_write,
	.failslab_print = slab_fail_print,
	.debug_set = slab_debug_set,
	.debug_read = slab_debug_read,
	.debug_scan = slab_debug_scan_named,
	.debug_report_unknown = slab_debug_report_unknown,
	.leaks_begin = slab_leak_begin,
	.leaks_scan = slab_leak_scan,
	.leaks_root = slab_leak_root,
	.leaks_end = slab_leak_end,
	.validate = slab_backend_validate,
	.print = slabinfo_print,
};
