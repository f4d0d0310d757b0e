/*
 * Checks of birth, life and death: what a control block holds at its start, every
 * error path of do_fork, waiting, killing, orphans, pids, limits.
 */
#include <kernel/check.h>
#include <kernel/failpoint.h>
#include <kernel/page.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include "../../core/kmem/internal.h"
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

static int
thread_wait_for_stop(void *arg)
{
	while (!kthread_should_stop())
		(void)sleep_ticks(WAIT_FOR_EVER);
	return 77;
}

/* -- birth -------------------------------------------------------------------- */

static size_t
nr_nonzero(const void *bytes, size_t n)
{
	const char *byte = bytes;
	size_t nr = 0;

	while (n-- > 0)
		nr += byte[n] != 0;
	return nr;
}

/* Every field as alloc_proc() promises it. */
static void
expect_start_values(const struct proc_struct *proc)
{
	EXPECT_EQ(proc->state, PROC_UNINIT);
	EXPECT_EQ(proc->pid, -1);
	EXPECT(proc->cr3.addr == boot_cr3.addr);
	EXPECT_EQ(proc->bound_cpu, CPU_ANY);
	EXPECT(proc->cpu == 0 && !proc->on_rq && proc->on_cpu == 0);
	EXPECT(proc->runs == 0 && proc->cycles == 0 && proc->time_slice == 0);
	EXPECT(proc->need_resched == 0 && proc->preempt_count == 0);
	EXPECT(proc->held == NULL && proc->trap_depth == 0);
	EXPECT(proc->flags == 0 && proc->exit_code == 0);
	EXPECT(proc->wait_state == WT_NONE && proc->child_wait == NULL);
	EXPECT(proc->parent == NULL && proc->mm == NULL && proc->tf == NULL);
	EXPECT(list_empty(&proc->children) && list_empty(&proc->zombies));
	EXPECT_EQ(nr_nonzero(proc->name, sizeof(proc->name)), 0);
	EXPECT_EQ(nr_nonzero(&proc->context, sizeof(proc->context)), 0);
}

struct dirt {
	struct proc_struct *proc;
	int orphan;
};

/* Leaves as much behind as a thread can: flags, a code, accounts, a name without
 * an end, a dead child and a living one. */
static int
thread_leave_dirt(void *arg)
{
	struct dirt *dirt = arg;
	struct proc_struct *self = current;

	if (kernel_thread(thread_return, NULL, 0) < 0)
		return 1;
	dirt->orphan = kernel_thread(thread_wait_for_stop, NULL, 0);
	atomic_store(&dirt->proc, self);
	while (!kthread_should_stop())
		(void)sleep_ticks(WAIT_FOR_EVER);
	memset(self->name, 'x', sizeof(self->name));
	return -77;
}

#define LOOK_AGAIN_MAX 64

/* Allocates until `wanted` comes, then gives all of it back; whether it came. */
static bool
look_for_again(const struct proc_struct *wanted)
{
	struct proc_struct *procs[LOOK_AGAIN_MAX];
	unsigned nr = 0;
	bool found = false;

	while (nr < LOOK_AGAIN_MAX && !found) {
		procs[nr] = alloc_proc();
		if (procs[nr] == NULL)
			break;
		expect_start_values(procs[nr]);
		found = procs[nr++] == wanted;
	}
	if (found && strcmp(kmem_backend_chosen()->name, "slab") == 0)
		EXPECT(wanted->kstack != 0);
	while (nr > 0)
		free_proc(procs[--nr]);
	return found;
}

/* A control block starts defined in every field, new or after a life. */
void
check_alloc_proc(void)
{
	struct quiet_state before = quiet_state_take();
	struct proc_struct *fresh = alloc_proc();
	struct dirt dirt = { .proc = NULL };
	int pid, code = 0;

	if (!EXPECT(fresh != NULL))
		return;
	expect_start_values(fresh);
	free_proc(fresh);
	pid = kernel_thread(thread_leave_dirt, &dirt, 0);
	if (!EXPECT(pid > 0))
		return;
	while (atomic_load(&dirt.proc) == NULL)
		(void)sleep_ticks(1);
	EXPECT_EQ(do_kill(pid), 0);
	EXPECT_EQ(do_wait(pid, &code), pid);
	EXPECT_EQ(code, -77);
	printk("# alloc_proc: the block of a dead thread %s again\n",
	       look_for_again(dirt.proc) ? "came" : "did not come");
	EXPECT_EQ(do_kill(dirt.orphan), 0);
	while (nr_process() > before.nr_process)
		(void)sleep_ticks(1);
	quiet_state_expect(&before);
}

