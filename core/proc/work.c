/*
 * Deferred work: an interrupt queues it, a thread of the same CPU runs it.
 *
 * Each CPU has a list and one worker thread bound to it ("kworker/N"). Work
 * is on at most one list: `queued` goes 0 -> 1 atomically when it is put there, and
 * back to 0 before its function runs, so that it may be queued again from then on,
 * by itself too.
 *
 * LOCKING. queue->lock (rank WORK, interrupts off). The worker sleeps on its
 * own state, not on a wait queue: it is the only one to wake.
 */
#include <kernel/printk.h>
#include <kernel/work.h>
#include "internal.h"

struct work_queue_cpu {
	struct spinlock lock;	    /* guards all that follows */
	struct list pending;	    /* struct work, first come first served */
	struct proc_struct *worker; /* NULL: its thread has not run yet */
	bool ready;		    /* (c) since work_start() */
} __cacheline_aligned;

static struct work_queue_cpu work_queues[MAX_CPUS];

void
work_init(struct work *work, void (*fn)(struct work *))
{
	*work = (struct work){ .fn = fn };
}

static bool
work_queue_on(unsigned cpu, struct work *work)
{
	struct work_queue_cpu *queue = &work_queues[cpu];
	irq_state_t irqs;

	assert(queue->ready);
	if (atomic_exchange(&work->queued, 1u) != 0)
		return false;
	irqs = spin_lock_irqsave(&queue->lock);
	list_add_tail(&queue->pending, &work->link);
	if (queue->worker != NULL)
		wakeup_proc(queue->worker);
	spin_unlock_irqrestore(&queue->lock, irqs);
	return true;
}

bool
work_queue(struct work *work)
{
	irq_state_t irqs;
	bool queued;

	local_intr_save(irqs);
	queued = work_queue_on(arch_cpu_id(), work);
	local_intr_restore(irqs);
	return queued;
}

/* The next piece of work; NULL: there is none, and the caller is SLEEPING. */
static struct work *
work_take(struct work_queue_cpu *queue)
{
	irq_state_t irqs = spin_lock_irqsave(&queue->lock);
	struct work *work = NULL;

	if (list_empty(&queue->pending)) {
		set_current_state(PROC_SLEEPING);
	} else {
		work = list_first_entry(&queue->pending, struct work, link);
		list_del(&work->link);
		atomic_store(&work->queued, 0u);
	}
	spin_unlock_irqrestore(&queue->lock, irqs);
	return work;
}

static int
worker_main(void *arg)
{
	struct work_queue_cpu *queue = arg;
	irq_state_t irqs = spin_lock_irqsave(&queue->lock);

	queue->worker = current;
	spin_unlock_irqrestore(&queue->lock, irqs);
	while (!kthread_should_stop()) { /* nobody may ask it to: do_kill */
		struct work *work = work_take(queue);

		if (work != NULL)
			work->fn(work);
		else
			schedule();
	}
	return 0;
}

struct flush {
	struct work work;
	struct completion done;
};

static void
flush_done(struct work *work)
{
	complete(&container_of(work, struct flush, work)->done);
}

void
work_flush(void)
{
	/* A worker would wait for itself. */
	assert(!(current->parent->flags & PF_IDLE) || current == initproc);
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		struct flush flush;

		work_init(&flush.work, flush_done);
		completion_init(&flush.done);
		(void)work_queue_on(cpu, &flush.work);
		wait_for_completion(&flush.done);
	}
}

void
work_start(void)
{
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		struct work_queue_cpu *queue = &work_queues[cpu];
		char name[PROC_NAME_LEN + 1];
		int pid;

		spin_init(&queue->lock, LOCK_RANK_WORK, "work");
		list_init(&queue->pending);
		queue->ready = true;
		snprintf(name, sizeof(name), "kworker/%u", cpu);
		pid = kernel_thread_on(cpu, name, worker_main, queue);
		if (pid < 0)
			panic("work_start: no worker for CPU %u: %s", cpu,
			      error_name(pid));
	}
}
