/*
 * Checks of life and death: waiting, killing, handing over, orphans, pids, limits.
 */
#include <kernel/check.h>
#include <kernel/page.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include <kernel/wait.h>
#include <kernel/work.h>
#include "../../core/proc/internal.h"
#include "check_threads.h"

/* -- helpers for all thread checks -------------------------------------------- */

struct quiet_state
quiet_state_take(void)
{
	struct quiet_state state;

	proc_release_kept();
	kmem_shrink();
	page_drain_all();
	state.nr_process = nr_process();
	state.nr_free_pages = nr_free_pages();
	return state;
}

bool
quiet_state_expect(const struct quiet_state *before)
{
	struct quiet_state now = quiet_state_take();
	bool same = true;

	same &= EXPECT_EQ(now.nr_process, before->nr_process);
	same &= EXPECT_EQ(now.nr_free_pages, before->nr_free_pages);
	same &= EXPECT(initproc != NULL && initproc->pid == 1);
	return same;
}

int
thread_return(void *arg)
{
	return (int)(intptr_t)arg;
}

int
thread_wait_for_stop(void *arg)
{
	while (!kthread_should_stop())
		(void)sleep_ticks(WAIT_FOR_EVER);
	return 77;
}

static struct work holds[MAX_CPUS];
static struct semaphore worker_held, worker_go;
static unsigned nr_held;

static void
worker_hold(struct work *work)
{
	sem_up(&worker_held);
	sem_down(&worker_go);
}

static void
queue_hold_here(void *arg)
{
	(void)work_queue(&holds[arch_cpu_id()]);
	nr_held++;
}

void
workers_hold(void)
{
	nr_held = 0;
	sem_init(&worker_held, 0);
	sem_init(&worker_go, 0);
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		work_init(&holds[cpu], worker_hold);
		cpu_call(cpu, queue_hold_here, NULL);
	}
	for (unsigned i = 0; i < nr_held; i++)
		sem_down(&worker_held);
}

void
workers_go(void)
{
	for (unsigned i = 0; i < nr_held; i++)
		sem_up(&worker_go);
	work_flush();
}

/* -- waiting and ending --------------------------------------------------------- */

void
check_wait(void)
{
	struct quiet_state before = quiet_state_take();
	int pid, other, code = 0;

	EXPECT_EQ(do_wait(0, &code), -E_BAD_PROC);
	EXPECT_EQ(do_wait(1, &code), -E_BAD_PROC);
	EXPECT_EQ(do_wait(-1, &code), -E_BAD_PROC);
	EXPECT_EQ(do_wait(MAX_PID, &code), -E_BAD_PROC);

	pid = kernel_thread(thread_return, (void *)-42, 0);
	EXPECT(pid > 1);
	EXPECT_EQ(do_wait(pid, &code), pid);
	EXPECT_EQ(code, -42);
	EXPECT_EQ(do_wait(pid, &code), -E_BAD_PROC); /* only once */

	/* Any child, in the order in which they ended; NULL is no code wanted. */
	pid = kernel_thread(thread_return, (void *)1, 0);
	other = kernel_thread(thread_return, (void *)2, 0);
	EXPECT(pid > 1 && other > 1);
	EXPECT_EQ(do_wait(0, NULL) + do_wait(0, NULL), pid + other);
	EXPECT_EQ(do_wait(0, NULL), -E_BAD_PROC);

	/* do_exit(code) is as good as returning. */
	pid = kernel_thread(thread_exit, (void *)9, 0);
	EXPECT_EQ(do_wait(pid, &code), pid);
	EXPECT_EQ(code, 9);
	quiet_state_expect(&before);
}

int
thread_exit(void *arg)
{
	do_exit((int)(intptr_t)arg);
}

static struct {
	unsigned *loan; /* on the lender's stack */
	unsigned is_killed;
} lending;

/* Uses what its parent lent it, long after the parent was asked to end. */
static int
thread_use_loan(void *arg)
{
	unsigned *loan = arg;

	atomic_store(&lending.loan, loan);
	while (atomic_load(&lending.is_killed) == 0)
		yield();
	for (unsigned i = 0; i < 100; i++)
		yield();
	*loan += 41;
	return (int)*loan;
}

