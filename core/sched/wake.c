/*
 * Waking: how a thread gets into a run queue.
 *
 *	sched_start	a new thread, for the first time
 *	wakeup_proc	a thread that sleeps
 *
 * Both choose a CPU, make the thread RUNNABLE under the lock of that CPU's run
 * queue, put it into the queue, and see to it that an idle CPU looks. A thread
 * that sleeps belongs to a run queue already and other CPUs may want to wake it
 * too: the lock of *that* queue is taken first, and the state decides. Nobody but
 * its parent can wake a new thread, so nothing is asked.
 *
 * The third way in is sched_exit() in sched.c: a dying thread leaves its CPU to
 * the parent that it wakes.
 *
 * LOCKING. As in sched.c: proc->cpu says whose lock guards a thread, and changes
 * only under that one, from sched_start() on. Moving a sleeper, wakeup_proc holds
 * one lock, then the other: in between the thread is RUNNABLE and in no queue, which
 * everybody else takes for "somebody is waking it".
 */
#include "internal.h"

unsigned
sched_idle_cpu(unsigned otherwise)
{
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		struct run_queue *rq = &run_queues[cpu];

		if (atomic_load(&rq->online) &&
		    atomic_load_relaxed(&rq->curr) == rq->idle &&
		    atomic_load_relaxed(&rq->nr_running) == 0)
			return cpu;
	}
	return otherwise;
}

/* Where a thread goes on: its own CPU if that is free (its caches are warm
 * there), else a free one, else its own. Without the lock it is a hint. */
static inline struct run_queue *
select_rq(struct run_queue *rq, const struct proc_struct *proc)
{
	if (nr_cpus == 1)
		return rq;
	if (proc->bound_cpu != CPU_ANY)
		return &run_queues[proc->bound_cpu];
	if (atomic_load_relaxed(&rq->curr) == rq->idle &&
	    atomic_load_relaxed(&rq->nr_running) == 0)
		return rq;
	return &run_queues[sched_idle_cpu(rq->cpu)];
}

/* Locks the run queue that `proc` belongs to, which may change until it is
 * locked. Interrupts off. */
static __always_inline struct run_queue *
lock_rq_of(const struct proc_struct *proc) NO_THREAD_SAFETY
{
	for (;;) {
		unsigned cpu = atomic_load_relaxed(&proc->cpu);
		struct run_queue *rq = &run_queues[cpu];

		__asm__("" : "+r"(rq)); /* as in this_rq() */
		spin_acquire(&rq->lock, true);
		if (likely(atomic_load_relaxed(&proc->cpu) == cpu))
			return rq;
		spin_release(&rq->lock);
	}
}

/* Puts a thread that was off into the queue; an idle CPU learns of it. */
static __always_inline void
activate(struct run_queue *rq, struct proc_struct *proc)
{
	bool remote;

	proc->on_rq = true;
	rq->class->enqueue(rq, proc);
	atomic_store_relaxed(&rq->nr_running, rq->nr_running + 1);
	remote = rq->cpu != arch_cpu_id();
	if (unlikely(remote))
		atomic_count(&rq->nr_remote_wakeups, 1);
	if (rq->curr == rq->idle) {
		set_need_resched(rq->idle);
		if (remote && atomic_load_relaxed(&rq->online))
			arch_cpu_kick(rq->cpu);
	}
}

/* From one run queue to another, of which the lock is held afterwards. */
static __noinline void
move(struct proc_struct *proc, struct run_queue *from,
     struct run_queue *to) NO_THREAD_SAFETY
{
	atomic_store_relaxed(&proc->cpu, to->cpu);
	spin_release(&from->lock);
	spin_acquire(&to->lock, true);
	atomic_count(&to->nr_migrations_in, 1);
}

void
sched_start(struct proc_struct *proc) NO_THREAD_SAFETY
{
	struct run_queue *rq;

	debug_assert(!arch_irqs_on());
	rq = &run_queues[proc->cpu];
	if (nr_cpus > 1) {
		rq = select_rq(rq, proc);
		atomic_store_relaxed(&proc->cpu, rq->cpu);
	}
	spin_acquire(&rq->lock, true);
	/* Who sees it started sees on which CPU: sched_usage(). */
	atomic_store(&proc->state, (enum proc_state)PROC_RUNNABLE);
	activate(rq, proc);
	spin_release(&rq->lock);
}

void
wakeup_proc(struct proc_struct *proc) NO_THREAD_SAFETY
{
	irq_state_t irqs = arch_irq_save();
	struct run_queue *rq = lock_rq_of(proc), *target;
	enum proc_state state = atomic_load_relaxed(&proc->state);

	assert(state != PROC_ZOMBIE);
	if (state != PROC_RUNNABLE) {
		atomic_store(&proc->state, (enum proc_state)PROC_RUNNABLE);
		if (!proc->on_rq) {
			target = select_rq(rq, proc);
			if (unlikely(target != rq)) {
				move(proc, rq, target);
				rq = target;
			}
			activate(rq, proc);
		}
	}
	spin_release(&rq->lock);
	local_intr_restore(irqs);
}

void
sched_usage(struct proc_struct *proc, unsigned *runs,
	    uint64_t *cycles) NO_THREAD_SAFETY
{
	irq_state_t irqs;
	struct run_queue *rq;

	*runs = 0;
	*cycles = 0;
	/* It is in the table already, but until it is started no lock guards
	 * it, and its CPU may still change. */
	if (atomic_load(&proc->state) == PROC_UNINIT)
		return;
	irqs = arch_irq_save();
	rq = lock_rq_of(proc);
	*runs = proc->runs;
	*cycles = proc->cycles;
	if (rq->curr == proc)
		*cycles += arch_cycles();
	spin_release(&rq->lock);
	local_intr_restore(irqs);
}
