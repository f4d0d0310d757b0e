/*
 * Slab's debugging, over the real page allocator on the host port's RAM. (What
 * reports say is checked in the kernel: test/check/check_slab_debug.c.)
 *
 *	setting		which cache gets which letters
 *	layout		zones, sizes and notes fit, for every size and alignment
 *	sizes		who keeps to what he asked for is not accused; who does not, is
 *	everything	all caches debugged from boot on: the kernel's checks, and random
 *			operations on two nodes; nobody is accused
 *	failure		every allocation fails in turn
 */
#include <kernel/error.h>
#include <kernel/option.h>
#include <kernel/sched.h>

#include "kmem/slab/chain.h"
#include "kmem/slab/debug/debug.h"
#include "kmem/slab/debug/validate.h"
#include "slab_machine.h"

#define F SLAB_CONSISTENCY_CHECKS
#define Z SLAB_RED_ZONE
#define P SLAB_POISON
#define U SLAB_STORE_USER
#define G SLAB_GENERAL

static unsigned
letters_for(const char *name)
{
	struct kmem_cache wanted = { .object_size = 8 };

	strncpy(wanted.name, name, sizeof(wanted.name) - 1);
	return slab_debug_hooks->wanted(&slab_kernel_root, &wanted);
}

static void
setting_by_name(void **state)
{
	static const struct {
		const char *setting, *name;
		unsigned letters;
	} rows[] = {
		{ "-", "proc", 0 },
		{ "", "proc", F | Z | P | U },
		{ "FZ", "proc", F | Z },
		{ "fzpu", "proc", F | Z | P | U },
		{ "FZPU,proc", "proc", F | Z | P | U },
		{ "FZPU,proc", "procs", 0 },
		{ "FZPU,proc", "pro", 0 },
		{ "FZ,a,proc,b", "b", F | Z },
		{ "FZ,a;P,b;U", "a", F | Z },
		{ "FZ,a;P,b;U", "b", P },
		{ "FZ,a;P,b;U", "c", U },
		{ "U;FZ,a", "a", F | Z },
		{ "F,a;Z,a", "a", Z },
		{ "FZPU;-,a", "a", 0 },
		{ "FZPU;-,a", "b", F | Z | P | U },
		{ "P,kmalloc-*", "kmalloc-64", P },
		{ "P,kmalloc-*", "kmem_cache", 0 },
		/* What is wrong is said; the rest holds. */
		{ "FxZ,a", "a", F | Z },
		{ "F-P-,a", "a", F | P },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(
			option_set(&slab_debug_option, rows[i].setting), 0);
		assert_int_equal(letters_for(rows[i].name), rows[i].letters);
	}
	assert_int_equal(option_set(&slab_debug_option, "FZPU"), 0);
}

static void
setting_too_long(void **state)
{
	char text[400];

	memset(text, 'a', sizeof(text));
	memcpy(text, "P,", 2);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(option_set(&slab_debug_option, "FZ"), 0);
	assert_int_equal(option_set(&slab_debug_option, text), -E_INVAL);
	assert_string_equal(slab_debug_option.get(), "FZ");
	assert_int_equal(option_set(&slab_debug_option, "FZPU"), 0);
}

static void
flags_are_letters(void **state)
{
	struct slab_cache *cache;

	assert_int_equal(option_set(&slab_debug_option, "P,flags"), 0);
	cache = cache_new_with("flags", 48, 0, SLAB_RED_ZONE, NULL);
	assert_int_equal(slab_debug(cache), P | Z);
	cache_end(cache);
	assert_int_equal(option_set(&slab_debug_option, "FZPU"), 0);
}

/* -- layout ------------------------------------------------------------------------- */

static void
layout_holds(size_t object_size, size_t align, unsigned flags)
{
	size_t red = flags & Z ? SLAB_RED_SIZE : 0, notes;
	struct slab_layout l;

	assert_true(slab_layout_choose(&l, object_size, align, flags, 1, true));
	assert_false(l.off_slab);
	assert_int_equal(l.size % align, 0);
	assert_int_equal(l.slab_size % align, 0);
	assert_true(l.size >= object_size + 2 * red);
	notes = sizeof(struct slab) + l.num * sizeof(kmem_bufctl_t);
	if ((flags & G) && (flags & Z))
		notes = ALIGN_UP(notes, sizeof(slab_asked_t)) +
			l.num * sizeof(slab_asked_t);
	assert_int_equal(l.asked_size != 0, (flags & G) && (flags & Z));
	if (flags & U)
		notes = ALIGN_UP(notes, sizeof(void *)) +
			l.num * sizeof(struct slab_note);
	assert_true(notes + red <= l.slab_size);
	assert_int_equal(l.slab_size + l.num * l.size + l.left_over,
			 PAGE_SIZE << l.order);
	assert_true(l.num >= 1);
}

