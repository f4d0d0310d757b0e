/*
 * Checks of kmalloc: the contract, over every back end of the table, and what
 * the front adds to it.
 *
 * The contract test calls a struct kmem_ops, not kmalloc, so that back ends
 * that were not chosen are tested beside the one that runs the kernel. It keeps
 * its pointers in static memory and writes a pattern of its own over every
 * byte of every object: two objects that overlap, or an allocator that writes
 * into objects, show.
 */
#include <kernel/check.h>
#include <kernel/error.h>
#include <kernel/kmalloc.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#include "kmem/front.h"
#include "check_kmem.h"

#define NR_OBJECTS 256
#define LARGEST ((size_t)4 << 20)

static struct object {
	unsigned char *at;
	size_t size;
	unsigned char pattern;
} objects[NR_OBJECTS];

static unsigned random_state;

/* [0, n), n up to 2^16 */
static unsigned
random_below(unsigned n)
{
	random_state = random_state * 1103515245u + 12345u;
	return (random_state >> 16) % n;
}

/* -- one object ------------------------------------------------------------------- */

static void
object_fill(struct object *object, void *at, size_t size)
{
	static unsigned char next_pattern;

	object->at = at;
	object->size = size;
	object->pattern = next_pattern++;
	memset(at, object->pattern, size);
}

static bool
bytes_are(const unsigned char *at, size_t size, unsigned char value)
{
	return size == 0 ||
	       (at[0] == value && memcmp(at, at + 1, size - 1) == 0);
}

static bool
object_is_whole(const struct object *object)
{
	return bytes_are(object->at, object->size, object->pattern);
}

static void
object_free(const struct kmem_ops *ops, struct object *object)
{
	EXPECT(object_is_whole(object));
	ops->kfree(object->at);
	object->at = NULL;
}

/* Large requests may find no memory; small ones not. */
static bool
object_alloc(const struct kmem_ops *ops, struct object *object, size_t size)
{
	void *at = ops->kmalloc(size, GFP_KERNEL | __GFP_NOWARN);

	object->at = NULL;
	if (at == NULL)
		return EXPECT(size > PAGE_SIZE) && false;
	EXPECT_EQ((uintptr_t)at % KMALLOC_ALIGN, 0);
	EXPECT(ops->ksize(at) >= size);
	object_fill(object, at, size);
	return true;
}

/* -- the contract -------------------------------------------------------------------- */

/* Sizes around every edge, all of them out at once. */
static void
contract_sizes(const struct kmem_ops *ops)
{
	unsigned nr = 0;

	for (size_t size = 1; size <= 160; size++)
		nr += object_alloc(ops, &objects[nr], size);
	for (size_t size = 256; size <= LARGEST; size *= 2) {
		nr += object_alloc(ops, &objects[nr], size - 1);
		nr += object_alloc(ops, &objects[nr], size);
		nr += object_alloc(ops, &objects[nr], size + 1);
	}
	/* A page less this and that. */
	for (size_t less = 1; less <= 64; less += 9)
		nr += object_alloc(ops, &objects[nr], PAGE_SIZE - less);
	EXPECT(nr <= NR_OBJECTS);
	EXPECT(ops->validate());
	for (unsigned i = 0; i < nr; i++)
		object_free(ops, &objects[i]);
	EXPECT(ops->kmalloc(SIZE_MAX, GFP_KERNEL | __GFP_NOWARN) == NULL);
	EXPECT(ops->kmalloc(SIZE_MAX / 2, GFP_KERNEL | __GFP_NOWARN) == NULL);
}

/* Zeroed means all of it, also where something else was before. */
static void
contract_zero(const struct kmem_ops *ops)
{
	static const size_t sizes[] = { 8, 100, 2000, 4080, 5000, 20000 };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		void *at = ops->kmalloc(sizes[i], GFP_KERNEL);

		if (!EXPECT(at != NULL))
			continue;
		memset(at, 0xa5, sizes[i]);
		ops->kfree(at);
		at = ops->kmalloc(sizes[i], GFP_ATOMIC | __GFP_ZERO);
		if (!EXPECT(at != NULL))
			continue;
		EXPECT(bytes_are(at, sizes[i], 0));
		ops->kfree(at);
	}
}

/* Many sizes come and go in no order. */
static void
contract_mixed(const struct kmem_ops *ops)
{
	for (unsigned i = 0; i < 4000; i++) {
		struct object *object = &objects[random_below(NR_OBJECTS)];

		if (object->at != NULL)
			object_free(ops, object);
		else
			(void)object_alloc(
				ops, object,
				1 + random_below(1u << (4 + random_below(10))));
	}
	EXPECT(ops->validate());
	for (unsigned i = 0; i < NR_OBJECTS; i++)
		if (objects[i].at != NULL)
			object_free(ops, &objects[i]);
	EXPECT(ops->validate());
}

