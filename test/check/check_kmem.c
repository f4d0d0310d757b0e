/*
 * Checks of kmalloc: the contract, over every back end of the table, and what
 * the front adds to it.
 *
 * The contract test runs in an instance of its own (kernel/kmem.h), so that back
 * ends that were not chosen are tested beside the one that runs the kernel. It keeps
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
object_free(struct kmem *kmem, struct object *object)
{
	EXPECT(object_is_whole(object));
	kfree(object->at);
	object->at = NULL;
}

/* Large requests may find no memory; small ones not. */
static bool
object_alloc(struct kmem *kmem, struct object *object, size_t size)
{
	void *at = kmem_alloc(kmem, size, GFP_KERNEL | __GFP_NOWARN);

	object->at = NULL;
	if (at == NULL)
		return EXPECT(size > PAGE_SIZE) && false;
	EXPECT_EQ((uintptr_t)at % KMALLOC_ALIGN, 0);
	EXPECT(ksize(at) >= size);
	object_fill(object, at, size);
	return true;
}

/* -- the contract -------------------------------------------------------------------- */

/* Sizes around every edge, all of them out at once. */
static void
contract_sizes(struct kmem *kmem)
{
	unsigned nr = 0;

	for (size_t size = 1; size <= 160; size++)
		nr += object_alloc(kmem, &objects[nr], size);
	for (size_t size = 256; size <= LARGEST; size *= 2) {
		nr += object_alloc(kmem, &objects[nr], size - 1);
		nr += object_alloc(kmem, &objects[nr], size);
		nr += object_alloc(kmem, &objects[nr], size + 1);
	}
	/* A page less this and that. */
	for (size_t less = 1; less <= 64; less += 9)
		nr += object_alloc(kmem, &objects[nr], PAGE_SIZE - less);
	EXPECT(nr <= NR_OBJECTS);
	EXPECT(kmem_validate(kmem));
	for (unsigned i = 0; i < nr; i++)
		object_free(kmem, &objects[i]);
	EXPECT(kmem_alloc(kmem, SIZE_MAX, GFP_KERNEL | __GFP_NOWARN) == NULL);
	EXPECT(kmem_alloc(kmem, SIZE_MAX / 2, GFP_KERNEL | __GFP_NOWARN) ==
	       NULL);
}

/* Zeroed means all of it, also where something else was before. */
static void
contract_zero(struct kmem *kmem)
{
	static const size_t sizes[] = { 8, 100, 2000, 4080, 5000, 20000 };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		void *at = kmem_alloc(kmem, sizes[i], GFP_KERNEL);

		if (!EXPECT(at != NULL))
			continue;
		memset(at, 0xa5, sizes[i]);
		kfree(at);
		at = kmem_alloc(kmem, sizes[i], GFP_ATOMIC | __GFP_ZERO);
		if (!EXPECT(at != NULL))
			continue;
		EXPECT(bytes_are(at, sizes[i], 0));
		kfree(at);
	}
}

/* Many sizes come and go in no order. */
static void
contract_mixed(struct kmem *kmem)
{
	for (unsigned i = 0; i < 4000; i++) {
		struct object *object = &objects[random_below(NR_OBJECTS)];

		if (object->at != NULL)
			object_free(kmem, object);
		else
			(void)object_alloc(
				kmem, object,
				1 + random_below(1u << (4 + random_below(10))));
	}
	EXPECT(kmem_validate(kmem));
	for (unsigned i = 0; i < NR_OBJECTS; i++)
		if (objects[i].at != NULL)
			object_free(kmem, &objects[i]);
	EXPECT(kmem_validate(kmem));
}

static void
constructor(void *object)
{
	memset(object, 0xc0, 40);
}

