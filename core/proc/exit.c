/*
 * Death: do_exit, do_wait, do_kill.
 *
 * A thread cannot free the stack it stands on. So it ends in two halves: do_exit
 * gives away what it can (children to init), leaves its exit code and itself
 * as a ZOMBIE in its parent's list of dead children, and schedules for the last
 * time; do_wait, in the parent, takes the zombie out, and frees stack and control
 * block - after the dead thread has left its stack, which on another CPU may
 * still take a moment (on_cpu).
 *
 * The parent sleeps with wait_state WT_CHILD, set under proc_lock, under which
 * a child also becomes a zombie: the wake-up cannot be lost.
 *
 * do_kill only asks. The flag is set, and a thread whose sleep allows it
 * (WT_INTERRUPTIBLE) wakes up and finds it; who never looks, never ends.
 */
#include "internal.h"

static void
wake_parent(struct proc_struct *parent) REQUIRES(proc_lock)
{
	if (atomic_load_relaxed(&parent->wait_state) & WT_CHILD)
		wakeup_proc(parent);
}

static void
adopt_by_init(struct list *orphans, struct list *family) REQUIRES(proc_lock)
{
	struct list *pos;

	list_for_each(pos, orphans)
		list_entry(pos, struct proc_struct, sibling)->parent = initproc;
	list_splice_tail(family, orphans);
}

/* From here on the thread is its parent's to reap; it only has to go. */
static void
become_zombie(struct proc_struct *self, int code) REQUIRES(proc_lock)
{
	self->exit_code = code;
	list_del(&self->sibling);
	list_add_tail(&self->parent->zombies, &self->sibling);
	set_current_state(PROC_ZOMBIE);
	wake_parent(self->parent);
}

void
do_exit(int code)
{
	struct proc_struct *self = current;

	assert(self != initproc && self->pid > 0);
	(void)spin_lock_irqsave(&proc_lock);
	if (!list_empty(&self->zombies)) {
		adopt_by_init(&self->zombies, &initproc->zombies);
		wake_parent(initproc);
	}
	if (!list_empty(&self->children))
		adopt_by_init(&self->children, &initproc->children);
	become_zombie(self, code);
	/* Interrupts stay off: nothing may run on this stack but the way out. */
	spin_unlock_irqrestore(&proc_lock, false);
	schedule();
	panic("do_exit: zombie %d was scheduled", self->pid);
}

/*
 * A zombie that do_wait(pid) may reap now: *zombie. 0: there are children to
 * wait for. -E_BAD_PROC: there never will be. *child remembers the one with
 * this pid between calls: only its parent, the caller, can make it go away.
 */
static int
look_for_zombie(int pid, struct proc_struct **child,
		struct proc_struct **zombie) REQUIRES(proc_lock)
{
	struct proc_struct *self = current;

	*zombie = NULL;
	if (pid == 0) {
		if (!list_empty(&self->zombies))
			*zombie = list_first_entry(&self->zombies,
						   struct proc_struct, sibling);
		else if (list_empty(&self->children))
			return -E_BAD_PROC;
		return 0;
	}
	if (*child == NULL)
		*child = find_proc(pid);
	if (*child == NULL || (*child)->parent != self)
		return -E_BAD_PROC;
	if (atomic_load_relaxed(&(*child)->state) == PROC_ZOMBIE)
		*zombie = *child;
	return 0;
}

/* The zombie is in no list any more: nobody else knows it. */
static void
reap(struct proc_struct *zombie)
{
	sched_wait_off_cpu(zombie);
	arch_thread_discard(&zombie->context);
	free_proc(zombie);
	proc_count_down();
}

int
do_wait(int pid, int *code)
{
	struct proc_struct *self = current, *child = NULL, *zombie;
	irq_state_t irqs;
	int ret;

	debug_assert(may_sleep());
	for (;;) {
		irqs = spin_lock_irqsave(&proc_lock);
		ret = look_for_zombie(pid, &child, &zombie);
		if (zombie != NULL || ret != 0)
			break;
		if (atomic_load_relaxed(&self->flags) & PF_KILLED) {
			ret = -E_KILLED;
			break;
		}
		atomic_store_relaxed(&self->wait_state,
				     (unsigned)(WT_CHILD | WT_INTERRUPTIBLE));
		set_current_state(PROC_SLEEPING);
		spin_unlock_irqrestore(&proc_lock, irqs);
		schedule();
	}
	atomic_store_relaxed(&self->wait_state, (unsigned)WT_NONE);
	if (zombie != NULL) {
		proc_unpublish(zombie);
		if (zombie->cpu != self->cpu)
			atomic_count(&run_queues[self->cpu].nr_remote_reaps, 1);
	}
	spin_unlock_irqrestore(&proc_lock, irqs);
	if (zombie == NULL)
		return ret;
	ret = zombie->pid;
	if (code != NULL)
		*code = zombie->exit_code;
	reap(zombie);
	return ret;
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
