/*
 * Processes: the table of all of them.
 *
 * PROBLEM. Everything that runs has a process control block (struct
 * proc_struct, <kernel/thread.h>). It must be found by pid, listed, counted,
 * and belong to a family, while processes are born and die on all CPUs.
 *
 * MODEL. A process is in five places at once, or in none:
 *
 *	pids_taken   its pid is set		(pid.c)
 *	hash_list    by pid: find_proc		O(1)
 *	proc_list    all, oldest first		ps
 *	parent       ->children or ->zombies	do_wait
 *	nr_process   counted
 *
 * proc_publish() puts it into all of them under proc_lock with interrupts off,
 * so nobody sees it half done, and starts it; proc_unpublish() takes it out again.
 * Its life:
 *
 *	alloc_proc --> UNINIT --start--> RUNNABLE <--> SLEEPING
 *	                                     | do_exit
 *	free_proc <-- do_wait (parent) <-- ZOMBIE
 *
 *	fork.c birth	exit.c death and waiting	control_block.c, kstack.c memory
 *
 * INVARIANTS. nr_process is the number of processes in proc_list plus those
 * whose memory is just being given back; it never exceeds the limit. Every
 * process in the list has a parent in the list, or idle. A pointer from
 * find_proc is good while proc_lock is held, no longer.
 *
 * LOCKING. proc_lock (rank PROC) is the outermost of the locks taken with
 * interrupts off. Under it threads are woken (whoever is killed; init, when orphans
 * come to it), which takes a run-queue lock; no other lock is taken. Idle threads (pid
 * 0, one a CPU, static) are in none of the places.
 *
 * COST. Birth and death touch a constant number of lines; only the end of a
 * process with children costs per child.
 */
#include <kernel/option.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include "internal.h"

#define HASH_LIST_SIZE 1024
BUILD_ASSERT(IS_POWER_OF_2(HASH_LIST_SIZE));

struct spinlock proc_lock = SPINLOCK_INIT(LOCK_RANK_PROC, "proc");
struct proc_struct *initproc;
size_t nr_processes;
unsigned proc_limit = DEFAULT_PROCESS_LIMIT;

static struct list proc_list = LIST_INIT(proc_list);
static struct list hash_list[HASH_LIST_SIZE];

size_t
nr_process(void)
{
	return atomic_load_relaxed(&nr_processes);
}

size_t
process_limit(void)
{
	return proc_limit;
}

size_t
proc_nr_kept(void)
{
	size_t nr = kstack_nr(), nr_used = nr_process();

	/* Births under way have a stack and do not count yet. */
	return nr > nr_used ? nr - nr_used : 0;
}

/* -- the five places ---------------------------------------------------------- */

static inline struct list *
hash_head(int pid)
{
	return &hash_list[(unsigned)pid & (HASH_LIST_SIZE - 1)];
}

/* Into all of them. */
static inline int
enter_table(struct proc_struct *proc, struct proc_struct *parent)
	REQUIRES(proc_lock)
{
	int pid = get_pid();

	proc->pid = pid;
	proc->parent = parent;
	list_add_tail(&parent->children, &proc->sibling);
	list_add(hash_head(pid), &proc->hash_link);
	list_add_tail(&proc_list, &proc->list_link);
	(void)atomic_add(&nr_processes, 1);
	return pid;
}

/* The limit is looked at again where it counts. */
int
proc_publish(struct proc_struct *proc)
{
	irq_state_t irqs = spin_lock_irqsave(&proc_lock);
	int pid;

	if (unlikely(proc_limit_reached())) {
		spin_unlock_irqrestore(&proc_lock, irqs);
		return -E_NO_FREE_PROC;
	}
	pid = enter_table(proc, current);
	spin_unlock_irqs_off(&proc_lock);
	sched_start(proc);
	local_intr_restore(irqs);
	return pid;
}

void
proc_unpublish(struct proc_struct *proc)
{
	debug_assert(spin_is_held(&proc_lock));
	list_unlink(&proc->list_link);
	list_unlink(&proc->hash_link);
	list_unlink(&proc->sibling);
	put_pid(proc->pid);
}