static int
thread_lend(void *arg)
{
	unsigned loan = 1;
	int code = 0;

	EXPECT_EQ(kernel_thread_run(CPU_ANY, "borrower", thread_use_loan, &loan,
				    &code),
		  0);
	EXPECT_EQ(loan, 42);
	EXPECT(kthread_should_stop());
	return code;
}

/* What a thread has on its stack, it may lend to one that it waits for: do_kill
 * does not end that wait. */
static void
check_kill_lender(void)
{
	int pid, code = 0;

	lending.loan = NULL;
	lending.is_killed = 0;
	pid = kernel_thread(thread_lend, NULL, 0);
	if (!EXPECT(pid > 1))
		return;
	while (atomic_load(&lending.loan) == NULL)
		yield();
	EXPECT_EQ(do_kill(pid), 0);
	atomic_store(&lending.is_killed, 1u);
	EXPECT_EQ(do_wait(pid, &code), pid);
	EXPECT_EQ(code, 42);
}

void
check_kill(void)
{
	struct quiet_state before = quiet_state_take();
	int pid, code = 0;

	EXPECT_EQ(do_kill(0), -E_INVAL);
	EXPECT_EQ(do_kill(1), -E_INVAL);
	EXPECT_EQ(do_kill(-3), -E_BAD_PROC);
	EXPECT_EQ(do_kill(MAX_PID + 5), -E_BAD_PROC);
	for (unsigned round = 0; round < 100; round++) {
		pid = kernel_thread(thread_wait_for_stop, NULL, 0);
		EXPECT(pid > 1);
		if (round % 2 == 0)
			yield(); /* it sleeps already, or has not begun */
		EXPECT_EQ(do_kill(pid), 0);
		EXPECT_EQ(do_wait(pid, &code), pid);
		EXPECT_EQ(code, 77);
	}
	EXPECT_EQ(do_kill(pid), -E_BAD_PROC);
	check_kill_lender();
	quiet_state_expect(&before);
}

/* A thread that is killed while it waits for its child gets -E_KILLED. */
static int
thread_wait_for_child(void *arg)
{
	int child = kernel_thread(thread_wait_for_stop, NULL, 0);
	int ret;

	*(volatile int *)arg = child;
	ret = do_wait(child, NULL);
	return ret == -E_KILLED ? 55 : 1;
}

/* -- a dying child leaves its CPU to the parent --------------------------------- */

static struct hand_over {
	struct proc_struct *parent;
	struct timer timer;
	unsigned cpu;
	unsigned bystander_ran, moved;
	bool in_transit; /* what the child is to make of its parent */
} hand_over;

static int
thread_bystander(void *arg)
{
	atomic_store(&hand_over.bystander_ran, 1u);
	return 0;
}

/* Somebody who was just moving the parent goes on with it. */
static void
finish_move(struct timer *timer)
{
	atomic_store(&hand_over.moved, 1u);
	atomic_store(&hand_over.parent->state, (enum proc_state)PROC_SLEEPING);
	wakeup_proc(hand_over.parent);
}

static int
thread_die_alone(void *arg)
{
	while (atomic_load(&hand_over.parent->state) != PROC_SLEEPING)
		(void)sleep_ticks(1);
	if (hand_over.in_transit) {
		timer_init(&hand_over.timer, finish_move);
		timer_arm(&hand_over.timer, 3);
		/* As in wakeup_proc between two locks. */
		atomic_store(&hand_over.parent->state,
			     (enum proc_state)PROC_RUNNABLE);
	}
	return 5;
}

/* Waits for a child that dies on that CPU. */
static void
wait_for_death_on(unsigned cpu)
{
	int pid = kernel_thread_on(cpu, "dies", thread_die_alone, NULL);
	int code = 0;

	if (!EXPECT(pid > 0))
		return;
	EXPECT_EQ(do_wait(pid, &code), pid);
	EXPECT_EQ(code, 5);
	EXPECT_EQ(arch_cpu_id(), hand_over.cpu);
}

/* The child is queued, then the bystander; the child dies, and only then is the
 * parent woken. */
