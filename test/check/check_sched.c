/*
 * Checks of scheduling: order, time slices, bound threads, interrupt sections.
 */
#include <kernel/check.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <arch/device.h>
#include "check_threads.h"

/* -- order ---------------------------------------------------------------------- */

#define ORDER_THREADS 8
static unsigned order_log[ORDER_THREADS * 2], order_nr;

/* Interrupts off: a time slice that ends here would change the order. */
static int
thread_log_twice(void *arg)
{
	irq_state_t irqs;

	local_intr_save(irqs);
	order_log[order_nr++] = (unsigned)(uintptr_t)arg;
	yield();
	order_log[order_nr++] = (unsigned)(uintptr_t)arg;
	local_intr_restore(irqs);
	return 0;
}

/* First to become runnable, first to run; who yields goes behind the others. All on one
 * CPU, the caller's, which does not give it up meanwhile but by waiting. */
void
check_run_order(void)
{
	struct quiet_state before = quiet_state_take();
	unsigned cpu = 0;

	order_nr = 0;
	preempt_disable(); /* made runnable in one go */
	cpu = arch_cpu_id();
	for (uintptr_t i = 0; i < ORDER_THREADS; i++) {
		preempt_enable_no_resched();
		EXPECT(kernel_thread_on(cpu, "order", thread_log_twice,
					(void *)i) > 0);
		preempt_disable();
	}
	preempt_enable();
	while (do_wait(0, NULL) > 0)
		;
	EXPECT_EQ(order_nr, ORDER_THREADS * 2);
	/* Each thread's first entries come in order, and so do the second. */
	for (unsigned turn = 0; turn < 2; turn++) {
		unsigned nr_of[ORDER_THREADS] = { 0 }, expected = 0;

		for (unsigned i = 0; i < order_nr; i++) {
			unsigned who = order_log[i];

			if (nr_of[who]++ == turn)
				EXPECT_EQ(who, expected++);
		}
	}
	quiet_state_expect(&before);
}

/* -- time slices ------------------------------------------------------------------ */

#define SPINNERS_PER_CPU 3
#define SPINNERS_MAX (SPINNERS_PER_CPU * MAX_CPUS)
#define SPIN_TICKS 60

static unsigned spin_started, spin_most;
static unsigned spin_progress[SPINNERS_MAX];

/* Keeps its CPU for SPIN_TICKS of its own time at the least and never calls
 * the scheduler. */
static int
thread_spin(void *arg)
{
	unsigned *progress = arg;
	unsigned nr = atomic_add(&spin_started, 1);
	unsigned most = atomic_load(&spin_most);
	unsigned long end = ticks_now() + SPIN_TICKS;

	while (nr > most && !atomic_compare_exchange(&spin_most, &most, nr))
		;
	while (time_after(end, ticks_now())) {
		atomic_store_relaxed(progress, *progress + 1);
		arch_cpu_relax();
	}
	(void)atomic_sub(&spin_started, 1);
	return 0;
}

/* Threads that never yield: under rr all of them are under way together, under
 * fifo never more than there are CPUs. */
void
check_fairness(void)
{
	struct quiet_state before = quiet_state_take();
	unsigned nr = nr_cpus * SPINNERS_PER_CPU;
	bool slices = strcmp(sched_class_name(), "fifo") != 0;

	memset(spin_progress, 0, sizeof(spin_progress));
	spin_started = spin_most = 0;
	for (unsigned i = 0; i < nr; i++)
		EXPECT(kernel_thread_on(i % nr_cpus, "spin", thread_spin,
					&spin_progress[i]) > 0);
	while (do_wait(0, NULL) > 0)
		;
	for (unsigned i = 0; i < nr; i++)
		EXPECT(spin_progress[i] > 0);
	printk("# fairness: %s, %u spinners on %u CPUs, %u under way at most\n",
	       sched_class_name(), nr, nr_cpus, spin_most);
	if (slices)
		EXPECT(spin_most > nr_cpus);
	else
		EXPECT(spin_most <= nr_cpus);
	quiet_state_expect(&before);
}

/* -- bound threads ------------------------------------------------------------------ */

static int
thread_stay(void *arg)
{
	unsigned cpu = (unsigned)(uintptr_t)arg;
	int nr_elsewhere = 0;

	for (unsigned i = 0; i < 200; i++) {
		preempt_disable();
		nr_elsewhere += arch_cpu_id() != cpu;
		preempt_enable();
		if (i % 16 == 0)
			(void)sleep_ticks(1);
		else
			yield();
	}
	return nr_elsewhere;
}

void
check_bound(void)
{
	struct quiet_state before = quiet_state_take();
	int code, nr_elsewhere = 0;

	EXPECT_EQ(kernel_thread_on(nr_cpus, "none", thread_stay, NULL),
		  -E_INVAL);
	for (uintptr_t i = 0; i < 4 * nr_cpus; i++)
		EXPECT(kernel_thread_on((unsigned)(i % nr_cpus), "stay",
					thread_stay,
					(void *)(i % nr_cpus)) > 0);
	while (do_wait(0, &code) > 0)
		nr_elsewhere += code;
	EXPECT_EQ(nr_elsewhere, 0);
	quiet_state_expect(&before);
}

static void
count_cpu(void *arg)
{
	unsigned *ran_on = arg;

	ran_on[arch_cpu_id()]++;
	EXPECT(!arch_irqs_on());
}

void
check_cpu_call(void)
{
	unsigned ran_on[MAX_CPUS] = { 0 };

	for (unsigned round = 0; round < 100; round++)
		for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
			cpu_call(cpu, count_cpu, ran_on);
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		EXPECT_EQ(ran_on[cpu], 100);
}

/* -- interrupt sections --------------------------------------------------------------- */

void
check_intr_save(void)
{
	irq_state_t outer, inner;
	unsigned long before;

	EXPECT(arch_irqs_on());
	local_intr_save(outer);
	EXPECT(!arch_irqs_on());
	local_intr_save(inner);
	EXPECT(!arch_irqs_on());
	local_intr_restore(inner);
	EXPECT(!arch_irqs_on());
	EXPECT(!may_sleep());
	local_intr_restore(outer);
	EXPECT(arch_irqs_on());
	EXPECT(may_sleep());
	preempt_disable();
	EXPECT(!may_sleep());
	preempt_enable();

	/* The clock goes on where interrupts are on. */
	before = ticks_now();
	while (ticks_now() == before)
		arch_cpu_relax();
	EXPECT(time_after(ticks_now(), before));
}
