/*
 * Each crime against objects is committed, and its report read: does it name the
 * cache, the object, who allocated and who freed it (with the names of the
 * functions that did), and the bytes? And afterwards: is nothing lost?
 */
#include <kernel/check.h>
#include <kernel/error.h>
#include <kernel/kmalloc.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/timer.h>

#include "kmem/slab/debug/debug.h"
#include "kmem/slab/debug/validate.h"
#include "check_kmem.h"
#include "check_slab_debug.h"
#include "check_threads.h"

/* -- what was reported ---------------------------------------------------------------- */

#define SAID_MAX 12288

static char said[SAID_MAX];
static size_t nr_said;

static void
hear(const char *line)
{
	nr_said += strlcpy(said + nr_said, line, sizeof(said) - nr_said);
	nr_said = MIN(nr_said, sizeof(said) - 2);
	said[nr_said++] = '\n';
	said[nr_said] = '\0';
}

void
report_listen(void)
{
	nr_said = 0;
	said[0] = '\0';
	kmem_report_observer = hear;
}

static const char *
find(const char *from, const char *text)
{
	size_t length = strlen(text);

	for (; *from != '\0'; from++)
		if (strncmp(from, text, length) == 0)
			return from;
	return NULL;
}

bool
report_has(const char *text)
{
	return find(said, text) != NULL;
}

bool
report_is_empty(void)
{
	return nr_said == 0;
}

bool
report_is_traced(const char *heading, const char *name)
{
	const char *from = find(said, heading), *to;
	const char *at;

	if (from == NULL)
		return false;
	to = find(from + 1, " by thread ");
	to = to != NULL ? find(to + 1, " by thread ") : NULL;
	at = find(from, name);
	return at != NULL && (to == NULL || at < to);
}

bool
report_expect(const char *cache, const char *what)
{
	char head[120];

	snprintf(head, sizeof(head), "BUG in cache %s: %s", cache, what);
	if (EXPECT(report_has(head)))
		return true;
	printk("# not reported: %s\n", head);
	return false;
}

/* A report on this object, with the thread that has it, and (freed) that
 * had it. */
static void
expect_object(const char *what, const void *object, unsigned index, bool freed)
{
	char text[120];

	report_expect("crimes", what);
	snprintf(text, sizeof(text),
		 "object %p, 64 bytes, number %u of slab %p", object, index,
		 (void *)ALIGN_DOWN((uintptr_t)object, PAGE_SIZE));
	EXPECT(report_has(text));
	snprintf(text, sizeof(text), "allocated by thread %s, pid %d, on CPU",
		 current->name, current->pid);
	EXPECT(report_has(text));
	EXPECT(report_is_traced("allocated by", "crime_alloc+0x"));
	snprintf(text, sizeof(text), "freed by thread %s, pid %d, on CPU",
		 current->name, current->pid);
	EXPECT_EQ(report_has(text), freed);
	if (freed)
		EXPECT(report_is_traced("freed by", "crime_free+0x"));
	EXPECT(report_is_traced("found by", "check_slab_debug+0x"));
}

/* -- the scene ------------------------------------------------------------------------- */

#define SIZE 64
#define ALL                                                                    \
	(SLAB_POISON | SLAB_RED_ZONE | SLAB_STORE_USER |                       \
	 SLAB_CONSISTENCY_CHECKS)

static struct kmem_cache *crimes;

/* In backtraces under their names: neither inlined nor left by a jump. */
static __noinline unsigned char *
crime_alloc(void)
{
	unsigned char *object = kmem_cache_alloc(crimes, GFP_KERNEL);

	EXPECT(object != NULL);
	compiler_barrier();
	return object;
}

static __noinline void
crime_free(void *object)
{
	kmem_cache_free(crimes, object);
	compiler_barrier();
}

static unsigned
index_of(const void *object)
{
	return slab_index(slab_cache_of(crimes),
			  env_page_of(object)->owner.slab, object);
}

static bool
all_is_well(void)
{
	return slab_validate_cache(slab_cache_of(crimes));
}

static bool
bytes_are(const unsigned char *bytes, size_t n, unsigned char value)
{
	while (n > 0 && *bytes == value) {
		bytes++;
		n--;
	}
	return n == 0;
}

/* -- crimes ----------------------------------------------------------------------------- */

static __noinline void
crime_second_free(void)
{
	unsigned char *object = crime_alloc();
	unsigned index = index_of(object);
	size_t nr_out;

	crime_free(object);
	nr_out = slab_nr_out(slab_cache_of(crimes));
	report_listen();
	crime_free(object);
	expect_object("second free of an object", object, index, true);
	EXPECT(report_has("6b 6b 6b"));
	EXPECT(report_has("the free is ignored"));
	EXPECT_EQ(slab_nr_out(slab_cache_of(crimes)), nr_out);
	EXPECT(all_is_well());
}