static void
constructor(void *object)
{
	memset(object, 0xc0, 40);
}

/* Objects of a cache are constructed, aligned, and counted. */
static void
contract_cache(const struct kmem_ops *ops)
{
	struct kmem_cache wanted = { .name = "contract",
				     .object_size = 40,
				     .align = 64,
				     .ctor = constructor };
	struct kmem_cache *cache = ops->cache_create(&wanted);
	void *first, *second;
	size_t nr_live = 0;

	if (!EXPECT(cache != NULL))
		return;
	first = ops->cache_alloc(cache, GFP_KERNEL);
	second = ops->cache_alloc(cache, GFP_ATOMIC);
	if (EXPECT(first != NULL && second != NULL && first != second)) {
		EXPECT_EQ((uintptr_t)first % 64, 0);
		EXPECT_EQ((uintptr_t)second % 64, 0);
		EXPECT(bytes_are(first, 40, 0xc0) &&
		       bytes_are(second, 40, 0xc0));
		EXPECT_EQ(ops->cache_destroy(cache, &nr_live), -E_BUSY);
		EXPECT_EQ(nr_live, 2);
		ops->cache_free(cache, second);
		EXPECT_EQ(ops->cache_destroy(cache, &nr_live), -E_BUSY);
		EXPECT_EQ(nr_live, 1);
		ops->cache_free(cache, first);
	}
	EXPECT_EQ(ops->cache_destroy(cache, &nr_live), 0);
}

static void
check_contract(const struct kmem_ops *ops)
{
	size_t before;

	kmem_backend_start(ops);
	(void)ops->shrink();
	before = nr_free_pages();
	random_state = 1;
	contract_sizes(ops);
	contract_zero(ops);
	contract_mixed(ops);
	contract_cache(ops);
	/* Everything was freed: every page is back. */
	(void)ops->shrink();
	EXPECT_EQ(nr_free_pages(), before);
	EXPECT_EQ(ops->shrink(), 0);
	EXPECT(ops->validate());
}

void
check_kmalloc(void)
{
	for (unsigned i = 0; kmem_backends[i] != NULL; i++) {
		unsigned long failures = check_failures();

		check_contract(kmem_backends[i]);
		printk("# kmalloc: %s %s\n", kmem_backends[i]->name,
		       check_failures() == failures ? "passed" : "failed");
	}
}

/* -- exhaustion ---------------------------------------------------------------------- */

/* Objects that are chained through their first word. */
static size_t
take_all(const struct kmem_ops *ops, size_t size, void **chain)
{
	size_t nr = 0;
	void **object;

	while ((object = ops->kmalloc(size, GFP_KERNEL | __GFP_NOWARN)) !=
	       NULL) {
		*object = *chain;
		*chain = object;
		nr++;
	}
	return nr;
}

static void
exhaust(const struct kmem_ops *ops)
{
	static const size_t sizes[] = { 1 << 20, 1 << 16, 8192, 3000, 500 };
	void *chain = NULL, *object, *next;
	size_t before, nr = 0;

	kmem_backend_start(ops);
	(void)ops->shrink();
	before = nr_free_pages();
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		nr += take_all(ops, sizes[i], &chain);
	EXPECT(nr > 1);
	EXPECT(ops->validate());
	/* One goes, one that is no larger comes. */
	object = chain;
	if (object != NULL) {
		chain = *(void **)object;
		ops->kfree(object);
		object = ops->kmalloc(400, GFP_KERNEL | __GFP_NOWARN);
		EXPECT(object != NULL);
		if (object != NULL)
			ops->kfree(object);
	}
	for (object = chain; object != NULL; object = next) {
		next = *(void **)object;
		ops->kfree(object);
	}
	(void)ops->shrink();
	EXPECT_EQ(nr_free_pages(), before);
	EXPECT(ops->validate());
	printk("# kmem_exhaustion: %s gave out %zu objects\n", ops->name, nr);
}

void
check_kmem_exhaustion(void)
{
	for (unsigned i = 0; kmem_backends[i] != NULL; i++)
		exhaust(kmem_backends[i]);
}

/* -- the front ------------------------------------------------------------------------ */

