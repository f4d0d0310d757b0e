/*
 * The caches of the check slab_model: a table of fixed ones with sizes from a
 * word to two pages, with and without constructor; kmalloc; and some that are
 * created and destroyed while everything runs.
 *
 * A kind has slots of its own, so that all its objects are known and can be
 * freed. One that comes and goes is closed first: nobody enters any more, and
 * who is inside is waited for; then nobody else looks at its slots.
 */
#include <kernel/check.h>
#include <kernel/error.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#include "slab_model.h"

#define SLOTS 1024
#define SLOTS_OF_LARGE 256
#define SLOTS_COMING 192
#define LARGE 2048
#define NR_COMING 4

struct model_kind model_kinds[MODEL_MAX_KINDS];
unsigned model_nr_kinds;

#define CONSTRUCTOR(bytes)                                                     \
	static void construct_##bytes(void *object)                            \
	{                                                                      \
		model_construct(object, bytes);                                \
	}
CONSTRUCTOR(100)
CONSTRUCTOR(8192)

/* Objects that are constructed now, of those that a destructor waits for. */
static unsigned long nr_constructed; /* atomic */

#define CONSTRUCTOR_AND_DESTRUCTOR(bytes)                                      \
	static void construct_##bytes(void *object)                            \
	{                                                                      \
		(void)atomic_add(&nr_constructed, 1);                          \
		model_construct(object, bytes);                                \
	}                                                                      \
	static void destruct_##bytes(void *object)                             \
	{                                                                      \
		model_destruct(object, bytes);                                 \
		(void)atomic_sub(&nr_constructed, 1);                          \
	}
CONSTRUCTOR_AND_DESTRUCTOR(24)
CONSTRUCTOR_AND_DESTRUCTOR(700)

struct shape {
	size_t size, align;
	unsigned flags;
	void (*ctor)(void *), (*dtor)(void *);
};

static const struct shape fixed[] = {
	{ 8, 0, 0, NULL, NULL },
	{ 24, 0, 0, construct_24, destruct_24 },
	{ 48, 0, SLAB_HWCACHE_ALIGN, NULL, NULL },
	{ 64, 64, 0, NULL, NULL },
	{ 100, 0, 0, construct_100, NULL },
	{ 192, 32, SLAB_RECLAIM_ACCOUNT, NULL, NULL },
	{ 256, 256, 0, NULL, NULL },
	{ 504, 0, 0, NULL, NULL },
	{ 700, 128, 0, construct_700, destruct_700 },
	{ 1024, 0, 0, NULL, NULL },
	{ 2048, 2048, 0, NULL, NULL },
	{ 3000, 0, 0, NULL, NULL },
	{ 4096, 4096, 0, NULL, NULL },
	{ 8192, 0, 0, construct_8192, NULL },
};

static const struct shape coming[] = {
	{ 16, 0, 0, NULL, NULL },
	{ 24, 8, 0, construct_24, destruct_24 },
	{ 40, 0, 0, NULL, NULL },
	{ 100, 64, 0, construct_100, NULL },
	{ 320, 0, 0, NULL, NULL },
	{ 512, 0, 0, NULL, NULL },
	{ 700, 0, 0, construct_700, destruct_700 },
	{ 1500, 4, 0, NULL, NULL },
	{ 2000, 1024, 0, NULL, NULL },
	{ 6000, 0, 0, NULL, NULL },
};

BUILD_ASSERT(ARRAY_SIZE(fixed) + 1 + NR_COMING <= MODEL_MAX_KINDS);

/* -- the table -------------------------------------------------------------------- */

static void
kind_shape(struct model_kind *kind, const struct shape *shape)
{
	kind->size = shape->size;
	kind->align = shape->align;
	kind->flags = shape->flags;
	kind->ctor = shape->ctor;
	kind->dtor = shape->dtor;
}

static bool
kind_create(struct model_kind *kind)
{
	const struct kmem_cache_args args = { .align = kind->align,
					      .ctor = kind->ctor,
					      .dtor = kind->dtor };

	kind->cache = kmem_cache_create_args(kind->name, kind->size, &args,
					     kind->flags);
	if (kind->cache == NULL && model_memory_is_plenty())
		model_wrong("no cache of this size", NULL, kind->size);
	return kind->cache != NULL;
}

static struct model_kind *
kind_add(const char *name, size_t nr)
{
	struct model_kind *kind = &model_kinds[model_nr_kinds++];

	*kind = (struct model_kind){ .nr_slots = SLOTS };
	snprintf(kind->name, sizeof(kind->name), "model-%s%zu", name, nr);
	return kind;
}

static void
table_fill(void)
{
	struct model_kind *kind;

	model_nr_kinds = 0;
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
		kind = kind_add("", fixed[i].size);
		kind_shape(kind, &fixed[i]);
		if (kind->size > LARGE)
			kind->nr_slots = SLOTS_OF_LARGE;
		kind->state = KIND_OPEN;
	}
	kind = kind_add("kmalloc", 0);
	kind->size = 2 * PAGE_SIZE;
	kind->align = KMALLOC_ALIGN;
	kind->state = KIND_OPEN;
	for (size_t i = 0; i < NR_COMING; i++) {
		kind = kind_add("coming", i);
		kind->nr_slots = SLOTS_COMING;
		kind->comes_and_goes = true;
	}
}

static bool
is_kmalloc(const struct model_kind *kind)
{
	return !kind->comes_and_goes && kind->align == KMALLOC_ALIGN;
}