static void
wait_in_front_of_bystander(void)
{
	int pid = kernel_thread_on(hand_over.cpu, "dies", thread_return, NULL);
	int bystander = kernel_thread_on(hand_over.cpu, "bystander",
					 thread_bystander, NULL);

	EXPECT(pid > 0 && bystander > 0);
	EXPECT_EQ(do_wait(pid, NULL), pid);
	EXPECT_EQ(atomic_load(&hand_over.bystander_ran), 1);
	EXPECT_EQ(do_wait(bystander, NULL), bystander);
}

static int
thread_hand_over_parent(void *arg)
{
	hand_over.parent = current;
	/* Alone on this CPU. */
	wait_for_death_on(hand_over.cpu);
	/* Who was queued before the parent was woken runs before it. */
	wait_in_front_of_bystander();
	/* The parent is RUNNABLE and in no queue: somebody else moves it. */
	hand_over.in_transit = true;
	wait_for_death_on(hand_over.cpu);
	EXPECT_EQ(hand_over.moved, 1);
	hand_over.in_transit = false;
	/* The parent's CPU is another one. */
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		wait_for_death_on(cpu);
	return 0;
}

#define RACE_ROUNDS 2000

/* Killed while its child dies elsewhere: it gets the one or the other. */
static int
thread_race_parent(void *arg)
{
	int pid = kernel_thread_on(nr_cpus - 1, "dies", thread_return, NULL);
	int ret = do_wait(pid, NULL);

	return ret == pid || ret == -E_KILLED ? 0 : ret;
}

static void
race_kill_and_death(void)
{
	unsigned nr_wrong = 0;

	for (unsigned round = 0; round < RACE_ROUNDS; round++) {
		int pid = kernel_thread_on(nr_cpus > 2 ? 1 : 0, "race",
					   thread_race_parent, NULL);
		int code = 0;

		if (!EXPECT(pid > 0))
			return;
		for (unsigned spin = 0; spin < round % 512; spin++)
			arch_cpu_relax();
		EXPECT_EQ(do_kill(pid), 0);
		EXPECT_EQ(do_wait(pid, &code), pid);
		nr_wrong += code != 0;
	}
	EXPECT_EQ(nr_wrong, 0);
}

void
check_hand_over(void)
{
	struct quiet_state before = quiet_state_take();
	unsigned patience = 300;
	int pid;

	hand_over = (struct hand_over){ .cpu = nr_cpus - 1 };
	pid = kernel_thread_on(hand_over.cpu, "hand over",
			       thread_hand_over_parent, NULL);
	EXPECT(pid > 0);
	EXPECT_EQ(do_wait(pid, NULL), pid);
	race_kill_and_death();
	/* Orphans are init's to reap. */
	while (nr_process() > before.nr_process && patience-- > 0)
		(void)sleep_ticks(1);
	quiet_state_expect(&before);
}

static bool
is_alive(int pid)
{
	irq_state_t irqs = spin_lock_irqsave(&proc_lock);
	bool alive = find_proc(pid) != NULL;

	spin_unlock_irqrestore(&proc_lock, irqs);
	return alive;
}

/* Leaves a dead child behind, and init asleep. */
static int
thread_leave_zombie(void *arg)
{
	int pid = kernel_thread(thread_return, NULL, 0);

	(void)sleep_ticks(2);
	return pid > 0 ? 0 : pid;
}

/* An orphan goes to init, who reaps it without being asked. */
void
check_orphans(void)
{
	struct quiet_state before = quiet_state_take();
	volatile int orphan = 0;
	int pid, code = 0;

	pid = kernel_thread(thread_wait_for_child, (void *)&orphan, 0);
	while (atomic_load(&orphan) == 0)
		(void)sleep_ticks(1);
	EXPECT_EQ(do_wait(orphan, NULL), -E_BAD_PROC); /* not our child */
	EXPECT_EQ(do_kill(pid), 0);
	EXPECT_EQ(do_wait(pid, &code), pid);
	EXPECT_EQ(code, 55);
	EXPECT(is_alive(orphan));
	EXPECT_EQ(do_wait(orphan, NULL), -E_BAD_PROC); /* but init's */
	EXPECT_EQ(do_kill(orphan), 0);
	while (nr_process() > before.nr_process)
		(void)sleep_ticks(1);
	EXPECT(!is_alive(orphan));
	pid = kernel_thread(thread_leave_zombie, NULL, 0);
	EXPECT_EQ(do_wait(pid, &code), pid);
	EXPECT_EQ(code, 0);
	for (unsigned i = 0; i < 100 && nr_process() > before.nr_process; i++)
		(void)sleep_ticks(1);
	quiet_state_expect(&before);
}

