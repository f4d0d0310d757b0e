/*
 * Checks of birth: what a control block holds at its start, and what becomes of
 * the stacks of those who were before. (Births that fail: check_failures.c.)
 */
#include <kernel/check.h>
#include <kernel/page.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/tlb.h>
#include "kmem/front.h"
#include "../../core/proc/internal.h"
#include "check_threads.h"

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
	EXPECT(proc->space == &kernel_space);
	EXPECT_EQ(proc->bound_cpu, CPU_ANY);
	EXPECT(proc->cpu == 0 && !proc->on_rq && proc->on_cpu == 0);
	EXPECT(proc->runs == 0 && proc->cycles == 0 && proc->time_slice == 0);
	EXPECT(proc->need_resched == 0 && proc->preempt_count == 0);
	EXPECT(proc->held == NULL && proc->irq_depth == 0 &&
	       proc->nr_traps == 0);
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

/* Of a thread that is not started yet, no account is read: no lock guards it. */
static void
expect_no_usage(struct proc_struct *proc)
{
	uint64_t cycles = 1;
	unsigned runs = 1;

	proc->runs = 7;
	proc->cycles = -(uint64_t)7;
	sched_usage(proc, &runs, &cycles);
	EXPECT(runs == 0 && cycles == 0);
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
	expect_no_usage(fresh);
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
	struct quiet_state before;
	static int pids[CROWD];
	size_t nr_kept, nr_free, nr_released;
	unsigned nr_flushes;

	if (process_limit() < nr_process() + CROWD ||
	    nr_free_pages() < 2 * CROWD * (size_t)ARCH_KSTACK_PAGES) {
		check_skip("needs some hundred threads");
		return;
	}
	before = quiet_state_take();
	EXPECT_EQ(proc_nr_kept(), 0);
	for (unsigned i = 0; i < CROWD; i++) {
		pids[i] = kernel_thread(thread_wait_for_stop, NULL, 0);
		EXPECT(pids[i] > 0);
	}
	EXPECT_EQ(proc_nr_kept(), 0);
	workers_hold();
	end_crowd(pids, false);
	nr_kept = proc_nr_kept();
	nr_free = nr_free_pages();
	nr_flushes = atomic_load(&kernel_space.generation);
	nr_released = proc_release_kept();
	nr_flushes = atomic_load(&kernel_space.generation) - nr_flushes;
	page_drain_all();
	printk("# idle_stacks: %zu of %u dead threads' stacks were kept, %zu pages released\n",
	       nr_kept, CROWD - CROWD / SURVIVOR_EACH, nr_released);
	EXPECT_EQ(proc_nr_kept(), 0);
	EXPECT_EQ(nr_released, nr_kept * ARCH_KSTACK_PAGES);
	EXPECT(nr_free_pages() >= nr_free + nr_released);
	/* Each stack was forgotten by all CPUs before its pages were free. */
	EXPECT(nr_flushes >= nr_kept);
	EXPECT(keeps ? nr_kept > CROWD / 2 : nr_kept == 0);
	end_crowd(pids, true);
	/* What the reaper calls does it too, when there are many. */
	for (unsigned i = 0; i < CROWD; i++)
		pids[i] = kernel_thread(thread_wait_for_stop, NULL, 0);
	end_crowd(pids, true);
	proc_reap_kept();
	EXPECT_EQ(proc_nr_kept(), 0);
	workers_go();
	quiet_state_expect(&before);
}

/* -- births where there is hardly room ------------------------------------------- */

#define CROWDED_BIRTHS 200000
#define PARTY_MAX 128

/* A breeder on each CPU; together they never have more children than `room`. */
static struct crowded {
	size_t room;
	unsigned long nr_left, nr_refused;
} crowded;

/* Some of the room there is: a share that differs each time. */
static size_t
take_room(unsigned *seed)
{
	size_t room = atomic_load(&crowded.room), nr;

	do {
		if (room == 0)
			return 0;
		*seed = *seed * 1103515245u + 12345u;
		nr = 1 + (*seed >> 16) % MIN(room, (size_t)PARTY_MAX);
	} while (!atomic_compare_exchange(&crowded.room, &room, room - nr));
	return nr;
}

/* That many children at once; returns how many births were refused. */
static unsigned
have_party(size_t nr)
{
	unsigned nr_refused = 0;
	int pids[PARTY_MAX];

	for (size_t i = 0; i < nr; i++) {
		pids[i] = kernel_thread(thread_wait_for_stop, NULL, 0);
		nr_refused += pids[i] < 0;
	}
	for (size_t i = 0; i < nr; i++)
		if (pids[i] > 0 && do_kill(pids[i]) == 0)
			EXPECT_EQ(do_wait(pids[i], NULL), pids[i]);
	return nr_refused;
}

static int
thread_breed_crowded(void *arg)
{
	unsigned seed = (unsigned)current->pid;

	while ((long)atomic_load(&crowded.nr_left) > 0) {
		size_t nr = take_room(&seed);

		(void)atomic_add(&crowded.nr_refused,
				 (unsigned long)have_party(nr));
		(void)atomic_sub(&crowded.nr_left, (unsigned long)nr);
		(void)atomic_add(&crowded.room, nr);
		if (nr == 0)
			yield();
	}
	return 0;
}

/*
 * Below the limit no birth is refused, whatever dies and is born on other CPUs
 * meanwhile: the stacks that the dead leave there take slots and memory.
 * check_args: births, and room, for a machine whose memory is the limit.
 */
void
check_crowded_births(void)
{
	struct quiet_state before = quiet_state_take();
	size_t room = process_limit() - nr_process() - nr_cpus;

	crowded = (struct crowded){
		.room = check_arg("room", room),
		.nr_left = check_arg("births", CROWDED_BIRTHS),
	};
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		EXPECT(kernel_thread_on(cpu, "breeder", thread_breed_crowded,
					NULL) > 0);
	while (do_wait(0, NULL) > 0)
		;
	printk("# crowded_births: %lu of %lu births refused, %zu threads at most\n",
	       crowded.nr_refused, check_arg("births", CROWDED_BIRTHS),
	       crowded.room + nr_cpus);
	EXPECT_EQ(crowded.nr_refused, 0);
	quiet_state_expect(&before);
}
