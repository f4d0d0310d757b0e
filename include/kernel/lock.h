/*
 * Spinlocks, their ranks, and sections without preemption or interrupts.
 *
 * A spinlock turns preemption off while it is held; the _irqsave forms turn
 * this CPU's interrupts off, which is more, and are for locks that interrupt
 * handlers take. Nothing sleeps under a spinlock.
 *
 * The order of locks is the order of enum lock_rank: a thread waits only for
 * locks of a higher rank than those it holds; others it can only try. Debug builds check
 * this, recursion, release by a stranger, and interrupt-safe locks taken with
 * interrupts on.
 */
#ifndef KERNEL_LOCK_H
#define KERNEL_LOCK_H

#include <kernel/annotate.h>
#include <kernel/atomic.h>
#include <kernel/panic.h>
#include <kernel/thread.h>

enum lock_rank {
	/* Taken with interrupts on: an interrupt may take any of the others
	 * inside them, so these come first. */
	LOCK_RANK_KSTACK = 1, /* stack slots */
	LOCK_RANK_PROC,	      /* process list, pids, family */
	LOCK_RANK_OBJECT, /* a mutex's, semaphore's or completion's inside */
	LOCK_RANK_WAIT_QUEUE, /* a wait queue */
	LOCK_RANK_TIMER,      /* a CPU's timers */
	LOCK_RANK_KMEM,	      /* kmalloc back ends */
	LOCK_RANK_SPACE,      /* a space's page tables */
	LOCK_RANK_PAGE,	      /* a memory node's free pages */
	LOCK_RANK_WORK,	      /* a CPU's deferred work */
	LOCK_RANK_RUN_QUEUE, /* a CPU's run queue; a second one is only tried */
	LOCK_RANK_CPU_CALL,  /* calls to another CPU */
	LOCK_RANK_INPUT,     /* typed bytes */
	LOCK_RANK_REPORT,    /* a report's lines stay together */
	LOCK_RANK_LOG,	     /* the log and the console's output */
	NR_LOCK_RANKS
};

struct CAPABILITY("spinlock") spinlock {
	unsigned locked;
	enum lock_rank rank;
	const char *name;

	/* Debug builds only. */
	struct proc_struct *holder;
	struct spinlock *held_below; /* what the holder took before it */
	bool taken_in_interrupt, taken_with_irqs_on;
};

#define SPINLOCK_INIT(lock_rank_, lock_name)                                   \
	{                                                                      \
		.rank = (lock_rank_), .name = (lock_name),                     \
	}

void spin_init(struct spinlock *lock, enum lock_rank rank, const char *name);

/* Debug builds: bookkeeping of held locks (core/sync/spinlock.c). */
void lock_debug_acquire(struct spinlock *lock, bool irq_safe);
void lock_debug_acquired(struct spinlock *lock);
void lock_debug_release(struct spinlock *lock);
/* The run-queue lock changes hands in a switch. */
void lock_debug_hand_over(struct spinlock *lock, struct proc_struct *from,
			  struct proc_struct *to);

/* Out of line: waits until the lock is free and takes it. */
void spin_lock_slow(struct spinlock *lock);

/* Called when preemption becomes possible and current->need_resched is set:
 * schedules if interrupts are on, no spinlock is held and no interrupt is being
 * handled; otherwise whoever ends the last of these does. */
void preempt_schedule(void);

static inline void
preempt_disable(void)
{
	current->preempt_count++;
	compiler_barrier();
}

static inline void
preempt_enable_no_resched(void)
{
	compiler_barrier();
	current->preempt_count--;
}

static inline void
preempt_enable(void)
{
	struct proc_struct *self = current;

	compiler_barrier();
	if (--self->preempt_count == 0 && unlikely(need_resched(self)))
		preempt_schedule();
}

/* Turns interrupts off on this CPU, remembers what was: sections nest. */
#define local_intr_save(state) ((state) = arch_irq_save())

static inline void
local_intr_restore(irq_state_t state)
{
	arch_irq_restore(state);
	if (state && unlikely(need_resched(current)))
		preempt_schedule();
}

/* The lock word alone, for those who handle preemption themselves. */
static inline bool
spin_try_acquire(struct spinlock *lock) NO_THREAD_SAFETY
{
	if (atomic_exchange(&lock->locked, 1u) != 0)
		return false;
	if (KERNEL_DEBUG)
		lock_debug_acquired(lock);
	return true;
}

static inline void
spin_acquire(struct spinlock *lock, bool irq_safe) NO_THREAD_SAFETY
{
	if (KERNEL_DEBUG)
		lock_debug_acquire(lock, irq_safe);
	if (unlikely(atomic_exchange(&lock->locked, 1u) != 0))
		spin_lock_slow(lock);
	if (KERNEL_DEBUG)
		lock_debug_acquired(lock);
}

static inline void
spin_release(struct spinlock *lock) NO_THREAD_SAFETY
{
	if (KERNEL_DEBUG)
		lock_debug_release(lock);
	atomic_store(&lock->locked, 0u);
}

/* For locks that no interrupt handler takes. */
static inline void
spin_lock(struct spinlock *lock) ACQUIRES(lock)
NO_THREAD_SAFETY
{
	preempt_disable();
	spin_acquire(lock, false);
}

static inline void
spin_unlock(struct spinlock *lock) RELEASES(lock)
NO_THREAD_SAFETY
{
	spin_release(lock);
	preempt_enable();
}

/* For locks that interrupt handlers take too. Returns the state to hand to
 * spin_unlock_irqrestore. */
static inline irq_state_t
spin_lock_irqsave(struct spinlock *lock) ACQUIRES(lock)
NO_THREAD_SAFETY
{
	irq_state_t state = arch_irq_save();

	spin_acquire(lock, true);
	return state;
}

static inline void
spin_unlock_irqrestore(struct spinlock *lock, irq_state_t state) RELEASES(lock)
NO_THREAD_SAFETY
{
	spin_release(lock);
	local_intr_restore(state);
}

/* The same where interrupts are off anyway, and stay off. */
static inline void
spin_lock_irqs_off(struct spinlock *lock) ACQUIRES(lock)
NO_THREAD_SAFETY
{
	spin_acquire(lock, true);
}

static inline void
spin_unlock_irqs_off(struct spinlock *lock) RELEASES(lock)
NO_THREAD_SAFETY
{
	spin_release(lock);
}

/* Whether the calling thread holds it (debug builds know; others only whether
 * anybody does). For asserts. */
bool spin_is_held(const struct spinlock *lock);

/* Whether this thread may sleep: interrupts on, no spinlock, no interrupt being
 * handled, no idle thread. */
bool may_sleep(void);

#endif /* KERNEL_LOCK_H */
