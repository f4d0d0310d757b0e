/*
 * An interrupt at every instruction of the slab allocator's operations.
 *
 * An operation runs under single-stepping (the processor's trap flag; SIGTRAP after
 * each instruction). At the k-th instruction with interrupts on, what an
 * interrupt does is done: the interrupted instruction is sent back to the
 * beginning of its range (restart_pc), and objects of the same cache come and go.
 * Then the operation goes on at full speed. For k = 1, 2, 3 ... until the operation
 * ends first (of long ones, not each k); after each, everything must agree, and
 * nobody's object be lost or given to two.
 *
 * This is exhaustive where stress tests are a matter of luck: the commit of a
 * restartable range is one instruction among some hundred.
 */
#include <signal.h>
#include <ucontext.h>

#include <kernel/restart.h>

#include "kmem/slab/debug/validate.h"
#include "kmem/slab/objects.h"
#include "kmem/slab/reap.h"
#include "slab_machine.h"

#define TRAP_FLAG 0x100
#define HELD_MAX 256
#define OBJECT_SIZE 256
/* Every instruction up to here, then each an eighth further than the last. */
#define EACH_UP_TO 200
#define THEN_FURTHER 6
#define STEPS_MAX 60000

static struct slab_cache *cache;

/* Objects that somebody has. */
static void *held[HELD_MAX];
static unsigned nr_held;

/* -- objects --------------------------------------------------------------------------- */

static void
hold(void *object)
{
	assert_non_null(object);
	for (unsigned i = 0; i < nr_held; i++)
		assert_ptr_not_equal(held[i], object);
	assert_true(nr_held < HELD_MAX);
	held[nr_held++] = object;
}

static void *
let_go(void)
{
	assert_true(nr_held > 0);
	return held[--nr_held];
}

/* -- what interrupts do ------------------------------------------------------------------- */

static void
irq_takes(void)
{
	hold(kmem_cache_alloc(&cache->base, GFP_ATOMIC));
}

static void
irq_gives(void)
{
	kmem_cache_free(&cache->base, let_go());
}

static void
irq_takes_and_gives(void)
{
	void *first = kmem_cache_alloc(&cache->base, GFP_ATOMIC);
	void *second = kmem_cache_alloc(&cache->base, GFP_ATOMIC);

	assert_non_null(first);
	assert_non_null(second);
	assert_ptr_not_equal(first, second);
	kmem_cache_free(&cache->base, first);
	kmem_cache_free(&cache->base, second);
}

/* More than an array holds. */
static void
irq_takes_many(void)
{
	for (unsigned i = 0; i < 20; i++)
		irq_takes();
}

static void
irq_gives_many(void)
{
	for (unsigned i = 0; i < 20; i++)
		irq_gives();
}

static void
irq_shrinks(void)
{
	(void)kmem_cache_shrink(&cache->base);
}

static void (*const interrupts[])(void) = {
	irq_takes,	irq_gives,	irq_takes_and_gives,
	irq_takes_many, irq_gives_many, irq_shrinks,
};

/* -- single steps ---------------------------------------------------------------------------- */

static volatile unsigned steps_left;
static volatile bool has_fired;
static void (*volatile interrupt)(void);

static void
on_step(int signal, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	/* With interrupts off it has to wait. */
	if (!arch_irqs_on() || (steps_left > 0 && --steps_left > 0))
		return;
	has_fired = true;
	regs[REG_EFL] &= ~TRAP_FLAG;
	regs[REG_RIP] = (greg_t)restart_pc((uintptr_t)regs[REG_RIP]);
	arch_irq_disable();
	interrupt();
	arch_irq_enable();
}

/* Leaves the 128 bytes below the stack pointer alone: they are in use. */
static inline void
trap_flag_set(bool on)
{
	if (on)
		__asm__ volatile("leaq -128(%%rsp), %%rsp\n\t"
				 "pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\t"
				 "leaq 128(%%rsp), %%rsp"
				 :
				 :
				 : "memory", "cc");
	else
		__asm__ volatile("leaq -128(%%rsp), %%rsp\n\t"
				 "pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq\n\t"
				 "leaq 128(%%rsp), %%rsp"
				 :
				 :
				 : "memory", "cc");
}

/* -- operations -------------------------------------------------------------------------------- */

static void *operand;

static void
op_alloc(void)
{
	operand = kmem_cache_alloc(&cache->base, GFP_KERNEL);
}

static void
op_free(void)
{
	kmem_cache_free(&cache->base, operand);
	operand = NULL;
}

static void
op_kfree(void)
{
	kfree(operand);
	operand = NULL;
}

static void
op_reap(void)
{
	cache->layer->reap(cache, 0);
}

