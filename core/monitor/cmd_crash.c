/*
 * crash: commits a crime, to see how the kernel ends.
 *
 * Each crime is a function with a name of its own that is never inlined, so that
 * the backtrace can be asked for it (test/boot/test_crash.py).
 */
#include <kernel/error.h>
#include <kernel/monitor.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/thread.h>
#include <kernel/timer.h>
#include <kernel/tlb.h>
#include "commands.h"

struct crime {
	const char *name;
	const char *help;
	void (*commit)(void);
};

/* Volatile: the compiler shall neither see through a crime nor forbid it. */
static char *volatile null_pointer;
static volatile unsigned zero, dividend = 1;
static volatile unsigned depth_limit = ~0u;

static __noinline void
crash_panic(void)
{
	panic("on purpose");
}

static __noinline void
crash_assert(void)
{
	assert(zero != 0);
}

static __noinline void
crash_null_write(void)
{
	*(volatile char *)null_pointer = 1;
}

static __noinline void
crash_text_write(void)
{
	*(volatile char *)(uintptr_t)crash_text_write = 1;
}

static __noinline void
crash_divide(void)
{
	zero = dividend / zero;
}

/* Frame by frame to the end of the stack, and on. */
static __noinline unsigned
crash_recurse(unsigned depth)
{
	volatile char frame[128];

	frame[0] = (char)depth;
	if (depth < depth_limit)
		depth = crash_recurse(depth + 1);
	return depth + (unsigned)frame[0];
}

static void
crash_overflow_recursion(void)
{
	zero = crash_recurse(0);
}

/* How near to the end of its stack a thread gets before it takes the one large
 * frame, and how large that is: more than is left, less than the guard. */
#define NEAR_END 1024
#define LARGE_FRAME 3072

/* A large frame, used from its far end: nothing in between is touched. */
static __noinline void
crash_large_frame(size_t size)
{
	volatile char *frame = __builtin_alloca(size);

	frame[0] = 1;
}

static __noinline unsigned
crash_approach(uintptr_t stack_end)
{
	volatile char frame[128];

	frame[0] = 1;
	if ((uintptr_t)frame - stack_end > NEAR_END)
		return crash_approach(stack_end) + (unsigned)frame[0];
	crash_large_frame(LARGE_FRAME + zero);
	return (unsigned)frame[0];
}

static void
crash_overflow_frame(void)
{
	/* An interrupt would be the one that finds the end. */
	arch_irq_disable();
	zero = crash_approach(current->kstack);
}

static struct timer bomb;

static __noinline void
crash_in_interrupt(struct timer *timer)
{
	panic("on purpose, in an interrupt");
}

static __noinline void
crash_irq_panic(void)
{
	timer_init(&bomb, crash_in_interrupt);
	timer_arm(&bomb, 1);
	for (;;)
		arch_cpu_relax();
}

/* -- page faults where nobody may sleep ---------------------------------------- */

static __noinline void
crash_fault_in_interrupt(struct timer *timer)
{
	*(volatile char *)null_pointer = 1;
}

static __noinline void
crash_irq_fault(void)
{
	timer_init(&bomb, crash_fault_in_interrupt);
	timer_arm(&bomb, 1);
	for (;;)
		arch_cpu_relax();
}

static struct spinlock crash_lock = SPINLOCK_INIT(LOCK_RANK_WORK, "crash");

static __noinline void
crash_lock_fault(void)
{
	spin_lock(&crash_lock);
	*(volatile char *)null_pointer = 1;
	spin_unlock(&crash_lock);
}

static __noinline void
crash_irqs_off_fault(void)
{
	arch_irq_disable();
	*(volatile char *)null_pointer = 1;
}

/* -- locks against the order ------------------------------------------------------- */

static struct spinlock first_twin = SPINLOCK_INIT(LOCK_RANK_WORK, "first twin");
static struct spinlock second_twin =
	SPINLOCK_INIT(LOCK_RANK_WORK, "second twin");

