/*
 * With red zones, whoever asked kmalloc for 50 bytes and got an object of 64 is held
 * to the 50: each way to ask and to ask anew, an overrun by one behind each, and its
 * report; and whoever keeps to what he may use is not accused.
 *
 * On general caches that have red zones, or that can get them for a while because
 * nobody has an object of theirs.
 */
#include <kernel/check.h>
#include <kernel/error.h>
#include <kernel/kmalloc.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#include "kmem/slab/debug/debug.h"
#include "kmem/slab/debug/validate.h"
#include "check_kmem.h"
#include "check_slab_debug.h"
#include "check_threads.h"

/* The cache in question, and its objects' size. */
static struct slab_cache *subject;
static size_t whole;

static const char right_zone[] = "right red zone overwritten";

/* A size that this cache serves, some way below its objects': 50 of 64. */
static size_t
part(void)
{
	return whole - whole / 4 + 2;
}

static bool
bytes_are(const unsigned char *from, const unsigned char *to,
	  unsigned char value)
{
	while (from < to && *from == value)
		from++;
	return from == to;
}

static bool
all_is_well(void)
{
	return slab_validate_cache(subject);
}

static unsigned
index_of(const void *object)
{
	return slab_index(subject, env_page_of(object)->owner.slab, object);
}

/* -- who asks --------------------------------------------------------------------------- */

/* In backtraces under their names: neither inlined nor left by a jump. */
static __noinline unsigned char *
asker_kmalloc(size_t size)
{
	unsigned char *object = kmalloc(size, GFP_KERNEL);

	EXPECT(object != NULL);
	EXPECT(env_page_of(object)->owner.cache == subject);
	compiler_barrier();
	return object;
}

static __noinline unsigned char *
asker_kzalloc(size_t size)
{
	unsigned char *object = kzalloc(size, GFP_KERNEL);

	EXPECT(object != NULL);
	EXPECT(bytes_are(object, object + size, 0));
	compiler_barrier();
	return object;
}

static __noinline unsigned char *
asker_kcalloc(size_t size)
{
	unsigned char *object = kcalloc(size, 1, GFP_KERNEL);

	EXPECT(object != NULL);
	EXPECT(bytes_are(object, object + size, 0));
	compiler_barrier();
	return object;
}

static __noinline void
asker_free(void *object)
{
	kfree(object);
	compiler_barrier();
}

/* -- what a report says ------------------------------------------------------------------- */

/* The cache, the object and what of it was asked for, and who did (by this function),
 * as far as U is on. */
static void
expect_report(const char *what, const unsigned char *object, size_t asked,
	      const char *asker)
{
	char text[120], size[24];

	report_expect(subject->base.name, what);
	if (asked < whole)
		snprintf(size, sizeof(size), "%zu of %zu", asked, whole);
	else
		snprintf(size, sizeof(size), "%zu", whole);
	snprintf(text, sizeof(text), "object %p, %s bytes, number %u of slab",
		 (const void *)object, size, index_of(object));
	if (!EXPECT(report_has(text)))
		printk("# not reported: %s\n", text);
	EXPECT(report_is_traced("found by", "check_slab_sizes+0x"));
	if (!(slab_debug(subject) & SLAB_STORE_USER)) {
		EXPECT(report_has("its users are not known (U is off)"));
		return;
	}
	snprintf(text, sizeof(text), "allocated by thread %s, pid %d, on CPU",
		 current->name, current->pid);
	EXPECT(report_has(text));
	EXPECT(report_is_traced("allocated by", asker));
}

/* All that it may use, it uses; what lies behind is a red zone. A crime on its first
 * byte is found by a scan, one on the object's last when it is freed, which it is
 * then. */
static __noinline void
crime_behind(unsigned char *object, size_t asked, const char *asker)
{
	const unsigned char *end =
		object - subject->layout.red_size + subject->layout.size;
	size_t last = MAX(asked, whole - 1);

	report_listen();
	memset(object, 0x11, asked);
	EXPECT(bytes_are(object + asked, end, RED_ACTIVE));
	EXPECT(all_is_well());
	EXPECT(report_is_empty());
	object[asked] = 0x41;
	EXPECT(!all_is_well());
	expect_report(right_zone, object, asked, asker);
	EXPECT(report_has("[41]"));
	EXPECT(report_has("the red zone is restored"));
	EXPECT(all_is_well());
	EXPECT(bytes_are(object, object + asked, 0x11));
	EXPECT(bytes_are(object + asked, end, RED_ACTIVE));
	object[last] = 0x42;
	report_listen();
	asker_free(object);
	expect_report(right_zone, object, asked, asker);
	EXPECT(report_has("[42]"));
	EXPECT(all_is_well());
}

