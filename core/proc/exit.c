/*
 * The death of a process: do_exit, do_wait, do_kill.
 *
 * A thread cannot free the stack it stands on. So it ends in two halves: do_exit
 * gives away what it can (children to init), leaves its exit code and itself
 * as a ZOMBIE in its parent's list of dead children, and schedules for the last
 * time; do_wait, in the parent, takes the zombie out, and frees stack and control
 * block - after the dead thread has left its stack, which on another CPU may
 * still take a moment (on_cpu).
 *
 * HANDING OVER. A parent that sleeps in do_wait() says for whom, in a struct
 * child_wait on its stack. The child that it waits for does the parent's part
 * of the work, since it holds the lock already: it takes itself out of the
 * table, puts itself into child_wait, and leaves the CPU to the parent, who
 * finds what it wanted without taking the lock again:
 *
 *	parent: do_wait			child: do_exit
 *	lock; child_wait = mine
 *	SLEEPING; unlock; schedule	lock; out of the table
 *	   ...				mine.zombie = self; child_wait = NULL
 *	mine.zombie: reap		unlock; sched_exit(parent)
 *
 * Both set and look under proc_lock: no wake-up is lost. A parent that is woken
 * for another reason (do_kill, an orphan for init) and finds nothing handed over
 * takes the lock and looks at everything again. And it stays where it is as
 * long as the child needs it: it has to wait until the child is off its CPU.
 *
 * do_kill only asks. The flag is set, and a thread whose sleep allows it
 * (WT_INTERRUPTIBLE) wakes up and finds it; who never looks, never ends.
 */
#include <kernel/tlb.h>

#include "internal.h"

/* What a parent sleeps for in do_wait. */
struct child_wait {
	int pid;		    /* 0: any child */
	struct proc_struct *zombie; /* (p) who was handed over */
};

static void
adopt_by_init(struct list *orphans, struct list *family) REQUIRES(proc_lock)
{
	struct list *pos;

	list_for_each(pos, orphans)
		list_entry(pos, struct proc_struct, sibling)->parent = initproc;
	list_splice_tail(family, orphans);
}

/* The zombie leaves the table, to be reaped by `parent`. */
static void
leave_table(struct proc_struct *zombie, const struct proc_struct *parent)
	REQUIRES(proc_lock)
{
	unsigned cpu = atomic_load_relaxed(&parent->cpu);

	proc_unpublish(zombie);
	if (unlikely(zombie->cpu != cpu))
		atomic_count(&run_queues[cpu].nr_remote_reaps, 1);
}

/*
 * From here on the thread is its parent's to reap; it only has to go. Returns the
 * parent if it is to be woken: it waits for this one, and has got it.
 */
static struct proc_struct *
become_zombie(struct proc_struct *self, int code) REQUIRES(proc_lock)
{
	struct proc_struct *parent = self->parent;
	struct child_wait *wait = parent->child_wait;

	self->exit_code = code;
	atomic_store_relaxed(&self->state, (enum proc_state)PROC_ZOMBIE);
	if (wait == NULL || (wait->pid != 0 && wait->pid != self->pid)) {
		list_del(&self->sibling);
		list_add_tail(&parent->zombies, &self->sibling);
		return NULL;
	}
	leave_table(self, parent);
	parent->child_wait = NULL;
	atomic_store_relaxed(&parent->wait_state, (unsigned)WT_NONE);
	atomic_store(&wait->zombie, self);
	return parent;
}

/* Children, living and dead, go to init. */
static void
leave_orphans(struct proc_struct *self) REQUIRES(proc_lock)
{
	if (!list_empty(&self->zombies)) {
		adopt_by_init(&self->zombies, &initproc->zombies);
		if (initproc->child_wait != NULL)
			wakeup_proc(initproc);
	}
	if (!list_empty(&self->children))
		adopt_by_init(&self->children, &initproc->children);
}

/* The calling thread has no FPU state and no space of its own any more. Interrupts on. */
static __noinline void
drop_user_state(void)
{
	sched_set_fpu(NULL);
	if (current->space != &kernel_space)
		space_unuse();
}

void
do_exit(int code)
{
	struct proc_struct *self = current, *heir;

	assert(self->pid > 1); /* neither idle nor init */
	/* One that was killed had no chance to. */
	if (unlikely(self->has_user_state != 0))
		drop_user_state();
	/* They stay off: nothing may run on this stack but the way out. */
	arch_irq_disable();
	spin_lock_irqs_off(&proc_lock);
	leave_orphans(self);
	heir = become_zombie(self, code);
	spin_unlock_irqs_off(&proc_lock);
	sched_exit(heir);
}

/*
 * A zombie that do_wait(pid) may reap now: *zombie. 0: there are children to
 * wait for. -E_BAD_PROC: there never will be.
 */