static __noinline void
crash_lock_equal(void) NO_THREAD_SAFETY
{
	spin_lock(&first_twin);
	spin_lock(&second_twin);
	spin_unlock(&second_twin);
	spin_unlock(&first_twin);
}

/* -- waiting for other CPUs where nobody may ------------------------------------- */

static void
do_nothing(void *arg)
{
}

/* Its own CPU: what counts is that it might have been another. */
static __noinline void
crash_call_locked(void)
{
	irq_state_t state = spin_lock_irqsave(&crash_lock);

	cpu_call(arch_cpu_id(), do_nothing, NULL);
	spin_unlock_irqrestore(&crash_lock, state);
}

static __noinline void
crash_call_irqs_off(void)
{
	irq_state_t irqs;

	local_intr_save(irqs);
	cpu_call(arch_cpu_id(), do_nothing, NULL);
	local_intr_restore(irqs);
}

/* Nothing is in the batch: what counts is that something might have been. */
static __noinline void
crash_flush_locked(void)
{
	struct tlb_batch batch;

	tlb_batch_init(&batch, &kernel_space);
	spin_lock(&crash_lock);
	tlb_batch_flush(&batch);
	spin_unlock(&crash_lock);
}

static __noinline void
crash_flush_irqs_off(void)
{
	struct tlb_batch batch;
	irq_state_t irqs;

	tlb_batch_init(&batch, &kernel_space);
	local_intr_save(irqs);
	tlb_batch_flush(&batch);
	local_intr_restore(irqs);
}

static const struct crime crimes[] = {
	{ "panic", "calls panic", crash_panic },
	{ "assert", "a failed assertion", crash_assert },
	{ "null-write", "writes to address 0", crash_null_write },
	{ "text-write", "writes to the kernel's code", crash_text_write },
	{ "divide", "divides by zero", crash_divide },
	{ "overflow-recursion", "recursion past the end of the stack",
	  crash_overflow_recursion },
	{ "overflow-frame", "one large frame past the end of the stack",
	  crash_overflow_frame },
	{ "irq-panic", "panic in an interrupt", crash_irq_panic },
	{ "irq-fault", "a page fault in an interrupt", crash_irq_fault },
	{ "lock-fault", "a page fault under a spinlock", crash_lock_fault },
	{ "irqs-off-fault", "a page fault with interrupts off",
	  crash_irqs_off_fault },
	{ "lock-equal", "takes two locks of one rank (debug builds)",
	  crash_lock_equal },
	{ "call-locked", "waits for a CPU under a spinlock (debug builds)",
	  crash_call_locked },
	{ "call-irqs-off", "waits for a CPU with interrupts off (debug builds)",
	  crash_call_irqs_off },
	{ "flush-locked", "flushes TLBs under a spinlock (debug builds)",
	  crash_flush_locked },
	{ "flush-irqs-off", "flushes TLBs with interrupts off (debug builds)",
	  crash_flush_irqs_off },
};

static int
crash_run(int argc, char *argv[])
{
	for (unsigned i = 0; argc == 2 && i < ARRAY_SIZE(crimes); i++) {
		if (strcmp(argv[1], crimes[i].name) != 0)
			continue;
		crimes[i].commit();
		printk("crash: %s did not end the kernel\n", argv[1]);
		return -E_UNSPECIFIED;
	}
	printk("crash KIND, one of:\n");
	for (unsigned i = 0; i < ARRAY_SIZE(crimes); i++)
		printk("  %-20s%s\n", crimes[i].name, crimes[i].help);
	return -E_INVAL;
}

static const char *
crash_word(unsigned i)
{
	return i < ARRAY_SIZE(crimes) ? crimes[i].name : NULL;
}

const struct command cmd_crash = {
	.name = "crash",
	.usage = "crash KIND",
	.help = "ends the kernel in one of the ways that must not be",
	.run = crash_run,
	.word = crash_word,
};