static __noinline void
crime_interior(void)
{
	unsigned char *object = crime_alloc();
	unsigned index = index_of(object);

	report_listen();
	crime_free(object + 8);
	expect_object("free of a pointer into the middle", object, index,
		      false);
	EXPECT(report_has("is 8 bytes into an object"));
	report_listen();
	crime_free(slab_base(slab_cache_of(crimes),
			     env_page_of(object)->owner.slab));
	report_expect("crimes", "free of a pointer into the middle");
	report_listen();
	crime_free(object);
	EXPECT(report_is_empty());
}

static __noinline void
crime_foreign(void)
{
	unsigned char on_stack[SIZE];
	struct page *page = alloc_page(GFP_KERNEL);
	char text[40];

	report_listen();
	crime_free(on_stack);
	report_expect("crimes", "free of a pointer that is no object");
	snprintf(text, sizeof(text), "pointer %p", (void *)on_stack);
	EXPECT(report_has(text));
	if (!EXPECT(page != NULL))
		return;
	report_listen();
	crime_free(page_to_virt(page));
	report_expect("crimes", "free of a pointer that is no object");
	EXPECT(report_is_traced("found by", "crime_free+0x"));
	free_page(page);
	EXPECT(all_is_well());
}

static __noinline void
crime_wrong_cache(void)
{
	struct kmem_cache *other =
		kmem_cache_create("alibi", SIZE, 0, ALL, NULL);
	unsigned char *object = crime_alloc();
	unsigned index = index_of(object);

	if (!EXPECT(other != NULL))
		return;
	report_listen();
	kmem_cache_free(other, object);
	expect_object("object freed to another cache", object, index, false);
	report_listen();
	crime_free(object);
	EXPECT(report_is_empty());
	EXPECT_EQ(kmem_cache_destroy(other), 0);
}

/* One byte behind the end, one before the beginning. */
static __noinline void
crime_overrun(long offset, const char *what)
{
	unsigned char *object = crime_alloc();
	unsigned index = index_of(object);

	EXPECT_EQ(object[offset], RED_ACTIVE);
	object[offset] = 0x41;
	report_listen();
	EXPECT(!all_is_well());
	expect_object(what, object, index, false);
	EXPECT(report_has("[41]"));
	EXPECT(report_has("the red zone is restored"));
	EXPECT_EQ(object[offset], RED_ACTIVE);
	EXPECT(all_is_well());

	object[offset] = 0x42;
	report_listen();
	crime_free(object);
	expect_object(what, object, index, false);
	EXPECT(report_has("[42]"));
	EXPECT_EQ(object[offset], RED_INACTIVE);

	/* While it is free, too. */
	object[offset] = 0x43;
	report_listen();
	EXPECT_EQ((uintptr_t)crime_alloc(), (uintptr_t)object);
	expect_object(what, object, index, true);
	EXPECT(report_has("[43]"));
	crime_free(object);
	EXPECT(all_is_well());
}

static __noinline void
crime_use_after_free(void)
{
	unsigned char *object = crime_alloc();
	unsigned index = index_of(object);

	EXPECT(bytes_are(object, SIZE, POISON_INUSE));
	memset(object, 0, SIZE);
	crime_free(object);
	EXPECT(bytes_are(object, SIZE - 1, POISON_FREE));
	EXPECT_EQ(object[SIZE - 1], POISON_END);

	object[9] = 0xee;
	report_listen();
	EXPECT(!all_is_well());
	expect_object("written to after it was freed", object, index, true);
	EXPECT(report_has("[ee]6b"));
	EXPECT(report_has("the poison is restored"));
	EXPECT(all_is_well());

	/* The last byte alone. */
	object[SIZE - 1] = POISON_FREE;
	report_listen();
	EXPECT_EQ((uintptr_t)crime_alloc(), (uintptr_t)object);
	expect_object("written to after it was freed", object, index, true);
	EXPECT(bytes_are(object, SIZE, POISON_INUSE));
	crime_free(object);

	/* And when the pages go. */
	object[0] = 1;
	report_listen();
	(void)kmem_cache_shrink(crimes);
	expect_object("written to after it was freed", object, index, true);
}

/* -- damaged descriptors ----------------------------------------------------------------- */

#define NR_LIVE 5

enum damage {
	DAMAGE_ASTRAY,
	DAMAGE_CIRCLE,
	DAMAGE_LOST,
	DAMAGE_INUSE,
	DAMAGE_LINK,
	DAMAGE_MEM,
	NR_DAMAGES
};

