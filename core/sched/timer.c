/*
 * Kernel time and timers: each CPU's tree of armed timers, and sleeping.
 *
 * Each CPU has a tree of its armed timers, ordered by expiry, with the first
 * one at hand: a tick that finds nothing due costs one comparison, arming and
 * cancelling O(log n). A timer runs in interrupt context on the CPU that
 * armed it, disarmed already, without the lock: it may arm itself again, and wake anyone.
 *
 * The clock (ticks) is counted by the boot CPU; the others only look.
 *
 * LOCKING. base->lock (rank TIMER, interrupts off). timer->cpu says which
 * base an armed timer hangs in. timer_cancel waits while the function runs on
 * another CPU (base->running), so that its caller may free the timer.
 */
#include <kernel/timer.h>
#include <kernel/wait.h>
#include <arch/device.h>
#include "internal.h"

struct timer_base {
	struct spinlock lock; /* guards all that follows */
	struct rb_root tree;
	struct timer *first;
	struct timer *running;
} __cacheline_aligned;

static struct timer_base timer_bases[MAX_CPUS];
static unsigned long ticks;

unsigned long
ticks_now(void)
{
	return atomic_load_relaxed(&ticks);
}

void
timers_init(void)
{
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
		spin_init(&timer_bases[cpu].lock, LOCK_RANK_TIMER, "timers");
}

void
timer_tick(void)
{
	if (arch_cpu_id() == 0)
		atomic_store_relaxed(&ticks, ticks + 1);
	timers_run();
	sched_tick();
}

void
timer_init(struct timer *timer, void (*fn)(struct timer *))
{
	*timer = (struct timer){ .fn = fn };
}

static inline struct timer *
timer_of(struct rb_node *node)
{
	return container_of(node, struct timer, link);
}

static void
base_insert(struct timer_base *base, struct timer *timer)
{
	struct rb_node **link = &base->tree.node, *parent = NULL;
	bool is_first = true;

	while (*link != NULL) {
		parent = *link;
		if (time_after(timer_of(parent)->expires, timer->expires)) {
			link = &parent->left;
		} else {
			link = &parent->right;
			is_first = false;
		}
	}
	rb_insert(&base->tree, &timer->link, parent, link, NULL);
	if (is_first)
		atomic_store_relaxed(&base->first, timer);
	timer->armed = true;
}

static void
base_remove(struct timer_base *base, struct timer *timer)
{
	if (base->first == timer) {
		struct rb_node *next = rb_next(&timer->link);

		atomic_store_relaxed(&base->first,
				     next != NULL ? timer_of(next) : NULL);
	}
	rb_erase(&base->tree, &timer->link, NULL);
	timer->armed = false;
}

void
timer_arm(struct timer *timer, unsigned long delay)
{
	struct timer_base *base;
	irq_state_t irqs;

	timer_cancel(timer);
	local_intr_save(irqs); /* this CPU stays this CPU */
	base = &timer_bases[arch_cpu_id()];
	(void)spin_lock_irqsave(&base->lock);
	atomic_store_relaxed(&timer->cpu, arch_cpu_id());
	/* Never this very tick: fn may do this in timers_run(). */
	timer->expires = ticks_now() + MAX(delay, 1ul);
	base_insert(base, timer);
	spin_unlock_irqrestore(&base->lock, irqs);
}

bool
timer_cancel(struct timer *timer)
{
	struct timer_base *base =
		&timer_bases[atomic_load_relaxed(&timer->cpu)];
	irq_state_t irqs = spin_lock_irqsave(&base->lock);
	bool was_armed = false;

	for (;;) {
		if (timer->armed) {
			base_remove(base, timer);
			was_armed = true;
		}
		if (base->running != timer || timer->cpu == arch_cpu_id())
			break;
		/* fn may arm it again before it ends: look again then. */
		spin_unlock_irqrestore(&base->lock, irqs);
		arch_cpu_relax();
		irqs = spin_lock_irqsave(&base->lock);
	}
	spin_unlock_irqrestore(&base->lock, irqs);
	return was_armed;
}

void
timers_run(void)
{
	struct timer_base *base = &timer_bases[arch_cpu_id()];
	irq_state_t irqs;

	if (atomic_load_relaxed(&base->first) == NULL)
		return;
	irqs = spin_lock_irqsave(&base->lock);
	while (base->first != NULL &&
	       !time_after(base->first->expires, ticks_now())) {
		struct timer *timer = base->first;

		base_remove(base, timer);
		base->running = timer;
		spin_unlock_irqrestore(&base->lock, irqs);
		timer->fn(timer);
		irqs = spin_lock_irqsave(&base->lock);
		base->running = NULL;
	}
	spin_unlock_irqrestore(&base->lock, irqs);
}

/* -- sleeping ---------------------------------------------------------------- */

struct sleeper {
	struct timer timer;
	struct proc_struct *proc;
};

static void
sleeper_wake(struct timer *timer)
{
	wakeup_proc(container_of(timer, struct sleeper, timer)->proc);
}

unsigned long
schedule_timeout(unsigned long delay)
{
	struct sleeper sleeper = { .proc = current };
	unsigned long left;

	if (delay == WAIT_FOR_EVER) {
		schedule();
		return WAIT_FOR_EVER;
	}
	timer_init(&sleeper.timer, sleeper_wake);
	timer_arm(&sleeper.timer, delay);
	schedule();
	timer_cancel(&sleeper.timer);
	left = sleeper.timer.expires - ticks_now();
	return (long)left > 0 ? left : 0;
}

unsigned long
sleep_ticks(unsigned long delay)
{
	struct proc_struct *self = current;

	debug_assert(may_sleep());
	while (delay > 0) {
		atomic_store_relaxed(&self->wait_state,
				     (unsigned)(WT_EVENT | WT_INTERRUPTIBLE));
		set_current_state(PROC_SLEEPING);
		if (atomic_load(&self->flags) & PF_KILLED)
			break;
		delay = schedule_timeout(delay);
	}
	set_current_state(PROC_RUNNABLE);
	atomic_store_relaxed(&self->wait_state, (unsigned)WT_NONE);
	return delay;
}