/* -- each way to ask ------------------------------------------------------------------------ */

static __noinline void
crimes_asked_once(void)
{
	crime_behind(asker_kmalloc(part()), part(), "asker_kmalloc+0x");
	crime_behind(asker_kmalloc(whole - 1), whole - 1, "asker_kmalloc+0x");
	crime_behind(asker_kmalloc(whole), whole, "asker_kmalloc+0x");
	crime_behind(asker_kzalloc(part()), part(), "asker_kzalloc+0x");
	crime_behind(asker_kcalloc(part()), part(), "asker_kcalloc+0x");
}

/* In place: grown, shrunk, grown to all of it. */
static __noinline void
crimes_asked_anew(void)
{
	size_t sizes[] = { whole - 1, whole / 2 + 1, part(), whole };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned char *object = asker_kmalloc(part());
		size_t kept = MIN(part(), sizes[i]);

		memset(object, 0x22, part());
		report_listen();
		EXPECT(krealloc(object, sizes[i], GFP_KERNEL) == object);
		EXPECT(report_is_empty());
		EXPECT(bytes_are(object, object + kept, 0x22));
		if (slab_debug(subject) & SLAB_POISON)
			EXPECT(bytes_are(object + kept, object + sizes[i],
					 POISON_INUSE));
		crime_behind(object, sizes[i], "asker_kmalloc+0x");
	}
}

/* Who asks how much there is may use that, and no more. */
static __noinline void
crimes_behind_ksize(void)
{
	unsigned char *object = asker_kmalloc(part());

	report_listen();
	EXPECT_EQ(ksize(object), whole);
	memset(object, 0x33, whole);
	EXPECT(all_is_well());
	asker_free(object);
	EXPECT(report_is_empty());

	object = asker_kmalloc(part());
	EXPECT_EQ(ksize(object), whole);
	crime_behind(object, whole, "asker_kmalloc+0x");
}

/* What lies behind is looked at before it is the caller's. */
static __noinline void
crimes_before_more(void)
{
	unsigned char *object = asker_kmalloc(part());

	object[part()] = 0x43;
	report_listen();
	EXPECT(krealloc(object, whole - 1, GFP_KERNEL) == object);
	expect_report(right_zone, object, part(), "asker_kmalloc+0x");
	EXPECT(report_has("[43]"));
	asker_free(object);

	object = asker_kmalloc(part());
	object[part()] = 0x44;
	report_listen();
	EXPECT_EQ(ksize(object), whole);
	expect_report(right_zone, object, part(), "asker_kmalloc+0x");
	EXPECT(report_has("[44]"));
	asker_free(object);
}

/* krealloc that moves: it looks before, and the new object has its own size. */
static __noinline void
crimes_moved(void)
{
	unsigned char *object = asker_kmalloc(part()), *moved;

	object[part()] = 0x45;
	report_listen();
	moved = krealloc(object, 2 * whole, GFP_KERNEL);
	if (!EXPECT(moved != NULL && moved != object))
		return;
	expect_report(right_zone, object, part(), "asker_kmalloc+0x");
	kfree(moved);

	object = kmalloc(8 * whole, GFP_KERNEL);
	if (!EXPECT(object != NULL))
		return;
	moved = krealloc(object, part(), GFP_KERNEL);
	if (EXPECT(moved != NULL && moved != object))
		crime_behind(moved, part(), "krealloc+0x");
}

/* -- what is no object that is out ---------------------------------------------------------- */

static __noinline void
crimes_on_no_object(void)
{
	unsigned char *object = asker_kmalloc(part());

	report_listen();
	EXPECT_EQ(ksize(object + 8), whole);
	expect_report("krealloc or ksize of a pointer into the middle", object,
		      part(), "asker_kmalloc+0x");
	EXPECT(report_has("is 8 bytes into an object"));
	EXPECT(bytes_are(object + part(), object + whole, RED_ACTIVE));
	asker_free(object);

	report_listen();
	EXPECT(krealloc(object, whole - 1, GFP_KERNEL) == object);
	expect_report("krealloc or ksize of a free object", object, part(),
		      "asker_kmalloc+0x");
	if (slab_debug(subject) & SLAB_STORE_USER)
		EXPECT(report_is_traced("freed by", "asker_free+0x"));
	EXPECT(all_is_well());

	report_listen();
	asker_free(object);
	expect_report("second free of an object", object, part(),
		      "asker_kmalloc+0x");
}

