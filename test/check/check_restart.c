/*
 * Restartable ranges: an interrupt strikes once before every instruction of every
 * range, and each time it allocates and frees from the same cache.
 *
 * The operations whose ranges these are run one instruction at a time
 * (arch/step.h). A first pass notes which instructions each range executes; then, for
 * each of them and each thing that the interrupt may do, one operation is struck
 * there. The next instruction seen after the strike must be the range's second
 * one: then it was sent back to the first. And every object handed out, to the
 * thread or to the interrupt, must be one that nobody has.
 *
 * With more CPUs than one the thread is also moved to another one while it is
 * interrupted: a thread bound to its CPU pushes it off (a pusher).
 */
#include <kernel/check.h>
#include <kernel/error.h>
#include <kernel/kmem.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/restart.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include <kernel/wait.h>
#include <arch/step.h>

#include "kmem/slab/fail.h"
#include "check_kmem.h"
#include "check_threads.h"

#define SIZE 96
#define INSTRUCTIONS_MAX 16
#define RANGES_MAX 8
#define POOL_MAX 512
/* More than a CPU keeps of such objects. */
#define MANY 200
/* Long: only a failure waits for it. */
#define MOVE_TICKS 1000
#define TRIES_MAX 100

static struct kmem_cache *cache;

/* -- who has which object --------------------------------------------------------- */

static void *owned[POOL_MAX + 8]; /* by the thread or the interrupt */
static unsigned nr_owned;
static void *pool[POOL_MAX]; /* those that nobody is at work with */
static unsigned nr_pooled;

static void
own(void *object)
{
	irq_state_t state = arch_irq_save();
	bool is_new = object != NULL;

	for (unsigned i = 0; i < nr_owned; i++)
		is_new &= owned[i] != object;
	EXPECT(is_new);
	owned[nr_owned++] = object;
	arch_irq_restore(state);
}

static void
disown(const void *object)
{
	irq_state_t state = arch_irq_save();
	unsigned i = 0;

	while (i < nr_owned && owned[i] != object)
		i++;
	if (EXPECT(i < nr_owned))
		owned[i] = owned[--nr_owned];
	arch_irq_restore(state);
}

/* -- operations ---------------------------------------------------------------------- */

/* A function of the front with a range in it. */
struct operation {
	void *(*run)(void *object); /* an allocation ignores its argument */
	bool is_free;
	bool is_named; /* of the cache, not of kmalloc */
};

static void *
run_kmalloc(void *unused)
{
	return kmalloc(SIZE, GFP_ATOMIC);
}

/* As in an instance that is not the kernel's. */
static void *
run_kmem_alloc(void *unused)
{
	return kmem_alloc(&kmem_kernel, SIZE, GFP_ATOMIC);
}

static void *
run_kfree(void *object)
{
	kfree(object);
	return NULL;
}

static void *
run_cache_alloc(void *unused)
{
	return kmem_cache_alloc(cache, GFP_ATOMIC);
}

static void *
run_cache_free(void *object)
{
	kmem_cache_free(cache, object);
	return NULL;
}

static const struct operation operations[] = {
	{ .run = run_kmalloc },
	{ .run = run_kmem_alloc },
	{ .run = run_kfree, .is_free = true },
	{ .run = run_cache_alloc, .is_named = true },
	{ .run = run_cache_free, .is_free = true, .is_named = true },
};

static void *
plain_alloc(const struct operation *operation)
{
	void *object = operation->is_named ? run_cache_alloc(NULL)
					   : run_kmalloc(NULL);

	own(object);
	return object;
}

static void
plain_free(const struct operation *operation, void *object)
{
	disown(object);
	if (operation->is_named)
		run_cache_free(object);
	else
		run_kfree(object);
}

/* Interrupts off, or in one. */
static void
pool_fill(const struct operation *operation, unsigned nr)
{
	while (nr-- > 0 && nr_pooled < POOL_MAX)
		pool[nr_pooled++] = plain_alloc(operation);
}

static void
pool_empty(const struct operation *operation, unsigned nr)
{
	while (nr-- > 0 && nr_pooled > 0)
		plain_free(operation, pool[--nr_pooled]);
}

/* -- what an interrupt may do ---------------------------------------------------------- */

enum deed {
	DEED_PAIR,  /* the stack is as before, the slot was used */
	DEED_TAKE,  /* one fewer */
	DEED_GIVE,  /* one more */
	DEED_EMPTY, /* none left */
	DEED_FULL,  /* as many as there is room for */
	DEED_MOVE,  /* the thread goes on elsewhere */
	NR_DEEDS
};

static struct {
	struct proc_struct *thread;
	const struct operation *operation;
	uintptr_t target; /* 0: only look */
	enum deed deed;
	unsigned from_cpu;		    /* DEED_MOVE: the one to leave */
	bool is_inside, is_struck, is_done; /* a range; the operation */
	bool was_interrupted;
	uintptr_t pc_after; /* the first one seen after the strike */
	struct timer timer;
} strike;

