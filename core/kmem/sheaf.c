/*
 * The front of the object allocators, third part: sheaves for callers that must
 * not fail.
 *
 * Who holds locks or stands in an interrupt, and needs up to n objects there, fills
 * a sheaf beforehand. That may fail; taking from it does not. A back end that
 * works with sheaves anyway (slab, cpu=sheaf) lends one of its own, which is often
 * full already and goes back as it is. For the others the sheaf is an array of
 * kmalloc, and its objects come and go in bulk.
 */
#include "front.h"

#include <kernel/error.h>
#include <kernel/string.h>

/* Room for nr, made here. */
static struct kmem_sheaf *
sheaf_make(struct kmem *kmem, gfp_t gfp, unsigned nr)
{
	struct kmem_sheaf *sheaf;
	size_t bytes;

	if (__builtin_mul_overflow((size_t)nr, sizeof(void *), &bytes) ||
	    __builtin_add_overflow(bytes, sizeof(*sheaf) + sizeof(void *),
				   &bytes))
		return NULL;
	sheaf = kmem_alloc(kmem, bytes, gfp & ~(gfp_t)__GFP_ZERO);
	if (sheaf == NULL)
		return NULL;
	sheaf->next = NULL;
	sheaf->nr = 0;
	sheaf->capacity = nr;
	sheaf->entry[0] = NULL;
	return sheaf;
}

/* It has room for nr. Whether it has nr objects now; else nothing has changed. */
static bool
sheaf_fill(struct kmem_cache *cache, gfp_t gfp, struct kmem_sheaf *sheaf,
	   unsigned nr)
{
	if (nr <= sheaf->nr)
		return true;
	if (!kmem_cache_alloc_bulk(cache, gfp & ~(gfp_t)__GFP_ZERO,
				   nr - sheaf->nr,
				   &sheaf->entry[sheaf->nr + 1]))
		return false;
	sheaf->nr = nr;
	return true;
}

struct kmem_sheaf *
kmem_cache_prefill_sheaf(struct kmem_cache *cache, gfp_t gfp, unsigned nr)
{
	struct kmem_sheaf *sheaf = NULL;

	if (cache->ops->sheaf_get != NULL)
		sheaf = cache->ops->sheaf_get(cache, nr);
	if (sheaf == NULL)
		sheaf = sheaf_make(cache->kmem, gfp, nr);
	if (sheaf == NULL)
		return NULL;
	if (!sheaf_fill(cache, gfp, sheaf, nr)) {
		kmem_cache_return_sheaf(cache, sheaf);
		return NULL;
	}
	return sheaf;
}

void *
kmem_cache_alloc_from_sheaf(struct kmem_cache *cache, gfp_t gfp,
			    struct kmem_sheaf *sheaf)
{
	void *object = sheaf->entry[sheaf->nr];

	if (object == NULL)
		return NULL;
	sheaf->nr--;
	if ((gfp & __GFP_ZERO) && cache->ctor == NULL)
		memset(object, 0, cache->object_size);
	return object;
}

int
kmem_cache_refill_sheaf(struct kmem_cache *cache, gfp_t gfp,
			struct kmem_sheaf **sheaf, unsigned nr)
{
	struct kmem_sheaf *larger;

	if (nr <= (*sheaf)->capacity)
		return sheaf_fill(cache, gfp, *sheaf, nr) ? 0 : -E_NO_MEM;
	larger = kmem_cache_prefill_sheaf(cache, gfp, nr);
	if (larger == NULL)
		return -E_NO_MEM;
	kmem_cache_return_sheaf(cache, *sheaf);
	*sheaf = larger;
	return 0;
}

void
kmem_cache_return_sheaf(struct kmem_cache *cache, struct kmem_sheaf *sheaf)
{
	if (sheaf == NULL || (cache->ops->sheaf_put != NULL &&
			      cache->ops->sheaf_put(cache, sheaf)))
		return;
	kmem_cache_free_bulk(cache, sheaf->nr, sheaf->entry + 1);
	kfree(sheaf);
}

unsigned
kmem_cache_sheaf_size(const struct kmem_sheaf *sheaf)
{
	return sheaf->nr;
}