static void
caches_destroy(void)
{
	for (unsigned i = 0; i < model_nr_kinds; i++) {
		struct model_kind *kind = &model_kinds[i];

		if (kind->cache != NULL && kmem_cache_destroy(kind->cache) != 0)
			model_wrong("a cache without objects is busy",
				    kind->cache, kind->size);
		kind->cache = NULL;
	}
	if (nr_constructed != 0)
		model_wrong("objects were not destructed", NULL,
			    nr_constructed);
}

bool
model_kinds_start(void)
{
	size_t nr_slots = 0;

	nr_constructed = 0;
	table_fill();
	for (unsigned i = 0; i < model_nr_kinds; i++)
		nr_slots += model_kinds[i].nr_slots;
	if (!model_start(nr_slots))
		return false;
	nr_slots = 0;
	for (unsigned i = 0; i < model_nr_kinds; i++) {
		struct model_kind *kind = &model_kinds[i];

		kind->slots = model_slots + nr_slots;
		nr_slots += kind->nr_slots;
		if (kind->state == KIND_OPEN && !is_kmalloc(kind) &&
		    !kind_create(kind)) {
			caches_destroy();
			model_end();
			return false;
		}
	}
	return true;
}

/* Frees what the slots hold; nobody else uses them. */
static void
kind_empty(struct model_kind *kind)
{
	for (unsigned i = 0; i < kind->nr_slots; i++) {
		struct model_slot *slot = &kind->slots[i];
		void *object;

		if (atomic_load(&slot->state) != SLOT_FULL)
			continue;
		object = model_dies(slot, kind->ctor != NULL);
		if (kind->cache != NULL)
			kmem_cache_free(kind->cache, object);
		else
			kfree(object);
		model_slot_give(slot, SLOT_EMPTY);
	}
}

void
model_kinds_end(void)
{
	for (unsigned i = 0; i < model_nr_kinds; i++)
		kind_empty(&model_kinds[i]);
	caches_destroy();
	model_end();
}

/* -- coming and going ----------------------------------------------------------------- */

bool
model_kind_enter(struct model_kind *kind)
{
	if (!kind->comes_and_goes)
		return true;
	(void)atomic_add(&kind->users, 1);
	if (atomic_load(&kind->state) == KIND_OPEN)
		return true;
	(void)atomic_sub(&kind->users, 1);
	return false;
}

void
model_kind_leave(struct model_kind *kind)
{
	if (kind->comes_and_goes)
		(void)atomic_sub(&kind->users, 1);
}

unsigned
model_kind_nr_full(const struct model_kind *kind)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < kind->nr_slots; i++)
		nr += atomic_load(&kind->slots[i].state) == SLOT_FULL;
	return nr;
}

static void
kind_close(struct model_kind *kind, bool try_busy)
{
	while (atomic_load(&kind->users) > 0)
		yield();
	if (try_busy && model_kind_nr_full(kind) > 0 &&
	    kmem_cache_destroy(kind->cache) != -E_BUSY)
		model_wrong("a cache with objects was destroyed", kind->cache,
			    kind->size);
	kind_empty(kind);
	if (kmem_cache_destroy(kind->cache) != 0)
		model_wrong("a cache without objects is busy", kind->cache,
			    kind->size);
	kind->cache = NULL;
}

void
model_kinds_change(unsigned dice)
{
	unsigned first = model_nr_kinds - NR_COMING;
	struct model_kind *kind = &model_kinds[first + dice % NR_COMING];
	unsigned state = KIND_CLOSED;

	dice /= NR_COMING;
	if (atomic_compare_exchange(&kind->state, &state, KIND_CHANGES)) {
		kind_shape(kind, &coming[dice % ARRAY_SIZE(coming)]);
		state = kind_create(kind) ? KIND_OPEN : KIND_CLOSED;
		atomic_store(&kind->state, state);
		return;
	}
	state = KIND_OPEN;
	if (!atomic_compare_exchange(&kind->state, &state, KIND_CHANGES))
		return;
	kind_close(kind, dice % 8 == 0);
	atomic_store(&kind->state, (unsigned)KIND_CLOSED);
}

/* -- tuning ------------------------------------------------------------------------------ */

/* What may be answered to a sound wish. */
static bool
tuned_well(const struct model_kind *kind, int answer)
{
	if (kind->comes_and_goes && answer == -E_NOT_FOUND)
		return true;
	if (answer == -E_NO_MEM)
		return !model_memory_is_plenty();
	/* Another thread is at it. */
	return answer == 0 || answer == -E_BUSY;
}

void
model_kinds_tune(unsigned dice)
{
	/* Every other time one that may be on its way out. */
	unsigned nr = dice % 2 == 0 ? NR_COMING : model_nr_kinds;
	struct model_kind *kind =
		&model_kinds[model_nr_kinds - 1 - dice / 2 % nr];
	unsigned limit, batchcount, shared;
	char text[48];
	int answer;

	if (is_kmalloc(kind))
		return;
	dice /= 2 * nr;
	limit = 1 + dice % 200;
	dice /= 8;
	batchcount = 1 + dice % limit;
	shared = dice / 16 % 5;
	/* One in 16 is nonsense. */
	if (dice % 16 == 0)
		limit = batchcount - 1;
	snprintf(text, sizeof(text), "%s %u %u %u", kind->name, limit,
		 batchcount, shared);
	answer = kmem_slabinfo_write(text);
	if (limit < batchcount ? answer != -E_INVAL : !tuned_well(kind, answer))
		model_wrong("tuning answered", kind->cache,
			    (unsigned long)-answer);
}
