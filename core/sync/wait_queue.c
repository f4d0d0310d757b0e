/*
 * Wait queues: how a thread sleeps without missing the wake-up.
 *
 * PROBLEM. A thread wants to sleep until a condition holds that someone else
 * (a thread, an interrupt, another CPU) will make true. Between "it does not hold"
 * and "I sleep" that someone may come and go: the lost wake-up.
 *
 * MODEL. The sleeper first puts itself on the queue and says that it sleeps,
 * then looks at the condition, then gives up the CPU:
 *
 *	sleeper				waker
 *	wait_prepare: on the queue,	make the condition true
 *	  state = SLEEPING (barrier)	wake_up: whoever is on the queue
 *	condition? -> wait_finish	  becomes RUNNABLE and leaves it
 *	schedule()
 *
 * Whatever the interleaving, either the sleeper sees the condition or the waker
 * sees the sleeper; a wake-up before schedule() turns it into "go on running".
 *
 * INVARIANTS. A waiter lies on its thread's stack and is on at most one queue.
 * It leaves the queue when it is woken, so that an exclusive wake-up never
 * spends itself on a thread that is awake already; wait_prepare puts it back.
 * wait_finish takes the queue's lock always: after it, no waker touches the
 * waiter any more, and the stack may go.
 *
 * LOCKING. queue->lock (rank WAIT_QUEUE), interrupts off: wakers are
 * interrupts too. Waking takes a run-queue lock inside it.
 */
#include <kernel/wait.h>

void
wait_queue_init(struct wait_queue *queue)
{
	spin_init(&queue->lock, LOCK_RANK_WAIT_QUEUE, "wait_queue");
	list_init(&queue->waiters);
}

void
wait_prepare(struct wait_queue *queue, struct waiter *waiter,
	     unsigned wait_state)
{
	irq_state_t irqs = spin_lock_irqsave(&queue->lock);

	if (waiter->link.next == NULL)
		list_init(&waiter->link);
	if (list_empty(&waiter->link))
		list_add_tail(&queue->waiters, &waiter->link);
	atomic_store_relaxed(&current->wait_state, wait_state);
	set_current_state(PROC_SLEEPING);
	spin_unlock_irqrestore(&queue->lock, irqs);
}

void
wait_finish(struct wait_queue *queue, struct waiter *waiter)
{
	irq_state_t irqs;

	set_current_state(PROC_RUNNABLE);
	irqs = spin_lock_irqsave(&queue->lock);
	list_del(&waiter->link);
	atomic_store_relaxed(&current->wait_state, (unsigned)WT_NONE);
	spin_unlock_irqrestore(&queue->lock, irqs);
}

void
wake_up_locked(struct wait_queue *queue, unsigned nr)
{
	struct list *pos, *next;

	debug_assert(spin_is_held(&queue->lock));
	list_for_each_safe(pos, next, &queue->waiters) {
		struct waiter *waiter = list_entry(pos, struct waiter, link);

		if (waiter->exclusive && nr == 0)
			continue;
		if (waiter->exclusive)
			nr--;
		list_del(&waiter->link);
		wakeup_proc(waiter->proc);
	}
}

void
wake_up(struct wait_queue *queue, unsigned nr)
{
	irq_state_t irqs = spin_lock_irqsave(&queue->lock);

	wake_up_locked(queue, nr);
	spin_unlock_irqrestore(&queue->lock, irqs);
}