static void
layout_of_every_size(void **state)
{
	static const unsigned flags[] = { Z, U, Z | U, G | Z, G | U, G | Z | U };

	for (size_t size = sizeof(void *); size <= 2 * PAGE_SIZE; size += 3)
		for (size_t align = sizeof(void *); align <= PAGE_SIZE;
		     align *= 2)
			for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
				layout_holds(size, align, flags[i]);
}

/* -- everything ---------------------------------------------------------------------- */

static void
all_are_debugged(void **state)
{
	struct slab_cache *cache;
	unsigned nr = 0;

	for (cache = NULL;
	     (cache = slab_chain_next(&slab_kernel_root, cache)) != NULL;
	     nr++) {
		/* A slab of the largest has no room for more. */
		bool is_largest = cache->base.object_size ==
				  KMEM_CACHE_SIZE_MAX;

		assert_int_equal(slab_debug(cache),
				 is_largest ? F | P : F | Z | P | U);
		for (unsigned id = 0; id < nr_cpus; id++) {
			assert_null(cache->cpu[id]);
			assert_ptr_equal(cache->base.stack[id],
					 &kmem_closed_stack);
		}
	}
	assert_true(nr >= 2 + 20);
	assert_true(slab_validate(&slab_kernel_root));
}

#define NR_KINDS 5
#define NR_LIVE 600

static void
random_operations(void **state)
{
	static const size_t sizes[NR_KINDS] = { 24, 64, 200, 1000, 5000 };
	static struct {
		unsigned char *at;
		unsigned kind;
		unsigned char fill;
	} live[NR_LIVE];
	struct kmem_cache *caches[NR_KINDS];
	unsigned long reports;
	char name[16];

	for (unsigned i = 0; i < NR_KINDS; i++) {
		snprintf(name, sizeof(name), "kind-%u", i);
		caches[i] = &cache_new_with(name, sizes[i], 0, 0,
					    i == 2 ? construct : NULL)
				     ->base;
	}
	random_start("slab_debug");
	reports = kmem_nr_reports();
	for (unsigned op = 0; op < 40000; op++) {
		unsigned slot = (unsigned)random_below(NR_LIVE);
		unsigned kind = (unsigned)random_below(NR_KINDS);
		unsigned char *at = live[slot].at;

		node_of_cpu[0] = (unsigned char)random_below(2);
		if (at != NULL) {
			kind = live[slot].kind;
			for (size_t i = 16; i < sizes[kind]; i++)
				assert_int_equal(at[i], live[slot].fill);
			assert_true(kind != 2 || at[0] == CTOR_BYTE);
			kmem_cache_free(caches[kind], at);
			live[slot].at = NULL;
		} else {
			at = kmem_cache_alloc_node(caches[kind], GFP_KERNEL,
						   (unsigned)random_below(2));
			if (at == NULL)
				continue;
			live[slot].at = at;
			live[slot].kind = kind;
			live[slot].fill = (unsigned char)op;
			memset(at + 16, (int)(unsigned char)op,
			       sizes[kind] - 16);
		}
		if (op % 2000 == 0)
			assert_true(slab_validate(&slab_kernel_root));
	}
	node_of_cpu[0] = 0;
	for (unsigned slot = 0; slot < NR_LIVE; slot++)
		kmem_cache_free(caches[live[slot].kind], live[slot].at);
	assert_int_equal(kmem_nr_reports(), reports);
	for (unsigned i = 0; i < NR_KINDS; i++)
		cache_end(slab_cache_of(caches[i]));
}

/* -- sizes ------------------------------------------------------------------------------ */

/* Of each size: all that was asked for is used; then one byte more. */
static void
one_byte_more(void **state)
{
	for (size_t size = 1; size <= 2 * PAGE_SIZE; size += 1 + size / 100) {
		unsigned long reports = kmem_nr_reports();
		unsigned char *object = kmalloc(size, GFP_KERNEL);

		assert_non_null(object);
		memset(object, 0x11, size);
		kfree(object);
		assert_int_equal(kmem_nr_reports(), reports);

		object = kmalloc(size, GFP_KERNEL);
		object[size] = 0x11;
		kfree(object);
		assert_int_equal(kmem_nr_reports(), reports + 1);
	}
	assert_true(slab_validate(&slab_kernel_root));
}