/* The allocator's own objects are from there too; nobody says what they are asked for
 * as, and whoever had the place before does not matter. */
static __noinline void
own_objects_are_whole(void)
{
	unsigned char *object = asker_kmalloc(part());

	asker_free(object);
	report_listen();
	object = slab_general_get(&kmem_kernel, whole, GFP_KERNEL, NODE_ANY);
	if (!EXPECT(object != NULL))
		return;
	memset(object, 0x46, whole);
	EXPECT(all_is_well());
	slab_own_put(object);
	EXPECT(report_is_empty());
}

static void
crimes(void)
{
	EXPECT(all_is_well());
	crimes_asked_once();
	crimes_asked_anew();
	crimes_behind_ksize();
	crimes_before_more();
	crimes_moved();
	crimes_on_no_object();
	own_objects_are_whole();
	report_listen();
	EXPECT(all_is_well());
	EXPECT(report_is_empty());
}

/* -- on and off ----------------------------------------------------------------------------- */

/* Whether the cache has these letters now; else someone has an object of it. (What
 * other caches keep for nothing may be some.) */
static bool
turn(const char *letters)
{
	int err;

	(void)kmem_shrink();
	err = kmem_debug_set(subject->base.name, letters);
	EXPECT(err == 0 || err == -E_BUSY);
	return err == 0;
}

/* Sizes of a slab that was made just now: of objects that nobody had yet, too. */
static void
expect_fresh_slab(void)
{
	unsigned char *object = asker_kmalloc(part());
	struct slab *slab = env_page_of(object)->owner.slab;

	for (unsigned i = 0; i < subject->layout.num; i++)
		EXPECT_EQ(slab_asked_size(subject, slab,
					  slab_object_at(subject, slab, i)),
			  i == index_of(object) ? part() : whole);
	asker_free(object);
}

/* The cache has Z, and nobody has an object. What was asked for counts while Z is on,
 * and when it comes again, nothing of what was before. */
static void
turn_off_and_on(void)
{
	unsigned char *object = asker_kmalloc(part()), *other;

	EXPECT(turn("FP"));
	other = asker_kmalloc(part());
	EXPECT(bytes_are(other, other + whole, POISON_INUSE));
	report_listen();
	EXPECT_EQ(ksize(object + 8), whole);
	expect_report("krealloc or ksize of a pointer into the middle", object,
		      whole, "asker_kmalloc+0x");
	report_listen();
	memset(object, 0x47, whole);
	memset(other, 0x48, whole);
	EXPECT(krealloc(other, part() - 1, GFP_KERNEL) == other);
	EXPECT(bytes_are(other, other + whole, 0x48));
	EXPECT_EQ(ksize(object), whole);
	EXPECT(all_is_well());
	EXPECT(!turn("FZ"));
	asker_free(object);
	asker_free(other);
	EXPECT(report_is_empty());
	if (!turn("FZ"))
		return;
	expect_fresh_slab();
	EXPECT(report_is_empty());
	crimes();
}

/* Z alone, and everything, on a cache that is empty and had none; how often it was. */
static unsigned
crimes_switched_on(void)
{
	static const char *const sequence[] = { "FZPU", "Z" };
	unsigned before = slab_debug(subject), nr = 0;
	char letters[5];

	for (unsigned i = 0; i < ARRAY_SIZE(sequence); i++) {
		if (!turn(sequence[i]))
			continue;
		crimes();
		nr++;
		if (i == 1)
			turn_off_and_on();
		EXPECT(turn("-"));
	}
	EXPECT(turn(slab_debug_letters(before, letters)));
	return nr;
}

/* Reports are long. */
#define ENOUGH 4

void
check_slab_sizes(void)
{
	static const size_t sizes[] = { 64, 96, 192, 512, 2048, 8192 };
	struct quiet_state before;
	unsigned nr = 0;

	if (kmem_kernel.ops != &kmem_slab_ops) {
		check_skip("kmalloc= is not slab");
		return;
	}
	before = quiet_state_take();
	for (unsigned i = 0; i < ARRAY_SIZE(sizes) && nr < ENOUGH; i++) {
		whole = sizes[i];
		subject = slab_general(&kmem_kernel, whole);
		if (slab_debug(subject) & SLAB_RED_ZONE) {
			crimes();
			nr++;
		} else {
			nr += crimes_switched_on();
		}
	}
	kmem_report_observer = NULL;
	if (nr == 0)
		check_skip("each general cache is in use without red zones");
	quiet_state_expect(&before);
}