/* Objects of a cache are constructed, aligned, and counted. */
static void
contract_cache(struct kmem *kmem)
{
	const struct kmem_cache_args args = { .align = 64,
					      .ctor = constructor };
	struct kmem_cache *cache =
		kmem_create_cache(kmem, "contract", 40, &args, 0);
	void *first, *second;

	if (!EXPECT(cache != NULL))
		return;
	first = kmem_cache_alloc(cache, GFP_KERNEL);
	second = kmem_cache_alloc(cache, GFP_ATOMIC);
	if (EXPECT(first != NULL && second != NULL && first != second)) {
		EXPECT_EQ((uintptr_t)first % 64, 0);
		EXPECT_EQ((uintptr_t)second % 64, 0);
		EXPECT(bytes_are(first, 40, 0xc0) &&
		       bytes_are(second, 40, 0xc0));
		EXPECT_EQ(kmem_cache_destroy(cache), -E_BUSY);
		kmem_cache_free(cache, second);
		EXPECT_EQ(kmem_cache_destroy(cache), -E_BUSY);
		kmem_cache_free(cache, first);
	}
	EXPECT_EQ(kmem_cache_destroy(cache), 0);
}

static void
check_contract(struct kmem *kmem)
{
	size_t before;

	(void)kmem_shrink_one(kmem);
	before = nr_free_pages();
	random_state = 1;
	contract_sizes(kmem);
	contract_zero(kmem);
	contract_mixed(kmem);
	contract_cache(kmem);
	/* Everything was freed: every page is back. */
	(void)kmem_shrink_one(kmem);
	EXPECT_EQ(nr_free_pages(), before);
	EXPECT_EQ(kmem_shrink_one(kmem), 0);
	EXPECT(kmem_validate(kmem));
}

/* Runs fn with an instance of each back end, and counts its pages. */
static void
with_each(const char *what, void (*fn)(struct kmem *kmem))
{
	for (unsigned i = 0; kmem_backends[i] != NULL; i++) {
		const struct kmem_args args = {
			.name = what, .kmalloc = kmem_backends[i]->name
		};
		unsigned long failures = check_failures();
		struct kmem *kmem;
		size_t before;

		(void)kmem_shrink();
		before = nr_free_pages();
		if (!EXPECT_EQ(kmem_create(&args, &kmem), 0))
			continue;
		fn(kmem);
		EXPECT_EQ(kmem_destroy(kmem), 0);
		(void)kmem_shrink();
		EXPECT_EQ(nr_free_pages(), before);
		printk("# %s: %s %s\n", what, kmem_backends[i]->name,
		       check_failures() == failures ? "passed" : "failed");
	}
}

void
check_kmalloc(void)
{
	with_each("kmalloc", check_contract);
}

/* -- exhaustion ---------------------------------------------------------------------- */

/* Objects that are chained through their first word. */
static size_t
take_all(struct kmem *kmem, size_t size, void **chain)
{
	size_t nr = 0;
	void **object;

	while ((object = kmem_alloc(kmem, size, GFP_KERNEL | __GFP_NOWARN)) !=
	       NULL) {
		*object = *chain;
		*chain = object;
		nr++;
	}
	return nr;
}

static void
exhaust(struct kmem *kmem)
{
	static const size_t sizes[] = { 1 << 20, 1 << 16, 8192, 3000, 500 };
	void *chain = NULL, *object, *next;
	size_t before, nr = 0;

	(void)kmem_shrink_one(kmem);
	before = nr_free_pages();
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		nr += take_all(kmem, sizes[i], &chain);
	EXPECT(nr > 1);
	EXPECT(kmem_validate(kmem));
	/* One goes, one that is no larger comes. */
	object = chain;
	if (object != NULL) {
		chain = *(void **)object;
		kfree(object);
		object = kmem_alloc(kmem, 400, GFP_KERNEL | __GFP_NOWARN);
		EXPECT(object != NULL);
		if (object != NULL)
			kfree(object);
	}
	for (object = chain; object != NULL; object = next) {
		next = *(void **)object;
		kfree(object);
	}
	(void)kmem_shrink_one(kmem);
	EXPECT_EQ(nr_free_pages(), before);
	EXPECT(kmem_validate(kmem));
	printk("# kmem_exhaustion: %s gave out %zu objects\n", kmem->ops->name,
	       nr);
}

void
check_kmem_exhaustion(void)
{
	with_each("kmem_exhaustion", exhaust);
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
	check_contract(&kmem_kernel);
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