static void
op_shrink(void)
{
	(void)kmem_cache_shrink(&cache->base);
}

static void
op_tune(void)
{
	assert_int_equal(kmem_slabinfo_write("steps 8 4 2"), 0);
}

/* Free objects near the CPU before the operation. */
enum stock {
	STOCK_NONE,
	STOCK_SOME,
	STOCK_FULL
};

#define LIMIT 8

static void
stock_up(enum stock stock)
{
	void *objects[LIMIT];
	unsigned nr = stock == STOCK_NONE ? 0 : stock == STOCK_SOME ? 3 : LIMIT;

	slab_drain(cache);
	for (unsigned i = 0; i < nr; i++) {
		objects[i] = slab_alloc_node(cache, GFP_KERNEL, 0);
		assert_non_null(objects[i]);
	}
	for (unsigned i = 0; i < nr; i++)
		kmem_cache_free(&cache->base, objects[i]);
}

/* Whether the interrupt came before the operation ended. */
static bool
run_stepped(void (*op)(void), void (*irq)(void), unsigned k)
{
	steps_left = k;
	interrupt = irq;
	has_fired = false;
	trap_flag_set(true);
	op();
	trap_flag_set(false);
	return has_fired;
}

static void
expect_all_is_well(void)
{
	if (operand != NULL) {
		hold(operand);
		operand = NULL;
	}
	assert_true(slab_validate_cache(cache));
	assert_int_equal(slab_validate_nr_live(cache), nr_held);
}

/* In the middle, so that interrupts may take and give. */
static void
held_settle(void)
{
	while (nr_held > HELD_MAX / 2)
		kmem_cache_free(&cache->base, let_go());
	while (nr_held < HELD_MAX / 2)
		hold(kmem_cache_alloc(&cache->base, GFP_KERNEL));
}

static void
at_every_step(void (*op)(void), enum stock stock, void (*irq)(void))
{
	unsigned k = 1;

	for (;;) {
		bool fired;

		held_settle();
		operand = op == op_free || op == op_kfree ? let_go() : NULL;
		stock_up(stock);
		/* What nobody has used since goes back. */
		if (op == op_reap)
			op_reap();
		fired = run_stepped(op, irq, k);
		expect_all_is_well();
		if (!fired || k > STEPS_MAX)
			break;
		k += k < EACH_UP_TO ? 1 : k / THEN_FURTHER;
	}
	assert_true(k > 10 && k <= STEPS_MAX);
}

static void
at_every_step_of(void (*op)(void), enum stock stock)
{
	for (unsigned i = 0; i < ARRAY_SIZE(interrupts); i++)
		at_every_step(op, stock, interrupts[i]);
}

/* -- tests ------------------------------------------------------------------------------------- */

static void
alloc_from_stock(void **state)
{
	at_every_step_of(op_alloc, STOCK_SOME);
}

static void
alloc_refills(void **state)
{
	at_every_step_of(op_alloc, STOCK_NONE);
}

static void
free_to_stock(void **state)
{
	at_every_step_of(op_free, STOCK_SOME);
	at_every_step_of(op_kfree, STOCK_SOME);
}

static void
free_flushes(void **state)
{
	at_every_step_of(op_free, STOCK_FULL);
}

static void
reaping(void **state)
{
	at_every_step_of(op_reap, STOCK_FULL);
}

static void
shrinking(void **state)
{
	at_every_step_of(op_shrink, STOCK_SOME);
}

static void
tuning(void **state)
{
	at_every_step_of(op_tune, STOCK_FULL);
}

static int
setup(void **state)
{
	struct sigaction action = {
		.sa_sigaction = on_step,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};

	(void)machine_start(state);
	restart_init();
	assert_int_equal(sigaction(SIGTRAP, &action, NULL), 0);
	arch_irq_enable();
	cache = cache_new("steps", OBJECT_SIZE);
	op_tune();
	return 0;
}

static int
teardown(void **state)
{
	while (nr_held > 0)
		kmem_cache_free(&cache->base, let_go());
	cache_end(cache);
	arch_irq_disable();
	return 0;
}

static const struct machine one_node = { .kmalloc = "slab",
					 .nr_nodes = 1,
					 .ram_bytes = MACHINE_RAM };

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alloc_from_stock),
		cmocka_unit_test(alloc_refills),
		cmocka_unit_test(free_to_stock),
		cmocka_unit_test(free_flushes),
		cmocka_unit_test(reaping),
		cmocka_unit_test(shrinking),
		cmocka_unit_test(tuning),
	};

	machine = &one_node;
	return cmocka_run_group_tests(tests, setup, teardown);
}