struct proc_struct *
find_proc(int pid)
{
	struct list *head, *pos;

	debug_assert(spin_is_held(&proc_lock));
	if (unlikely(pid <= 0 || pid >= MAX_PID))
		return NULL;
	head = hash_head(pid);
	list_for_each(pos, head) {
		struct proc_struct *proc =
			list_entry(pos, struct proc_struct, hash_link);

		if (proc->pid == pid)
			return proc;
	}
	return NULL;
}

size_t
proc_snapshot(struct proc_info *info, size_t max)
{
	irq_state_t irqs = spin_lock_irqsave(&proc_lock);
	struct list *pos;
	size_t nr = 0;

	list_for_each(pos, &proc_list) {
		struct proc_struct *proc =
			list_entry(pos, struct proc_struct, list_link);

		if (nr < max) {
			info[nr] = (struct proc_info){
				.pid = proc->pid,
				.parent = proc->parent->pid,
				.state = atomic_load_relaxed(&proc->state),
				.cpu = atomic_load_relaxed(&proc->cpu),
				.bound_cpu = proc->bound_cpu,
				.wait_state =
					atomic_load_relaxed(&proc->wait_state),
			};
			sched_usage(proc, &info[nr].runs, &info[nr].cycles);
			memcpy(info[nr].name, proc->name, sizeof(proc->name));
		}
		nr++;
	}
	spin_unlock_irqrestore(&proc_lock, irqs);
	return nr;
}

void
proc_visit_stacks(void (*fn)(const void *from, const void *to))
{
	irq_state_t irqs = spin_lock_irqsave(&proc_lock);
	struct list *pos;

	list_for_each(pos, &proc_list) {
		const struct proc_struct *proc =
			list_entry(pos, struct proc_struct, list_link);

		if (proc->kstack == 0 || proc->state == PROC_ZOMBIE ||
		    atomic_load_relaxed(&proc->on_cpu) != 0)
			continue;
		fn((const void *)arch_context_sp(&proc->context),
		   (const void *)(proc->kstack +
				  ARCH_KSTACK_PAGES * PAGE_SIZE));
	}
	spin_unlock_irqrestore(&proc_lock, irqs);
}

/* -- setting up ----------------------------------------------------------------- */

const struct boot_option threads_option = {
	.name = "threads",
	.help = "how many threads there may be at once",
	.kind = OPTION_NUMBER,
	.number = { .value = &proc_limit,
		    .min = PROCESS_LIMIT_MIN,
		    .max = MAX_PROCESS },
};

int
process_limit_check(unsigned nr_of_cpus)
{
	unsigned min = nr_of_cpus + PROCESS_LIMIT_SPARE;
	/* The default does with any memory. */
	size_t max = MAX(nr_managed_pages(), (size_t)DEFAULT_PROCESS_LIMIT);

	if (proc_limit >= min && proc_limit <= max)
		return 0;
	printk("boot: threads=%u: with %u CPUs and %zu pages of memory it can "
	       "be %u..%zu; it becomes %u\n",
	       proc_limit, nr_of_cpus, nr_managed_pages(),
	       MAX(min, (unsigned)PROCESS_LIMIT_MIN),
	       MIN(max, (size_t)MAX_PROCESS), DEFAULT_PROCESS_LIMIT);
	proc_limit = DEFAULT_PROCESS_LIMIT;
	return -E_INVAL;
}

void
proc_init(thread_fn *init_main)
{
	static char greeting[] = "Hello world!!";
	irq_state_t irqs;
	int pid;

	for (unsigned i = 0; i < HASH_LIST_SIZE; i++)
		list_init(&hash_list[i]);
	kstack_init(proc_limit);
	control_block_init();

	pid = kernel_thread_on(CPU_ANY, "init", init_main, greeting);
	if (pid < 0)
		panic("proc_init: no thread for init: %s", error_name(pid));
	assert(pid == 1);
	irqs = spin_lock_irqsave(&proc_lock);
	initproc = find_proc(pid);
	spin_unlock_irqrestore(&proc_lock, irqs);
	assert(current == &idle_threads[0] && current->pid == 0);
	assert(initproc != NULL && initproc->pid == 1);
}