static int
look_for_zombie(int pid, struct proc_struct **zombie) REQUIRES(proc_lock)
{
	struct proc_struct *self = current, *child;

	*zombie = NULL;
	if (pid == 0) {
		if (!list_empty(&self->zombies))
			*zombie = list_first_entry(&self->zombies,
						   struct proc_struct, sibling);
		else if (list_empty(&self->children))
			return -E_BAD_PROC;
		return 0;
	}
	child = find_proc(pid);
	if (child == NULL || child->parent != self)
		return -E_BAD_PROC;
	if (atomic_load_relaxed(&child->state) == PROC_ZOMBIE)
		*zombie = child;
	return 0;
}

/* The caller is about to sleep, and says for whom. */
static void
begin_waiting(struct child_wait *wait, unsigned wait_state) REQUIRES(proc_lock)
{
	struct proc_struct *self = current;

	self->child_wait = wait;
	atomic_store_relaxed(&self->wait_state, wait_state);
	/* No barrier: who wakes us takes the lock first. */
	atomic_store_relaxed(&self->state, (enum proc_state)PROC_SLEEPING);
}

/* It is awake, and nothing was handed over before it took the lock. */
static void
end_waiting(void) REQUIRES(proc_lock)
{
	struct proc_struct *self = current;

	self->child_wait = NULL;
	atomic_store_relaxed(&self->wait_state, (unsigned)WT_NONE);
}

/* The zombie is in no list any more: nobody else knows it. */
static void
reap(struct proc_struct *zombie)
{
	sched_wait_off_cpu(zombie);
	free_proc(zombie);
	proc_count_down();
}

/* One who may be reaped, out of the table; sleeps in wait_state until there is
 * one. NULL: there will be none, for the reason in *err. */
static inline struct proc_struct *
wait_for_zombie(int pid, unsigned wait_state, int *err)
{
	struct child_wait wait = { .pid = pid };
	struct proc_struct *zombie;

	arch_irq_disable();
	spin_lock_irqs_off(&proc_lock);
	for (;;) {
		*err = look_for_zombie(pid, &zombie);
		if (zombie != NULL) {
			leave_table(zombie, current);
			break;
		}
		if (*err == 0 && (wait_state & WT_INTERRUPTIBLE) &&
		    (atomic_load_relaxed(&current->flags) & PF_KILLED))
			*err = -E_KILLED;
		if (*err != 0)
			break;
		begin_waiting(&wait, wait_state);
		spin_unlock_irqs_off(&proc_lock);
		schedule_irqs_off();
		zombie = atomic_load(&wait.zombie);
		if (likely(zombie != NULL)) {
			local_intr_restore(true);
			return zombie;
		}
		spin_lock_irqs_off(&proc_lock);
		end_waiting();
		zombie = wait.zombie; /* since we looked? */
		if (zombie != NULL)
			break;
	}
	spin_unlock_irqrestore(&proc_lock, true);
	return zombie;
}

/* There once, so that what it calls can be inlined. */
static __noinline int
wait_and_reap(int pid, unsigned wait_state, int *code)
{
	struct proc_struct *zombie;
	int ret;

	debug_assert(may_sleep());
	zombie = wait_for_zombie(pid, wait_state, &ret);
	if (zombie == NULL)
		return ret;
	ret = zombie->pid;
	if (code != NULL)
		*code = zombie->exit_code;
	reap(zombie);
	return ret;
}

int
do_wait(int pid, int *code)
{
	return wait_and_reap(pid, WT_CHILD | WT_INTERRUPTIBLE, code);
}

int
do_wait_unkillable(int pid, int *code)
{
	return wait_and_reap(pid, WT_CHILD, code);
}

int
kernel_thread_run(unsigned cpu, const char *name, thread_fn *fn, void *arg,
		  int *code)
{
	int pid = kernel_thread_on(cpu, name, fn, arg);

	if (pid < 0)
		return pid;
	pid = do_wait_unkillable(pid, code);
	assert(pid > 0);
	return 0;
}

int
do_kill(int pid)
{
	irq_state_t irqs = spin_lock_irqsave(&proc_lock);
	struct proc_struct *proc = find_proc(pid);
	int ret = 0;

	if (proc == NULL) {
		ret = pid == 0 ? -E_INVAL : -E_BAD_PROC;
	} else if (proc->parent->flags & PF_IDLE) {
		ret = -E_INVAL; /* init or a worker: the kernel's own */
	} else if (atomic_load_relaxed(&proc->state) != PROC_ZOMBIE) {
		/* Exchanges are full barriers: the sleeper sees the flag, or
		 * we see that it sleeps. */
		(void)__atomic_fetch_or(&proc->flags, (unsigned)PF_KILLED,
					__ATOMIC_SEQ_CST);
		if (atomic_load(&proc->wait_state) & WT_INTERRUPTIBLE)
			wakeup_proc(proc);
	}
	spin_unlock_irqrestore(&proc_lock, irqs);
	return ret;
}

bool
kthread_should_stop(void)
{
	return atomic_load_relaxed(&current->flags) & PF_KILLED;
}