/* -- pids and limits ------------------------------------------------------------ */

/* find_proc: in range, alive, and nothing else. */
void
check_find_proc(void)
{
	irq_state_t irqs = spin_lock_irqsave(&proc_lock);

	EXPECT(find_proc(1) == initproc);
	EXPECT(find_proc(0) == NULL);
	EXPECT(find_proc(-1) == NULL);
	EXPECT(find_proc(MAX_PID) == NULL);
	EXPECT(find_proc(MAX_PID - 1) == NULL);
	spin_unlock_irqrestore(&proc_lock, irqs);
}

/* More births than there are pids: ascending, wrapping in [1, MAX_PID), never
 * the pid of a living one. */
void
check_pid_wrap(void)
{
	struct quiet_state before = quiet_state_take();
	int first = kernel_thread(thread_wait_for_stop, NULL, 0);
	unsigned nr_wraps = 0;
	int last = first;

	for (unsigned i = 0; i < MAX_PID + 100; i++) {
		int pid = kernel_thread(thread_return, NULL, 0);

		if (!EXPECT(pid > 0 && pid < MAX_PID && pid != first) ||
		    !EXPECT_EQ(do_wait(pid, NULL), pid))
			break;
		nr_wraps += pid < last;
		last = pid;
	}
	EXPECT_EQ(nr_wraps, 1);
	EXPECT_EQ(do_kill(first), 0);
	EXPECT_EQ(do_wait(first, NULL), first);
	quiet_state_expect(&before);
}

static int
thread_bear_one(void *arg)
{
	int pid = kernel_thread(thread_return, NULL, 0);

	return pid > 0 && do_wait(pid, NULL) == pid ? 0 : pid;
}

/* No CPU lacks a stack slot because of the stacks that lie idle at another. */
static void
expect_births_on_each_cpu(void)
{
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		int pid = kernel_thread_on(cpu, "bears", thread_bear_one, NULL);
		int code = -1;

		EXPECT(pid > 0);
		EXPECT_EQ(do_wait(pid, &code), pid);
		EXPECT_EQ(code, 0);
	}
}

/* As many threads as may be, all alive at once, pids unique, one more refused, and
 * all of it given back. On one CPU, so that all idle stacks are there. */
static int
thread_fill_up(void *arg)
{
	static unsigned char seen[MAX_PID / 8];
	size_t nr = 0, nr_twice = 0, want = process_limit() - nr_process();
	int pid;

	memset(seen, 0, sizeof(seen));
	for (;;) {
		pid = kernel_thread(thread_wait_for_stop, NULL, 0);
		if (pid < 0)
			break;
		nr_twice += (seen[pid / 8] >> (pid % 8)) & 1;
		seen[pid / 8] |= (unsigned char)(1u << (pid % 8));
		nr++;
	}
	printk("# thread_limit: %zu alive at once, then %s\n", nr_process(),
	       error_name(pid));
	EXPECT_EQ(nr_twice, 0);
	EXPECT(pid == -E_NO_FREE_PROC ? nr == want : pid == -E_NO_MEM);
	for (pid = 1; pid < MAX_PID; pid++) {
		if ((seen[pid / 8] >> (pid % 8)) & 1) {
			EXPECT_EQ(do_kill(pid), 0);
			EXPECT_EQ(do_wait(pid, NULL), pid);
		}
	}
	return 0;
}

void
check_thread_limit(void)
{
	struct quiet_state before = quiet_state_take();
	int pid = kernel_thread_on(0, "fills up", thread_fill_up, NULL);

	EXPECT(pid > 0);
	EXPECT_EQ(do_wait(pid, NULL), pid);
	expect_births_on_each_cpu();
	quiet_state_expect(&before);
}