static void
front_edges(void)
{
	void *object = kmalloc(0, GFP_KERNEL);

	EXPECT(object == ZERO_SIZE_PTR);
	kfree(object);
	kfree(NULL);
	EXPECT_EQ(ksize(NULL), 0);
	EXPECT_EQ(ksize(ZERO_SIZE_PTR), 0);
	EXPECT(kcalloc(SIZE_MAX / 2, 3, GFP_KERNEL) == NULL);
	EXPECT(kcalloc(SIZE_MAX, SIZE_MAX, GFP_KERNEL) == NULL);
	EXPECT(kcalloc(0, 8, GFP_KERNEL) == ZERO_SIZE_PTR);
	object = kcalloc(25, 8, GFP_KERNEL);
	EXPECT(object != NULL && bytes_are(object, 200, 0));
	kfree(object);
}

/* Contents travel with the object, up and down in size. */
static void
front_krealloc(void)
{
	static const size_t sizes[] = { 10, 200, 100, 4000, 10000, 300, 24 };
	unsigned char *object = krealloc(NULL, 10, GFP_KERNEL), *moved;
	size_t kept = 10;

	if (!EXPECT(object != NULL))
		return;
	memset(object, 0x3c, 10);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		moved = krealloc(object, sizes[i], GFP_KERNEL);
		if (!EXPECT(moved != NULL))
			break;
		object = moved;
		EXPECT(ksize(object) >= sizes[i]);
		EXPECT(bytes_are(object, MIN(kept, sizes[i]), 0x3c));
		memset(object, 0x3c, sizes[i]);
		kept = sizes[i];
	}
	/* It cannot grow so far: nothing has happened to it. */
	EXPECT(krealloc(object, SIZE_MAX / 2, GFP_KERNEL | __GFP_NOWARN) ==
	       NULL);
	EXPECT(bytes_are(object, kept, 0x3c));
	EXPECT(krealloc(object, 0, GFP_KERNEL) == ZERO_SIZE_PTR);
}

void
check_slab(void)
{
	size_t before;

	(void)kmem_shrink();
	before = nr_free_pages();
	front_edges();
	front_krealloc();
	check_contract(kmem_backend_chosen());
	(void)kmem_shrink();
	EXPECT_EQ(nr_free_pages(), before);
}

/* One pointer of many is none of the cache's: it is told, the others are freed. */
static void
free_bulk_with_a_stranger(struct kmem_cache *cache)
{
	unsigned long reports = kmem_nr_reports();
	void *three[3] = { NULL }, *stranded;

	if (!EXPECT(kmem_cache_alloc_bulk(cache, GFP_KERNEL, ARRAY_SIZE(three),
					  three)))
		return;
	stranded = three[1];
	three[1] = (char *)stranded + sizeof(void *);
	kmem_cache_free_bulk(cache, ARRAY_SIZE(three), three);
	EXPECT_EQ(kmem_nr_reports() - reports, 1);
	kmem_cache_free(cache, stranded);
}

/* A bad request is reported, and there is no half-made cache. */
void
check_kmem_cache(void)
{
	size_t before;
	unsigned long reports;
	struct kmem_cache *cache;
	void *object;

	(void)kmem_shrink();
	before = nr_free_pages();
	reports = kmem_nr_reports();
	EXPECT(kmem_cache_create(NULL, 64, 0, 0, NULL) == NULL);
	EXPECT(kmem_cache_create("check", 1, 0, 0, NULL) == NULL);
	EXPECT(kmem_cache_create("check", LARGEST + 1, 0, 0, NULL) == NULL);
	EXPECT(kmem_cache_create("check", 64, 24, 0, NULL) == NULL);
	EXPECT(kmem_cache_create("check", 64, 0, SLAB_ALL_FLAGS + 1, NULL) ==
	       NULL);
	EXPECT(kmem_cache_create("check", 64, 0, SLAB_POISON, constructor) ==
	       NULL);
	EXPECT_EQ(kmem_nr_reports() - reports, 6);

	cache = kmem_cache_create("check", 100, 0, 0, NULL);
	if (!EXPECT(cache != NULL))
		return;
	EXPECT_EQ(kmem_cache_size(cache), 100);
	EXPECT(kmem_cache_create("check", 64, 0, 0, NULL) == NULL);
	object = kmem_cache_zalloc(cache, GFP_KERNEL);
	EXPECT(object != NULL && bytes_are(object, 100, 0));
	EXPECT_EQ(kmem_cache_destroy(cache), -E_BUSY);
	EXPECT_EQ(kmem_nr_reports() - reports, 8);
	kmem_cache_free(cache, object);
	kmem_cache_free(cache, NULL);
	if (KERNEL_DEBUG)
		free_bulk_with_a_stranger(cache);
	EXPECT_EQ(kmem_cache_destroy(cache), 0);
	(void)kmem_shrink();
	EXPECT_EQ(nr_free_pages(), before);
}