#define NR_RESIZED 100

/* Contents stay, up to what was asked for before and is now; all of what is asked for
 * now is used, or all that ksize says. */
static void
random_resizing(void **state)
{
	struct {
		unsigned char *at;
		size_t size;
	} live[NR_RESIZED] = { 0 };
	unsigned long reports = kmem_nr_reports();

	random_start("slab_debug sizes");
	for (unsigned op = 0; op < 40000; op++) {
		unsigned slot = (unsigned)random_below(NR_RESIZED);
		size_t size = 1 + random_below(1u << random_below(13));
		unsigned char *at = live[slot].at;

		at = krealloc(at, size, GFP_KERNEL);
		assert_non_null(at);
		for (size_t i = 0; i < MIN(size, live[slot].size); i++)
			assert_int_equal(at[i], slot);
		if (random_below(4) == 0)
			size = ksize(at);
		memset(at, (int)slot, size);
		live[slot].at = at;
		live[slot].size = size;
		if (random_below(8) == 0) {
			kfree(at);
			live[slot].at = NULL;
			live[slot].size = 0;
		}
		if (op % 2000 == 0)
			assert_true(slab_validate(&slab_kernel_root));
	}
	for (unsigned slot = 0; slot < NR_RESIZED; slot++)
		kfree(live[slot].at);
	assert_int_equal(kmem_nr_reports(), reports);
}

/* With an object of one size out, the numbers behind the index list are written over:
 * what is said may be wrong, but nothing beyond the object's place is touched. */
static void
damaged_sizes(void **state)
{
	struct slab_cache *cache = slab_general(&kmem_kernel, 192);
	unsigned char *object = kmalloc(150, GFP_KERNEL), *next;
	struct slab *slab = env_page_of(object)->owner.slab;
	unsigned index = slab_index(cache, slab, object);

	slab_sizes(cache, slab)[index] = UINT32_MAX;
	assert_int_equal(slab_asked_size(cache, slab, object), 192);
	assert_int_equal(slab_asked_size(cache, slab, slab), 192);
	/* The zone begins behind the object again: not all is RED_ACTIVE before. */
	memset(object, 0x11, 192);
	assert_true(slab_validate(&slab_kernel_root));
	next = kmalloc(150, GFP_KERNEL);
	kfree(next);
	kfree(object);
	assert_true(slab_validate(&slab_kernel_root));
}

/* Who resizes an object looks at its slab, too. */
static void
resizing_in_a_damaged_slab(void **state)
{
	struct slab_cache *cache = cache_new("damaged", 100);
	unsigned char *object = kmem_cache_alloc(&cache->base, GFP_KERNEL);
	struct page *page = env_page_of(object);
	struct slab *slab = page->owner.slab;
	unsigned long reports = kmem_nr_reports();

	slab->inuse++;
	assert_int_equal(ksize(object), 100);
	assert_int_equal(kmem_nr_reports(), reports + 1);
	assert_int_equal(page->kind, PAGE_SLAB_RETIRED);
	assert_int_equal(ksize(object), 100);
	kmem_cache_free(&cache->base, object);
	cache_end(cache);
}

/* Shrinking that has no memory to move to stays where it is, and what it gave up is a
 * red zone then. */
static void
shrinking_without_memory(void **state)
{
	struct slab_cache *cache = slab_general(&kmem_kernel, 2048);
	unsigned char *object;
	struct slab *slab;

	if (!KERNEL_DEBUG)
		skip();
	object = kmalloc(2000, GFP_KERNEL);
	slab = env_page_of(object)->owner.slab;
	failpoint_arm(1);
	assert_ptr_equal(krealloc(object, 100, GFP_KERNEL), object);
	assert_true(failpoint_disarm());
	assert_int_equal(slab_asked_size(cache, slab, object), 100);
	memset(object, 0x11, 100);
	assert_true(slab_validate(&slab_kernel_root));
	kfree(object);
	assert_true(slab_validate(&slab_kernel_root));
}

/* -- failure ---------------------------------------------------------------------------- */

struct fails {
	size_t before;
	struct kmem_cache *cache;
	void *object;
};

