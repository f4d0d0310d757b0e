/*
 * Checks of windows: what must hold between two steps that a stress seldom
 * parts. Each one parts them by hand.
 */
#include <kernel/check.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/trap.h>
#include "../../core/proc/internal.h"
#include "check_threads.h"

/* Long: only a failure waits for it. */
#define RESCUE_TICKS 1000

/* Wakes a thread that should not have needed it. */
struct rescue {
	struct timer timer;
	struct proc_struct *proc;
	bool needed;
};

static void
rescue_wake(struct timer *timer)
{
	struct rescue *rescue = container_of(timer, struct rescue, timer);

	rescue->needed = true;
	wakeup_proc(rescue->proc);
}

static void
rescue_arm(struct rescue *rescue)
{
	rescue->proc = current;
	rescue->needed = false;
	timer_init(&rescue->timer, rescue_wake);
	timer_arm(&rescue->timer, RESCUE_TICKS);
}

/* Preempted between "I sleep" and schedule(): goes on running. */
static void
expect_preempted_sleeper_runs(void)
{
	struct rescue rescue;

	rescue_arm(&rescue);
	set_current_state(PROC_SLEEPING);
	set_need_resched(current);
	preempt_schedule();
	set_current_state(PROC_RUNNABLE);
	timer_cancel(&rescue.timer);
	EXPECT(!rescue.needed);
}

static unsigned nr_looks;

/* A condition that is woken while it looks, the first time. */
static bool
look_and_be_woken(struct wait_queue *queue)
{
	EXPECT_EQ(current->state, PROC_SLEEPING);
	if (nr_looks++ > 0)
		return true;
	wake_up_all(queue);
	return false;
}

/* The state is said before the condition is looked at: a wake-up that comes
 * inside the look is not lost. */
static void
expect_wake_up_in_condition(void)
{
	unsigned long start = ticks_now();
	struct wait_queue queue;
	int err;

	wait_queue_init(&queue);
	nr_looks = 0;
	err = wait_event_timeout(&queue, look_and_be_woken(&queue),
				 RESCUE_TICKS);
	EXPECT_EQ(err, 0);
	EXPECT_EQ(nr_looks, 2);
	EXPECT(ticks_now() - start < RESCUE_TICKS);
}

static unsigned nested_runs, nested_ran;

/* In an interrupt: another one inside it, whose frame has interrupts on. */
static void
trap_inside(struct timer *timer)
{
	struct proc_struct *self = current;
	struct trapframe tf = *self->tf, *outer = self->tf, *older;

	nested_runs = self->runs;
	older = trap_enter_interrupt(&tf);
	EXPECT(older == outer && self->tf == &tf);
	set_need_resched(self);
	trap_leave_interrupt(older);
	nested_runs = self->runs - nested_runs;
	EXPECT(self->tf == outer);
	nested_ran = 1;
}

static void
expect_no_switch_inside_interrupt(void)
{
	struct timer timer;

	nested_ran = 0;
	timer_init(&timer, trap_inside);
	timer_arm(&timer, 1);
	while (atomic_load(&nested_ran) == 0)
		arch_cpu_relax();
	EXPECT_EQ(nested_runs, 0);
	timer_cancel(&timer);
}

/* Ticks until the class has enough of the calling thread; at most `max`. */
static unsigned
ticks_until_resched(struct run_queue *rq, unsigned max)
{
	struct proc_struct *self = current;
	unsigned nr = 0;

	while (!need_resched(self) && nr < max) {
		rq->class->tick(rq, self);
		nr++;
	}
	atomic_store_relaxed(&self->need_resched, 0);
	return nr;
}

/* Who has used a slice up gets another one, as long as the first. */
static void
expect_new_slice(void)
{
	const unsigned too_many = 2000;
	struct run_queue *rq;
	unsigned first, second;
	irq_state_t irqs;

	if (strcmp(sched_class_name(), "rr") != 0)
		return;
	local_intr_save(irqs);
	rq = &run_queues[arch_cpu_id()];
	(void)spin_lock_irqsave(&rq->lock);
	(void)ticks_until_resched(rq, too_many); /* what was left of one */
	first = ticks_until_resched(rq, too_many);
	second = ticks_until_resched(rq, too_many);
	spin_unlock_irqrestore(&rq->lock, irqs);
	EXPECT(first >= 1 && first < too_many);
	EXPECT_EQ(second, first);
}

static struct proc_struct *slow_zombie;

static void
leave_stack(struct timer *timer)
{
	atomic_store(&slow_zombie->on_cpu, 0u);
}

/* A zombie that takes long to leave its stack is not freed before. */
static void
expect_reap_waits(void)
{
	struct timer timer;
	unsigned long start;
	irq_state_t irqs;
	int pid = kernel_thread(thread_return, NULL, 0);

	irqs = spin_lock_irqsave(&proc_lock);
	slow_zombie = find_proc(pid);
	spin_unlock_irqrestore(&proc_lock, irqs);
	if (!EXPECT(slow_zombie != NULL))
		return;
	while (atomic_load(&slow_zombie->state) != PROC_ZOMBIE)
		(void)sleep_ticks(1);
	sched_wait_off_cpu(slow_zombie);
	slow_zombie->on_cpu = 1;
	timer_init(&timer, leave_stack);
	start = ticks_now();
	timer_arm(&timer, 3);
	EXPECT_EQ(do_wait(pid, NULL), pid);
	EXPECT(ticks_now() - start >= 3);
	timer_cancel(&timer);
}

void
check_windows(void)
{
	struct quiet_state before = quiet_state_take();

	expect_preempted_sleeper_runs();
	expect_wake_up_in_condition();
	expect_no_switch_inside_interrupt();
	expect_new_slice();
	expect_reap_waits();
	quiet_state_expect(&before);
}
