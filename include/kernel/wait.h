/*
 * Waiting: wait queues, and what is built from them.
 *
 * All `wait` functions sleep: no spinlock held, interrupts on, not in an interrupt.
 * All `wake` functions: any context.
 */
#ifndef KERNEL_WAIT_H
#define KERNEL_WAIT_H

#include <kernel/error.h>
#include <kernel/lock.h>
#include <kernel/sched.h>
#include <kernel/timer.h>

struct wait_queue {
	struct spinlock lock; /* guards the list and the waiters in it */
	struct list waiters;  /* struct waiter, first come first woken */
};

/* One sleeping thread, on that thread's stack. */
struct waiter {
	struct proc_struct *proc;
	struct list link;
	bool exclusive; /* wake_up(queue, n) counts only these */
};

#define WAIT_QUEUE_INIT(name)                                                  \
	{                                                                      \
		.lock = SPINLOCK_INIT(LOCK_RANK_WAIT_QUEUE, #name),            \
		.waiters = LIST_INIT((name).waiters)                           \
	}

void wait_queue_init(struct wait_queue *queue);

/* The three steps of a wait; use the macros below where they fit. */
void wait_prepare(struct wait_queue *queue, struct waiter *waiter,
		  unsigned wait_state);
void wait_finish(struct wait_queue *queue, struct waiter *waiter);

/* Wakes all waiters that are not exclusive and up to nr exclusive ones. */
void wake_up(struct wait_queue *queue, unsigned nr);
void wake_up_locked(struct wait_queue *queue, unsigned nr)
	REQUIRES(queue->lock);
#define wake_up_one(queue) wake_up((queue), 1)
#define wake_up_all(queue) wake_up((queue), ~0u)

/* Why a wait that may sleep so many ticks more should end: 0, -E_KILLED or
 * -E_TIMED_OUT. */
static inline int
wait_interrupted(unsigned wait_state, unsigned long ticks_left)
{
	if ((wait_state & WT_INTERRUPTIBLE) &&
	    (atomic_load(&current->flags) & PF_KILLED))
		return -E_KILLED;
	return ticks_left == 0 ? -E_TIMED_OUT : 0;
}

/* Sleeps until condition holds or wait_interrupted(); its value is 0 or the
 * error. The condition is evaluated again after each wake-up. */
#define wait_event_state(queue, condition, state, ticks)                       \
	({                                                                     \
		struct waiter waiter_ = { .proc = current };                   \
		unsigned long left_ = (ticks);                                 \
		int err_ = 0;                                                  \
		for (;;) {                                                     \
			wait_prepare((queue), &waiter_, (state));              \
			if (condition)                                         \
				break;                                         \
			err_ = wait_interrupted((state), left_);               \
			if (err_ != 0)                                         \
				break;                                         \
			left_ = schedule_timeout(left_);                       \
		}                                                              \
		wait_finish((queue), &waiter_);                                \
		err_;                                                          \
	})

/* Sleeps until condition holds. */
#define wait_event(queue, condition)                                           \
	((void)wait_event_state((queue), (condition), WT_EVENT, WAIT_FOR_EVER))

/* The same; 0, or -E_KILLED when do_kill asked the thread to end first. */
#define wait_event_killable(queue, condition)                                  \
	wait_event_state((queue), (condition), WT_EVENT | WT_INTERRUPTIBLE,    \
			 WAIT_FOR_EVER)

/* The same with a limit in ticks: 0, -E_TIMED_OUT or -E_KILLED. */
#define wait_event_timeout(queue, condition, ticks)                            \
	wait_event_state((queue), (condition), WT_EVENT | WT_INTERRUPTIBLE,    \
			 (ticks))

/* Counting semaphore; first come, first served. */
struct semaphore {
	struct spinlock lock; /* guards all that follows */
	unsigned count;	      /* units that nobody has; > 0: no waiters */
	struct list waiters;
};
void sem_init(struct semaphore *sem, unsigned count);
void sem_down(struct semaphore *sem);
bool sem_try_down(struct semaphore *sem); /* any context */
int sem_down_timeout(struct semaphore *sem, unsigned long ticks) __must_check;
void sem_up(struct semaphore *sem); /* any context */

/* Mutual exclusion between threads: the owner unlocks, never in an interrupt. */
struct CAPABILITY("mutex") mutex {
	struct proc_struct *owner;
	struct semaphore sem;
};
void mutex_init(struct mutex *mutex);
void mutex_lock(struct mutex *mutex) ACQUIRES(mutex);
bool mutex_try_lock(struct mutex *mutex) TRY_ACQUIRES(true, mutex);
void mutex_unlock(struct mutex *mutex) RELEASES(mutex);
bool mutex_is_mine(const struct mutex *mutex);

/* "It is done": each complete() lets one waiter through, complete_all() all,
 * for ever. */
struct completion {
	unsigned done;
	struct wait_queue queue;
};
void completion_init(struct completion *completion);
void complete(struct completion *completion);
void complete_all(struct completion *completion);
void wait_for_completion(struct completion *completion);
int wait_for_completion_timeout(struct completion *completion,
				unsigned long ticks) __must_check;

#endif /* KERNEL_WAIT_H */
