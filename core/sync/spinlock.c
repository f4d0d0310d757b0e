/*
 * Spinlocks: what does not belong inline, and the checks of debug builds.
 *
 * A spinlock is one word, 0 or 1, taken by an atomic exchange. While it is
 * held its holder cannot be preempted; the _irqsave forms also keep interrupts
 * off. So a holder always runs, and waiting is short.
 *
 * Debug builds keep, per thread, the chain of locks it holds (proc->held, then
 * lock->held_below), and check on each acquisition
 *   - order: ranks only grow, so no thread waits for a lock whose rank it has
 *     already (a lock that is only tried is not waited for, and not checked);
 *   - recursion, and release by someone who does not hold it;
 *   - interrupt safety: a lock that was ever taken in an interrupt's handler is never
 *     taken with interrupts on, on whatever CPU and in whatever order the two
 *     happened to come.
 * The run-queue lock changes hands in the middle of a switch; the scheduler says
 * so with lock_debug_hand_over().
 */
#include <kernel/lock.h>

void
spin_init(struct spinlock *lock, enum lock_rank rank, const char *name)
{
	*lock = (struct spinlock)SPINLOCK_INIT(rank, name);
}

void
spin_lock_slow(struct spinlock *lock)
{
	do {
		while (atomic_load_relaxed(&lock->locked) != 0)
			arch_cpu_relax();
	} while (atomic_exchange(&lock->locked, 1u) != 0);
}

bool
spin_is_held(const struct spinlock *lock)
{
	if (KERNEL_DEBUG)
		return atomic_load_relaxed(&lock->holder) == current;
	return atomic_load_relaxed(&lock->locked) != 0;
}

bool
may_sleep(void)
{
	const struct proc_struct *self = current;

	return arch_irqs_on() && self->preempt_count == 0 &&
	       self->irq_depth == 0 &&
	       !(atomic_load_relaxed(&self->flags) & PF_IDLE);
}

void
lock_debug_acquire(struct spinlock *lock, bool irq_safe)
{
	struct proc_struct *self = current;
	struct spinlock *top = self->held;
	bool irqs_on = arch_irqs_on();

	if (atomic_load_relaxed(&lock->holder) == self)
		panic("lock %s: taken twice by the same thread", lock->name);
	if (top != NULL && lock->rank <= top->rank)
		panic("lock %s: taken while holding %s, against the order",
		      lock->name, top->name);
	if (irq_safe && irqs_on)
		panic("lock %s: interrupts are on", lock->name);
	if (self->irq_depth > 0)
		atomic_store_relaxed(&lock->taken_in_interrupt, true);
	else if (irqs_on)
		atomic_store_relaxed(&lock->taken_with_irqs_on, true);
	if (atomic_load_relaxed(&lock->taken_in_interrupt) &&
	    atomic_load_relaxed(&lock->taken_with_irqs_on))
		panic("lock %s: taken in an interrupt, and elsewhere with interrupts on",
		      lock->name);
}

/* Takes the lock out of its holder's chain, wherever in it it is. */
static void
lock_debug_unchain(struct spinlock *lock, struct proc_struct *holder)
{
	struct spinlock **link = &holder->held;

	if (atomic_load_relaxed(&lock->holder) != holder)
		panic("lock %s: released by a thread that does not hold it",
		      lock->name);
	while (*link != lock)
		link = &(*link)->held_below;
	*link = lock->held_below;
}

static void
lock_debug_chain(struct spinlock *lock, struct proc_struct *holder)
{
	atomic_store_relaxed(&lock->holder, holder);
	lock->held_below = holder->held;
	holder->held = lock;
}

void
lock_debug_acquired(struct spinlock *lock)
{
	lock_debug_chain(lock, current);
}

void
lock_debug_release(struct spinlock *lock)
{
	lock_debug_unchain(lock, current);
	atomic_store_relaxed(&lock->holder, NULL);
}

void
lock_debug_hand_over(struct spinlock *lock, struct proc_struct *from,
		     struct proc_struct *to)
{
	lock_debug_unchain(lock, from);
	lock_debug_chain(lock, to);
}
