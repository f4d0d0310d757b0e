/*
 * Finding leaks while nothing moves: every thread is stopped for kmem's scan.
 *
 * A thread bound to each CPU but the first turns interrupts off there and waits; one
 * on the first scans. So every other thread is switched out: its registers lie
 * in its context, which is in its control block, and in its stack, from where
 * its stack pointer was saved. The waiting ones and the scanning one have nothing
 * of anybody's.
 *
 * A CPU that stands still does not answer others, so nobody may be waiting for an
 * answer when it begins to: in two steps,
 *
 *	arriving	preemption off, interrupts on: it answers, and asks nothing
 *	all are there	now no CPU asks anything: interrupts off
 */
#include "internal.h"

static unsigned nr_arrived, all_are_there, nr_still, is_over; /* atomic */
static int result; /* the scanning thread's, then the caller's */

/* One search at a time. */
static unsigned is_searching; /* atomic */

static int
thread_wait(void *unused)
{
	irq_state_t state;

	preempt_disable();
	(void)atomic_add(&nr_arrived, 1u);
	while (atomic_load(&all_are_there) == 0 && atomic_load(&is_over) == 0)
		arch_cpu_relax();
	state = arch_irq_save();
	(void)atomic_add(&nr_still, 1u);
	while (atomic_load(&is_over) == 0)
		arch_cpu_relax();
	arch_irq_restore(state);
	preempt_enable();
	return 0;
}

static void
roots(void)
{
	proc_visit_stacks(kmem_leaks_root);
}

static int
thread_scan(void *arg)
{
	unsigned nr_others = (unsigned)(uintptr_t)arg;
	irq_state_t state;

	while (atomic_load(&nr_arrived) < nr_others)
		yield();
	preempt_disable();
	atomic_store(&all_are_there, 1u);
	while (atomic_load(&nr_still) < nr_others)
		arch_cpu_relax();
	state = arch_irq_save();
	result = kmem_leaks_scan(roots);
	atomic_store(&is_over, 1u);
	arch_irq_restore(state);
	preempt_enable();
	return 0;
}

/* Returns how many threads were started, all to be waited for; 0: none scans. */
static unsigned
start_threads(int pids[])
{
	unsigned nr = 0;
	int pid;

	for (unsigned cpu = 1; cpu < nr_cpus; cpu++) {
		pid = kernel_thread_on(cpu, "stand still", thread_wait, NULL);
		if (pid < 0)
			break;
		pids[nr++] = pid;
	}
	pid = nr + 1 == nr_cpus ? kernel_thread_on(0, "leaks", thread_scan,
						   (void *)(uintptr_t)nr)
				: -E_NO_MEM;
	if (pid < 0) {
		result = pid;
		atomic_store(&is_over, 1u);
	} else {
		pids[nr++] = pid;
	}
	return nr;
}

int
leaks_find(void)
{
	int pids[MAX_CPUS], err;
	unsigned nr;

	if (atomic_exchange(&is_searching, 1u) != 0)
		return -E_BUSY;
	/* Ended threads' last registers still lie in their control blocks. */
	(void)proc_release_kept();
	err = kmem_leaks_begin();
	if (err == 0) {
		atomic_store(&nr_arrived, 0u);
		atomic_store(&all_are_there, 0u);
		atomic_store(&nr_still, 0u);
		atomic_store(&is_over, 0u);
		nr = start_threads(pids);
		for (unsigned i = 0; i < nr; i++) {
			int reaped = do_wait_unkillable(pids[i], NULL);

			assert(reaped == pids[i]);
		}
		err = result;
		nr = (unsigned)kmem_leaks_end(err == 0);
		if (err == 0)
			err = (int)nr;
	}
	atomic_store(&is_searching, 0u);
	return err;
}