static const char *const damage_said[NR_DAMAGES] = {
	"slab descriptor damaged: its index list leads astray",
	"slab descriptor damaged: its index list leads astray",
	"slab descriptor damaged: objects are neither",
	"slab descriptor damaged: its inuse is not",
	"slab descriptor damaged: its links lead to no memory",
	"slab descriptor damaged: its objects do not begin",
};

static void
do_damage(struct slab *slab, enum damage damage)
{
	switch (damage) {
	case DAMAGE_ASTRAY:
		slab->bufctl[slab->free] = BUFCTL_OUT - 1;
		break;
	case DAMAGE_CIRCLE:
		slab->bufctl[slab->free] = slab->free;
		break;
	case DAMAGE_LOST:
		slab->bufctl[slab->free] = BUFCTL_END;
		break;
	case DAMAGE_INUSE:
		slab->inuse += 2;
		break;
	case DAMAGE_LINK:
		slab->link.next = (struct list *)(uintptr_t)0x41414141;
		break;
	case DAMAGE_MEM:
		slab->s_mem += SIZE;
		break;
	case NR_DAMAGES:
		break;
	}
}

/* The slab is left alone from then on, and so are its objects that are out. */
static __noinline void
crime_damage(enum damage damage)
{
	unsigned char *objects[NR_LIVE], *fresh;
	struct slab_cache *cache = slab_cache_of(crimes);
	struct slab *slab;

	for (unsigned i = 0; i < NR_LIVE; i++)
		objects[i] = crime_alloc();
	slab = env_page_of(objects[0])->owner.slab;
	for (unsigned i = 0; i < NR_LIVE; i++)
		memset(objects[i], (int)i, SIZE);
	do_damage(slab, damage);
	report_listen();
	/* Found by a free and by an allocation in turn. */
	if (damage % 2 == 0)
		crime_free(objects[0]);
	fresh = crime_alloc();
	report_expect("crimes", damage_said[damage]);
	EXPECT(report_has("the slab is taken out of service"));
	EXPECT(report_has("entries 0: out out"));
	EXPECT(report_is_traced("allocated by", "crime_alloc+0x"));
	EXPECT(damage != DAMAGE_ASTRAY || report_has("[253]"));
	EXPECT(env_page_of(fresh)->owner.slab != slab);
	EXPECT(all_is_well());
	EXPECT_EQ(slab_nr_out(cache), NR_LIVE + 1 - (damage % 2 == 0 ? 1 : 0));
	EXPECT_EQ(ksize(objects[1]), SIZE);
	for (unsigned i = 0; i < NR_LIVE; i++)
		EXPECT(bytes_are(objects[i], SIZE, (unsigned char)i));
	report_listen();
	for (unsigned i = damage % 2 == 0 ? 1 : 0; i < NR_LIVE; i++)
		crime_free(objects[i]);
	crime_free(fresh);
	EXPECT(report_is_empty());
	EXPECT_EQ(slab_nr_out(cache), 0);
}

/* -- the end of a cache ------------------------------------------------------------------ */

static __noinline void
crime_destroy(void)
{
	unsigned char *object = crime_alloc();
	char text[80];

	report_listen();
	EXPECT_EQ(kmem_cache_destroy(crimes), -E_BUSY);
	EXPECT(report_has("cache crimes is to be destroyed"));
	snprintf(text, sizeof(text), "object %p, number %u", (void *)object,
		 index_of(object));
	EXPECT(report_has(text));
	EXPECT(report_is_traced("allocated by", "crime_alloc+0x"));
	crime_free(object);
}

static bool
scene_open(void)
{
	crimes = kmem_cache_create("crimes", SIZE, 0, ALL, NULL);
	return EXPECT(crimes != NULL);
}

static void
scene_close(void)
{
	EXPECT(all_is_well());
	EXPECT_EQ(kmem_cache_destroy(crimes), 0);
	kmem_report_observer = NULL;
}

void
check_slab_debug(void)
{
	struct quiet_state before;

	if (kmem_kernel.ops != &kmem_slab_ops) {
		check_skip("kmalloc= is not slab");
		return;
	}
	before = quiet_state_take();
	if (!scene_open())
		return;
	crime_second_free();
	crime_interior();
	crime_foreign();
	crime_wrong_cache();
	crime_overrun(SIZE, "right red zone overwritten");
	crime_overrun(-1, "left red zone overwritten");
	crime_use_after_free();
	crime_destroy();
	scene_close();
	for (enum damage damage = 0; damage < NR_DAMAGES; damage++) {
		if (!scene_open())
			return;
		crime_damage(damage);
		scene_close();
	}
	quiet_state_expect(&before);
}
