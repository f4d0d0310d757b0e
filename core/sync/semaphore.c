/*
 * Counting semaphores and mutexes: units go to waiters in the order they came.
 *
 * A unit that is given back while someone waits goes straight to the first
 * waiter (it is never put into `count` first), so that threads are served in the order
 * they came and none can be overtaken. The waiter learns it from `granted`,
 * read under the semaphore's lock: the giver is done with it by then.
 *
 * A mutex is a semaphore of one unit that knows its owner.
 */
#include <kernel/wait.h>

struct sem_waiter {
	struct proc_struct *proc;
	struct list link;
	bool granted;
};

void
sem_init(struct semaphore *sem, unsigned count)
{
	spin_init(&sem->lock, LOCK_RANK_OBJECT, "semaphore");
	sem->count = count;
	list_init(&sem->waiters);
}

bool
sem_try_down(struct semaphore *sem)
{
	irq_state_t irqs = spin_lock_irqsave(&sem->lock);
	bool got = sem->count > 0;

	if (got)
		sem->count--;
	spin_unlock_irqrestore(&sem->lock, irqs);
	return got;
}

/* ticks == ~0: for ever. Returns whether a unit was got. */
static bool
sem_down_until(struct semaphore *sem, unsigned long ticks)
{
	struct sem_waiter waiter = { .proc = current };
	irq_state_t irqs;

	debug_assert(may_sleep());
	irqs = spin_lock_irqsave(&sem->lock);
	if (sem->count > 0) {
		sem->count--;
		spin_unlock_irqrestore(&sem->lock, irqs);
		return true;
	}
	list_add_tail(&sem->waiters, &waiter.link);
	while (!waiter.granted && ticks > 0) {
		atomic_store_relaxed(&current->wait_state, (unsigned)WT_EVENT);
		set_current_state(PROC_SLEEPING);
		spin_unlock_irqrestore(&sem->lock, irqs);
		ticks = schedule_timeout(ticks);
		irqs = spin_lock_irqsave(&sem->lock);
	}
	atomic_store_relaxed(&current->wait_state, (unsigned)WT_NONE);
	if (!waiter.granted)
		list_del(&waiter.link);
	spin_unlock_irqrestore(&sem->lock, irqs);
	return waiter.granted;
}

void
sem_down(struct semaphore *sem)
{
	bool got = sem_down_until(sem, WAIT_FOR_EVER);

	assert(got);
}

int
sem_down_timeout(struct semaphore *sem, unsigned long ticks)
{
	return sem_down_until(sem, ticks) ? 0 : -E_TIMED_OUT;
}

void
sem_up(struct semaphore *sem)
{
	irq_state_t irqs = spin_lock_irqsave(&sem->lock);

	if (list_empty(&sem->waiters)) {
		sem->count++;
	} else {
		struct sem_waiter *first = list_first_entry(
			&sem->waiters, struct sem_waiter, link);

		list_del(&first->link);
		first->granted = true;
		wakeup_proc(first->proc);
	}
	spin_unlock_irqrestore(&sem->lock, irqs);
}

void
mutex_init(struct mutex *mutex)
{
	atomic_store_relaxed(&mutex->owner, NULL);
	sem_init(&mutex->sem, 1);
}

void
mutex_lock(struct mutex *mutex) NO_THREAD_SAFETY
{
	assert(!mutex_is_mine(mutex));
	sem_down(&mutex->sem);
	atomic_store_relaxed(&mutex->owner, current);
}

bool
mutex_try_lock(struct mutex *mutex) NO_THREAD_SAFETY
{
	if (!sem_try_down(&mutex->sem))
		return false;
	atomic_store_relaxed(&mutex->owner, current);
	return true;
}

void
mutex_unlock(struct mutex *mutex) NO_THREAD_SAFETY
{
	assert(mutex_is_mine(mutex));
	atomic_store_relaxed(&mutex->owner, NULL);
	sem_up(&mutex->sem);
}

bool
mutex_is_mine(const struct mutex *mutex)
{
	return atomic_load_relaxed(&mutex->owner) == current;
}