static struct semaphore push_wanted[MAX_CPUS];
static unsigned stop_pushing, nr_moves;

/* In the interrupt: as soon as it returns, the thread leaves this CPU. */
static void
push_off(void)
{
	strike.from_cpu = arch_cpu_id();
	sem_up(&push_wanted[strike.from_cpu]);
	set_need_resched(strike.thread);
}

static void
strike_interrupt(struct timer *timer)
{
	const struct operation *operation = strike.operation;

	strike.was_interrupted = true;
	switch (strike.deed) {
	case DEED_PAIR:
	case DEED_MOVE:
		plain_free(operation, plain_alloc(operation));
		break;
	case DEED_TAKE:
		pool_fill(operation, 1);
		break;
	case DEED_GIVE:
		pool_empty(operation, 1);
		break;
	case DEED_EMPTY:
		pool_fill(operation, MANY);
		break;
	case DEED_FULL:
		pool_empty(operation, MANY);
		break;
	case NR_DEEDS:
		break;
	}
	if (strike.deed == DEED_MOVE)
		push_off();
}

/* Bound to its CPU: keeps it busy until the thread has left. */
static int
pusher_main(void *arg)
{
	unsigned cpu = (unsigned)(uintptr_t)arg;

	for (;;) {
		sem_down(&push_wanted[cpu]);
		if (atomic_load(&stop_pushing))
			return 0;
		while (atomic_load(&strike.thread->cpu) == cpu)
			arch_cpu_relax();
		(void)atomic_add(&nr_moves, 1);
	}
}

static bool
pushers_start(void)
{
	bool ok = true;

	stop_pushing = nr_moves = 0;
	for (uintptr_t i = 0; i < nr_cpus; i++) {
		sem_init(&push_wanted[i], 0);
		ok &= EXPECT(kernel_thread_on((unsigned)i, "pusher",
					      pusher_main, (void *)i) > 0);
	}
	return ok;
}

static void
pushers_stop(void)
{
	atomic_store(&stop_pushing, 1u);
	for (unsigned i = 0; i < nr_cpus; i++)
		sem_up(&push_wanted[i]);
	while (do_wait(0, NULL) > 0)
		;
}

/* -- ranges ------------------------------------------------------------------------------ */

/* What the first pass saw of a range, and what came of it. */
struct range_record {
	const struct restart_range *range;
	const struct operation *operation;
	unsigned nr;
	uintptr_t pcs[INSTRUCTIONS_MAX]; /* in the order of execution */
	unsigned rewinds[INSTRUCTIONS_MAX];
};

static struct range_record records[RANGES_MAX];
static unsigned nr_records;

static struct range_record *
record_of(uintptr_t pc)
{
	for (unsigned i = 0; i < nr_records; i++) {
		const struct restart_range *range = records[i].range;

		if (pc >= restart_range_start(range) &&
		    pc < restart_range_end(range))
			return &records[i];
	}
	return NULL;
}

static bool
records_init(void)
{
	const struct restart_range *range;

	nr_records = 0;
	for (range = __start_restart_ranges; range < __stop_restart_ranges;
	     range++) {
		if (!EXPECT(nr_records < RANGES_MAX))
			return false;
		records[nr_records++] = (struct range_record){ .range = range };
	}
	return EXPECT(nr_records > 0);
}

/* Whether pc lies in a range. */
static bool
record_pc(uintptr_t pc)
{
	struct range_record *record = record_of(pc);

	if (record == NULL)
		return false;
	for (unsigned i = 0; i < record->nr; i++)
		if (record->pcs[i] == pc)
			return true;
	if (EXPECT(record->nr < INSTRUCTIONS_MAX))
		record->pcs[record->nr++] = pc;
	record->operation = strike.operation;
	return true;
}

/* -- striking --------------------------------------------------------------------------- */

/* Until the next tick of this CPU runs the timer. The boot CPU's ticks are time
 * itself; on others it passes by itself. */
static void
wait_until_due(void)
{
	while (arch_cpu_id() != 0 &&
	       time_after(strike.timer.expires, ticks_now()))
		arch_cpu_relax();
}

/* Before each instruction of an operation, until the range is over: what follows
 * may turn interrupts on, and what came in by that would be stepped too. */
static enum step
strike_step(uintptr_t pc)
{
	if (strike.is_done || strike.is_struck) {
		strike.pc_after = pc;
		return STEP_STOP;
	}
	if (strike.target == 0) {
		bool was_inside = strike.is_inside;

		strike.is_inside = record_pc(pc);
		return was_inside && !strike.is_inside ? STEP_STOP : STEP_ON;
	}
	if (pc != strike.target)
		return STEP_ON;
	strike.is_struck = true;
	timer_arm(&strike.timer, 1);
	wait_until_due();
	return STEP_STRIKE;
}