/* Every allocation on the way to a running thread fails in turn: the right
 * error, and not a page or a count is missing afterwards. */
void
check_fork_failures(void)
{
	struct quiet_state before;
	unsigned nr_failures = 0;

	if (!KERNEL_DEBUG) {
		check_skip("failpoints are in debug builds only");
		return;
	}
	before = quiet_state_take();
	for (unsigned n = 1; n < 100; n++) {
		struct proc_struct *init_was = initproc;
		int pid, code = -1;
		bool fired;

		proc_release_kept(); /* so that memory is asked for */
		failpoint_arm(n);
		pid = kernel_thread(thread_return, (void *)7, 0);
		fired = failpoint_disarm();
		if (!fired) {
			EXPECT(pid > 0);
			EXPECT_EQ(do_wait(pid, &code), pid);
			EXPECT_EQ(code, 7);
			break;
		}
		nr_failures++;
		if (pid > 0 && nr_page_nodes > 1) {
			/* Another node helped out. */
			EXPECT_EQ(do_wait(pid, &code), pid);
			continue;
		}
		EXPECT_EQ(pid, -E_NO_MEM);
		EXPECT(initproc == init_was);
		EXPECT_EQ(nr_process(), before.nr_process);
		EXPECT_EQ(do_wait(0, NULL), -E_BAD_PROC);
		quiet_state_expect(&before);
	}
	printk("# fork_failures: %u allocations failed in turn\n", nr_failures);
	/* Control block, stack pages, the slot's mapping. */
	EXPECT(nr_failures >= 3);
	quiet_state_expect(&before);
}

/* -- the stacks of dead threads -------------------------------------------------- */

#define CROWD 200
#define SURVIVOR_EACH 5

static void
end_crowd(int pids[], bool survivors_too)
{
	for (unsigned i = 0; i < CROWD; i++) {
		if (pids[i] == 0 || (i % SURVIVOR_EACH == 0 && !survivors_too))
			continue;
		EXPECT_EQ(do_kill(pids[i]), 0);
		EXPECT_EQ(do_wait(pids[i], NULL), pids[i]);
		pids[i] = 0;
	}
}

/*
 * Dead threads leave their stacks to the next ones; under pressure all of them go
 * back, also those whose control blocks lie between those of living threads.
 */
void
check_idle_stacks(void)
{
	bool keeps = strcmp(kmem_backend_chosen()->name, "slab") == 0;
	struct quiet_state before = quiet_state_take();
	static int pids[CROWD];
	size_t nr_kept, nr_free, nr_released;

	EXPECT_EQ(proc_nr_kept(), 0);
	for (unsigned i = 0; i < CROWD; i++) {
		pids[i] = kernel_thread(thread_wait_for_stop, NULL, 0);
		EXPECT(pids[i] > 0);
	}
	EXPECT_EQ(proc_nr_kept(), 0);
	end_crowd(pids, false);
	nr_kept = proc_nr_kept();
	nr_free = nr_free_pages();
	nr_released = proc_release_kept();
	page_drain_all();
	printk("# idle_stacks: %zu of %u dead threads' stacks were kept, %zu pages released\n",
	       nr_kept, CROWD - CROWD / SURVIVOR_EACH, nr_released);
	EXPECT_EQ(proc_nr_kept(), 0);
	EXPECT_EQ(nr_released, nr_kept * ARCH_KSTACK_PAGES);
	EXPECT(nr_free_pages() >= nr_free + nr_released);
	EXPECT(keeps ? nr_kept > CROWD / 2 : nr_kept == 0);
	end_crowd(pids, true);
	/* The reaper does it too, when there are many. */
	for (unsigned i = 0; i < CROWD; i++)
		pids[i] = kernel_thread(thread_wait_for_stop, NULL, 0);
	end_crowd(pids, true);
	proc_reap_kept();
	EXPECT_EQ(proc_nr_kept(), 0);
	quiet_state_expect(&before);
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

static bool
is_alive(int pid)
{
	irq_state_t irqs = spin_lock_irqsave(&proc_lock);
	bool alive = find_proc(pid) != NULL;

	spin_unlock_irqrestore(&proc_lock, irqs);
	return alive;
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

/* As many threads as may be, all alive at once, pids unique, one more refused, and
 * all of it given back. */
void
check_thread_limit(void)
{
	static unsigned char seen[MAX_PID / 8];
	struct quiet_state before = quiet_state_take();
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
	quiet_state_expect(&before);
}
