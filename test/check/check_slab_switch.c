/*
 * Debugging that is turned on and off while caches are in use, constructed
 * objects, and allocations that may sleep where nothing may.
 */
#include <kernel/check.h>
#include <kernel/error.h>
#include <kernel/kmalloc.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/timer.h>

#include "kmem/slab/debug/debug.h"
#include "kmem/slab/debug/validate.h"
#include "kmem/slab/fail.h"
#include "check_kmem.h"
#include "check_slab_debug.h"
#include "check_threads.h"

#define SIZE 72
#define ALL                                                                    \
	(SLAB_POISON | SLAB_RED_ZONE | SLAB_STORE_USER |                       \
	 SLAB_CONSISTENCY_CHECKS)

static struct kmem_cache *subject;

static unsigned
letters_on(const struct kmem_cache *cache)
{
	return slab_debug(slab_cache_of((struct kmem_cache *)cache));
}

/* -- on and off --------------------------------------------------------------------------- */

/* Nobody has an object: everything can be turned on, and works. */
static void
turn_empty(void)
{
	unsigned char *object = kmem_cache_alloc(subject, GFP_KERNEL);

	/* It stays with this CPU, and has to go home. */
	kmem_cache_free(subject, object);
	EXPECT_EQ(kmem_debug_set("subject", "fzpu"), 0);
	EXPECT_EQ(letters_on(subject), ALL);
	object = kmem_cache_alloc(subject, GFP_KERNEL);
	if (!EXPECT(object != NULL))
		return;
	EXPECT_EQ(object[0], POISON_INUSE);
	object[SIZE] = 0;
	report_listen();
	kmem_cache_free(subject, object);
	report_expect("subject", "right red zone overwritten");
	EXPECT(report_has("allocated by thread"));
	EXPECT_EQ(kmem_debug_set("subject", "-"), 0);
	EXPECT_EQ(letters_on(subject), 0);
	EXPECT(slab_cache_of(subject)->parked[0] == NULL);
}

/* With an object out only F and P can. */
static void
turn_in_use(void)
{
	unsigned char *kept = kmem_cache_alloc(subject, GFP_KERNEL), *object;

	if (!EXPECT(kept != NULL))
		return;
	EXPECT_EQ(kmem_debug_set("subject", "Z"), -E_BUSY);
	EXPECT_EQ(kmem_debug_set("subject", "FU"), -E_BUSY);
	EXPECT_EQ(letters_on(subject), 0);
	EXPECT(slab_cache_of(subject)->cpu[0] != NULL);
	EXPECT_EQ(kmem_debug_set("subject", "FP"), 0);
	object = kmem_cache_alloc(subject, GFP_KERNEL);
	if (!EXPECT(object != NULL))
		return;
	EXPECT_EQ(object[0], POISON_INUSE);
	kmem_cache_free(subject, object);
	object[3] = 0;
	report_listen();
	EXPECT(!slab_validate_cache(slab_cache_of(subject)));
	report_expect("subject", "written to after it was freed");
	EXPECT(report_has("its users are not known (U is off)"));
	EXPECT_EQ(kmem_debug_set("subject", "Z"), -E_BUSY);
	EXPECT_EQ(letters_on(subject), SLAB_CONSISTENCY_CHECKS | SLAB_POISON);
	EXPECT_EQ(kmem_debug_set("subject", "-"), 0);
	kmem_cache_free(subject, kept);
	EXPECT_EQ(kmem_debug_set("subject", "x"), -E_INVAL);
	EXPECT_EQ(kmem_debug_set("no such cache", "F"), -E_NOT_FOUND);
}

/* What CPUs and nodes hold when P comes is poisoned before it is looked at. */
static void
turn_general(void)
{
	void *objects[64];

	for (unsigned i = 0; i < ARRAY_SIZE(objects); i++)
		objects[i] = kmalloc(64, GFP_KERNEL);
	for (unsigned i = 0; i < ARRAY_SIZE(objects); i++)
		kfree(objects[i]);
	report_listen();
	EXPECT_EQ(kmem_debug_set("kmalloc-64", "FP"), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(objects); i++)
		objects[i] = kmalloc(64, GFP_KERNEL);
	for (unsigned i = 0; i < ARRAY_SIZE(objects); i++)
		kfree(objects[i]);
	EXPECT(report_is_empty());
	((unsigned char *)objects[7])[5] = 1;
	EXPECT(!slab_validate_cache(slab_general(&kmem_kernel, 64)));
	report_expect("kmalloc-64", "written to after it was freed");
	report_listen();
	kfree(objects[7]);
	report_expect("kmalloc-64", "second free of an object");
	EXPECT(slab_validate_cache(slab_general(&kmem_kernel, 64)));
}

static volatile bool stop_hammering;

static int
thread_hammer(void *arg)
{
	void *objects[24];
	unsigned long rounds = 0;

	while (!atomic_load_relaxed(&stop_hammering)) {
		for (unsigned i = 0; i < ARRAY_SIZE(objects); i++) {
			objects[i] = kmem_cache_alloc(subject, GFP_KERNEL);
			if (objects[i] != NULL)
				memset(objects[i], (int)i, SIZE);
		}
		for (unsigned i = 0; i < ARRAY_SIZE(objects); i++)
			kmem_cache_free(subject, objects[i]);
		if (++rounds % 16 == 0)
			(void)kmem_cache_shrink(subject);
		yield();
	}
	return 0;
}