/* One operation, struck before the instruction at target (0: just watched). Whether
 * this machine can. */
static bool
operate(const struct operation *operation, uintptr_t target, enum deed deed)
{
	void *object = NULL, *result;

	/* The stack is neither empty nor full, and holds the usual. */
	plain_free(operation, plain_alloc(operation));
	if (operation->is_free)
		object = plain_alloc(operation);
	strike.thread = current;
	strike.operation = operation;
	strike.target = target;
	strike.deed = deed;
	strike.is_inside = strike.is_struck = false;
	strike.was_interrupted = false;
	strike.pc_after = 0;
	atomic_store(&strike.is_done, false);
	if (!arch_step_start(strike_step))
		return false;
	result = operation->run(object);
	atomic_store(&strike.is_done, true);
	/* Struck before the last instruction, so till then it was not free. */
	if (operation->is_free) {
		disown(object);
	} else {
		own(result);
		plain_free(operation, result);
	}
	return true;
}

/* Whether the pusher saw the thread leave; it may say so a little later. */
static bool
moved_on(unsigned nr_before)
{
	for (unsigned tries = 0; tries < MOVE_TICKS; tries++) {
		if (atomic_load(&nr_moves) == nr_before + 1)
			return true;
		(void)sleep_ticks(1);
	}
	return false;
}

/* Strikes one instruction with each deed. */
static void
strike_instruction(struct range_record *record, unsigned i)
{
	unsigned nr_deeds = nr_cpus > 1 ? NR_DEEDS : DEED_MOVE;

	for (unsigned deed = 0; deed < nr_deeds; deed++) {
		unsigned moves = atomic_load(&nr_moves);

		pool_fill(record->operation, 4);
		/* The stack may just have been emptied, or closed by the reaper:
		 * then the operation leaves the range early. */
		for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
			operate(record->operation, record->pcs[i], deed);
			if (strike.is_struck)
				break;
		}
		if (deed == DEED_MOVE)
			EXPECT(moved_on(moves));
		EXPECT(strike.is_struck && strike.was_interrupted);
		record->rewinds[i] += strike.pc_after == record->pcs[1];
		EXPECT(strike.pc_after == record->pcs[1]);
		pool_empty(record->operation, POOL_MAX);
	}
}

static void
strike_range(struct range_record *record)
{
	char name[SYMBOL_SIZE], counts[INSTRUCTIONS_MAX * 4 + 1] = "";
	uintptr_t start = restart_range_start(record->range);
	size_t length = 0;

	symbol_name(start, name, sizeof(name));
	/* check_trap.c has one for itself. */
	if (record->nr == 0 && strncmp(name, "check_", strlen("check_")) == 0)
		return;
	/* A range that no operation enters proves nothing. */
	if (record->nr < 2) {
		printk("# restart: %s was never entered\n", name);
		EXPECT(record->nr >= 2);
		return;
	}
	for (unsigned i = 0; i < record->nr; i++) {
		strike_instruction(record, i);
		EXPECT(record->rewinds[i] > 0);
		length += (size_t)snprintf(counts + length,
					   sizeof(counts) - length, " %u",
					   record->rewinds[i]);
	}
	printk("# restart: %s, %u instructions, rewound%s times\n", name,
	       record->nr, counts);
}

/* The front's stacks are in use, for allocations and frees. */
static bool
stacks_are_open(void)
{
	struct cpu_stack *stack;

	kmem_cache_free(cache, kmem_cache_alloc(cache, GFP_KERNEL));
	stack = atomic_load_relaxed(&cache->stack[0]);
	return stack != &kmem_closed_stack && stack->end != NULL;
}

static void
strike_all(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(operations); i++) {
		if (!operate(&operations[i], 0, DEED_PAIR)) {
			check_skip("interrupts do not come by themselves");
			return;
		}
	}
	for (unsigned i = 0; i < nr_records; i++)
		strike_range(&records[i]);
	EXPECT_EQ(nr_owned, 0);
	EXPECT(kmem_validate(&kmem_kernel));
}

void
check_restart(void)
{
	struct quiet_state before = quiet_state_take();

	cache = kmem_cache_create("restart", SIZE, 0, 0, NULL);
	if (!EXPECT(cache != NULL))
		return;
	nr_owned = nr_pooled = 0;
	timer_init(&strike.timer, strike_interrupt);
	if (!stacks_are_open()) {
		check_skip("the front's stacks are closed");
	} else if (records_init() && pushers_start()) {
		strike_all();
		pushers_stop();
	}
	EXPECT_EQ(kmem_cache_destroy(cache), 0);
	quiet_state_expect(&before);
}
