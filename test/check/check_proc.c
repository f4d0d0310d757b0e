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

/* -- birth -------------------------------------------------------------------- */

/* A control block starts defined in every byte, whatever its memory held. */
void
check_alloc_proc(void)
{
	struct proc_struct *proc = alloc_proc(), *again;
	uintptr_t kstack = 0;
	const char *bytes;
	size_t nr_dirty = 0;

	if (!EXPECT(proc != NULL))
		return;
	/* Leave dirt behind, name and its last byte included. */
	kstack = proc->kstack;
	memset(proc, 0xa5, sizeof(*proc));
	proc->kstack = kstack;
	free_proc(proc);
	again = alloc_proc();
	if (!EXPECT(again != NULL))
		return;
	EXPECT_EQ(again->state, PROC_UNINIT);
	EXPECT_EQ(again->pid, -1);
	EXPECT(again->cr3.addr == boot_cr3.addr);
	EXPECT_EQ(again->bound_cpu, CPU_ANY);
	EXPECT(again->runs == 0 && again->kstack == kstack &&
	       again->flags == 0);
	EXPECT(again->need_resched == 0 && again->preempt_count == 0);
	EXPECT(again->parent == NULL && again->mm == NULL && again->tf == NULL);
	EXPECT(list_empty(&again->children) && list_empty(&again->zombies));
	for (size_t i = 0; i < sizeof(again->name); i++)
		nr_dirty += again->name[i] != '\0';
	EXPECT_EQ(nr_dirty, 0);
	bytes = (const char *)&again->context;
	for (size_t i = 0; i < sizeof(again->context); i++)
		nr_dirty += bytes[i] != 0;
	EXPECT_EQ(nr_dirty, 0);
	free_proc(again);
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

static int
thread_wait_for_stop(void *arg)
{
	while (!kthread_should_stop())
		(void)sleep_ticks(WAIT_FOR_EVER);
	return 77;
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