static void
attempt_object_of_new_cache(void *arg)
{
	struct fails *fails = arg;

	fails->cache = kmem_cache_create("failing", 300, 0, 0, NULL);
	fails->object = fails->cache != NULL
				? kmem_cache_alloc(fails->cache, GFP_KERNEL)
				: NULL;
}

static void
check_nothing_is_left(void *arg, bool has_failed)
{
	struct fails *fails = arg;

	if (fails->cache != NULL) {
		kmem_cache_free(fails->cache, fails->object);
		cache_end(slab_cache_of(fails->cache));
	}
	assert_true(slab_validate(&slab_kernel_root));
	assert_int_equal(nr_free_at_rest(), fails->before);
}

static void
every_failure_is_clean(void **state)
{
	static const struct failing what = {
		.attempt = attempt_object_of_new_cache,
		.check = check_nothing_is_left,
	};
	struct fails fails = { .before = nr_free_at_rest() };

	(void)fail_in_turn(&what, &fails);
}

/* Tuning waits until there are parts to tune. */
static void
no_tuning_meanwhile(void **state)
{
	struct slab_cache *cache = cache_new("tuned", 64);

	assert_int_equal(kmem_slabinfo_write("tuned 40 20 8"), -E_BUSY);
	assert_int_equal(kmem_debug_set("tuned", "-"), 0);
	assert_int_equal(kmem_slabinfo_write("tuned 40 20 8"), 0);
	assert_int_equal(kmem_debug_set("tuned", "FZPU"), 0);
	assert_int_equal(kmem_slabinfo_write("tuned 50 20 8"), -E_BUSY);
	cache_end(cache);
}

/* A slab of the new layout must not begin at a colour of the old one: its last
 * object would reach beyond its pages. */
static void
new_layout_new_colours(void **state)
{
	unsigned long nr_reports = kmem_nr_reports();
	void *objects[20];

	assert_int_equal(option_set(&slab_debug_option, "-"), 0);
	for (size_t size = 8; size < 1000; size += 8) {
		struct kmem_cache *cache =
			kmem_cache_create("coloured", size, 0, 0, NULL);
		unsigned nr_colours;

		assert_non_null(cache);
		nr_colours = slab_cache_of(cache)->layout.nr_colours;
		/* Slabs, one after the other, until the last colour is next. */
		for (unsigned i = 1; i < nr_colours; i++) {
			objects[0] = kmem_cache_alloc(cache, GFP_KERNEL);
			kmem_cache_free(cache, objects[0]);
			(void)kmem_cache_shrink(cache);
		}
		assert_int_equal(kmem_debug_set("coloured", "FZPU"), 0);
		for (unsigned i = 0; i < ARRAY_SIZE(objects); i++) {
			objects[i] = kmem_cache_alloc(cache, GFP_KERNEL);
			assert_non_null(objects[i]);
		}
		assert_true(slab_validate_cache(slab_cache_of(cache)));
		assert_int_equal(kmem_nr_reports(), nr_reports);
		for (unsigned i = 0; i < ARRAY_SIZE(objects); i++)
			kmem_cache_free(cache, objects[i]);
		assert_int_equal(kmem_cache_destroy(cache), 0);
	}
	assert_int_equal(option_set(&slab_debug_option, "FZPU"), 0);
}

static const struct machine debugging = { .kmalloc = "slab",
					  .debug = "FZPU",
					  .nr_nodes = 2,
					  .ram_bytes = MACHINE_RAM };

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setting_by_name),
		cmocka_unit_test(setting_too_long),
		cmocka_unit_test(all_are_debugged),
		cmocka_unit_test(flags_are_letters),
		cmocka_unit_test(layout_of_every_size),
		cmocka_unit_test(powers_of_two_are_aligned),
		cmocka_unit_test(random_operations),
		cmocka_unit_test(one_byte_more),
		cmocka_unit_test(random_resizing),
		cmocka_unit_test(damaged_sizes),
		cmocka_unit_test(resizing_in_a_damaged_slab),
		cmocka_unit_test(shrinking_without_memory),
		cmocka_unit_test(no_tuning_meanwhile),
		cmocka_unit_test(new_layout_new_colours),
		cmocka_unit_test(every_failure_is_clean),
		cmocka_unit_test(kernel_checks_pass),
	};

	machine = &debugging;
	return cmocka_run_group_tests(tests, machine_start, NULL);
}