/* Threads on all CPUs use the cache meanwhile: nobody is accused. */
static void
turn_under_load(void)
{
	static const char *const sequence[] = { "F",	"FP", "P", "-",
						"FPZU", "P",  "-" };
	unsigned nr = (unsigned)check_arg("turns", 40);

	stop_hammering = false;
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		EXPECT(kernel_thread_on(cpu, "hammer", thread_hammer, NULL) >
		       0);
	report_listen();
	for (unsigned i = 0; i < nr; i++) {
		int err = kmem_debug_set("subject",
					 sequence[i % ARRAY_SIZE(sequence)]);

		EXPECT(err == 0 || err == -E_BUSY);
		yield();
	}
	atomic_store_relaxed(&stop_hammering, true);
	while (do_wait(0, NULL) > 0)
		;
	EXPECT(report_is_empty());
	EXPECT_EQ(kmem_debug_set("subject", "-"), 0);
	EXPECT(slab_validate_cache(slab_cache_of(subject)));
}

/* -- constructed objects --------------------------------------------------------------- */

#define CTOR_BYTE 0xc7

static void
construct(void *object)
{
	memset(object, CTOR_BYTE, SIZE);
}

static void
constructed(void)
{
	struct kmem_cache *cache = kmem_cache_create(
		"built", SIZE, 0, ALL & ~(unsigned)SLAB_POISON, construct);
	unsigned char *object;

	if (!EXPECT(cache != NULL))
		return;
	EXPECT_EQ(kmem_debug_set("built", "FZPU"), 0);
	object = kmem_cache_alloc(cache, GFP_KERNEL);
	if (!EXPECT(object != NULL))
		return;
	EXPECT_EQ(object[0], CTOR_BYTE);
	EXPECT_EQ(object[SIZE - 1], CTOR_BYTE);
	object[1] = 0x11;
	kmem_cache_free(cache, object);
	report_listen();
	EXPECT(slab_validate_cache(slab_cache_of(cache)));
	EXPECT_EQ((uintptr_t)kmem_cache_alloc(cache, GFP_KERNEL),
		  (uintptr_t)object);
	EXPECT(report_is_empty());
	/* It stays as it was freed. */
	EXPECT_EQ(object[1], 0x11);
	object[1] = CTOR_BYTE;
	kmem_cache_free(cache, object);
	object[40] = 0;
	EXPECT_EQ((uintptr_t)kmem_cache_alloc(cache, GFP_KERNEL),
		  (uintptr_t)object);
	report_expect("built",
		      "constructed object written to after it was freed");
	kmem_cache_free(cache, object);
	EXPECT_EQ(kmem_cache_destroy(cache), 0);
}

/* -- where nothing may sleep ----------------------------------------------------------- */

static bool timer_done;

static void
allocate_in_interrupt(struct timer *timer)
{
	kmem_cache_free(subject, kmem_cache_alloc(subject, GFP_KERNEL));
	atomic_store(&timer_done, true);
}

static void
sleeping(void)
{
	struct spinlock lock = SPINLOCK_INIT(LOCK_RANK_OBJECT, "check");
	const char *what = "an allocation that may sleep, ";
	struct timer timer;
	irq_state_t state;

	EXPECT_EQ(kmem_debug_set("subject", "F"), 0);
	report_listen();
	kmem_cache_free(subject, kmem_cache_alloc(subject, GFP_KERNEL));
	EXPECT(report_is_empty());
	state = arch_irq_save();
	kmem_cache_free(subject, kmem_cache_alloc(subject, GFP_ATOMIC));
	EXPECT(report_is_empty());
	kmem_cache_free(subject, kmem_cache_alloc(subject, GFP_KERNEL));
	arch_irq_restore(state);
	report_expect("subject", what);
	EXPECT(report_has("with interrupts off"));
	EXPECT(report_has("check_slab_switch+0x") || report_has("sleeping+0x"));

	report_listen();
	spin_lock(&lock);
	kmem_cache_free(subject, kmem_cache_alloc(subject, GFP_KERNEL));
	spin_unlock(&lock);
	report_expect("subject", what);
	EXPECT(report_has("under a spinlock"));

	report_listen();
	timer_done = false;
	timer_init(&timer, allocate_in_interrupt);
	timer_arm(&timer, 1);
	while (!atomic_load(&timer_done))
		yield();
	report_expect("subject", what);
	EXPECT(report_has("in an interrupt"));
	EXPECT(report_has("allocate_in_interrupt+0x"));
	(void)timer_cancel(&timer);
	EXPECT_EQ(kmem_debug_set("subject", "-"), 0);
}

void
check_slab_switch(void)
{
	unsigned general;
	char letters[5];
	int err;

	if (kmem_kernel.ops != &kmem_slab_ops) {
		check_skip("kmalloc= is not slab");
		return;
	}
	subject = kmem_cache_create("subject", SIZE, 0, 0, NULL);
	if (!EXPECT(subject != NULL))
		return;
	EXPECT_EQ(kmem_debug_set("subject", "-"), 0);
	turn_empty();
	turn_in_use();
	turn_under_load();
	constructed();
	sleeping();
	general = slab_debug(slab_general(&kmem_kernel, 64));
	turn_general();
	/* Back to what the command line said; Z and U may not be to be had. */
	err = kmem_debug_set("kmalloc-64",
			     slab_debug_letters(general, letters));
	EXPECT(err == 0 || err == -E_BUSY);
	kmem_report_observer = NULL;
	EXPECT_EQ(kmem_cache_destroy(subject), 0);
}
