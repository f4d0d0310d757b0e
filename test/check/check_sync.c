/*
 * Checks of waiting: sleep, timers, wait queues, semaphores, mutexes,
 * completions, deferred work.
 */
#include <kernel/check.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/work.h>
#include "check_threads.h"

/* Starts `nr` threads fn(arg); returns how many could be started. */
static unsigned
start_threads(unsigned nr, thread_fn *fn, void *arg)
{
	unsigned nr_started = 0;

	for (unsigned i = 0; i < nr; i++)
		nr_started += kernel_thread(fn, arg, 0) > 0;
	EXPECT_EQ(nr_started, nr);
	return nr_started;
}

/* Waits for all children; returns the sum of their exit codes. */
static int
wait_all(void)
{
	int code, sum = 0;

	while (do_wait(0, &code) > 0)
		sum += code;
	return sum;
}

/* -- time -------------------------------------------------------------------------- */

static int
thread_sleep_long(void *arg)
{
	unsigned long left = sleep_ticks(100000);

	return left > 0 && kthread_should_stop() ? 3 : 0;
}

void
check_sleep(void)
{
	struct quiet_state before = quiet_state_take();
	unsigned long start;
	int pid, code = 0;

	EXPECT_EQ(sleep_ticks(0), 0);
	for (unsigned long n = 1; n <= 4; n++) {
		start = ticks_now();
		EXPECT_EQ(sleep_ticks(n), 0);
		EXPECT(ticks_now() - start >= n);
	}
	/* do_kill ends a sleep. */
	pid = kernel_thread(thread_sleep_long, NULL, 0);
	(void)sleep_ticks(2);
	EXPECT_EQ(do_kill(pid), 0);
	EXPECT_EQ(do_wait(pid, &code), pid);
	EXPECT_EQ(code, 3);
	/* A wake-up that comes before the sleep cancels it. */
	set_current_state(PROC_SLEEPING);
	wakeup_proc(current);
	schedule();
	EXPECT_EQ(current->state, PROC_RUNNABLE);
	quiet_state_expect(&before);
}

#define NR_TIMERS 64
struct logged_timer {
	struct timer timer;
	unsigned long asked_for, ran_at;
	unsigned nr_runs, rearm;
};
static struct logged_timer timers[NR_TIMERS];

static void
timer_log(struct timer *timer)
{
	struct logged_timer *self =
		container_of(timer, struct logged_timer, timer);

	self->ran_at = ticks_now();
	EXPECT(!arch_irqs_on());
	if (self->rearm > 0) {
		self->rearm--;
		timer_arm(timer, 1);
	}
	(void)atomic_add(&self->nr_runs, 1);
}

void
check_timers(void)
{
	memset(timers, 0, sizeof(timers));
	for (unsigned i = 0; i < NR_TIMERS; i++) {
		struct logged_timer *t = &timers[i];

		timer_init(&t->timer, timer_log);
		t->asked_for = 1 + (i * 7) % 20; /* in no order */
		t->rearm = i % 8 == 0 ? 3 : 0;
		timer_arm(&t->timer, t->asked_for);
		t->asked_for = t->timer.expires;
	}
	for (unsigned i = 0; i < NR_TIMERS; i += 4) /* every fourth: not */
		EXPECT(timer_cancel(&timers[i].timer) || timers[i].nr_runs > 0);
	for (unsigned i = 0; i < NR_TIMERS; i++) {
		struct logged_timer *t = &timers[i];

		while (i % 4 != 0 && atomic_load(&t->nr_runs) == 0)
			(void)sleep_ticks(1);
		EXPECT(!timer_cancel(&t->timer));
		if (i % 4 != 0) {
			EXPECT_EQ(t->nr_runs, 1);
			EXPECT(!time_after(t->asked_for, t->ran_at));
		}
	}
	/* One that arms itself again runs until it stops doing so. */
	timers[0].nr_runs = 0;
	timers[0].rearm = 3;
	timer_arm(&timers[0].timer, 1);
	while (atomic_load(&timers[0].nr_runs) < 4)
		(void)sleep_ticks(1);
	(void)sleep_ticks(3);
	EXPECT_EQ(timers[0].nr_runs, 4);
	EXPECT(!timer_cancel(&timers[0].timer));
}

/* -- wait queues --------------------------------------------------------------------- */

static struct wait_queue queue = WAIT_QUEUE_INIT(queue);
static unsigned gate, nr_through;

static int
thread_pass_gate(void *arg)
{
	wait_event(&queue, atomic_load(&gate) != 0);
	(void)atomic_add(&nr_through, 1);
	return 0;
}

static int
thread_pass_killable(void *arg)
{
	return wait_event_killable(&queue, atomic_load(&gate) != 0);
}

static int
thread_pass_exclusive(void *arg)
{
	struct waiter waiter = { .proc = current, .exclusive = true };

	wait_prepare(&queue, &waiter, WT_EVENT);
	schedule();
	wait_finish(&queue, &waiter);
	(void)atomic_add(&nr_through, 1);
	return 0;
}

static unsigned
count_waiters(void)
{
	irq_state_t irqs = spin_lock_irqsave(&queue.lock);
	struct list *pos;
	unsigned nr = 0;

	list_for_each(pos, &queue.waiters)
		nr++;
	spin_unlock_irqrestore(&queue.lock, irqs);
	return nr;
}

void
check_wait_queue(void)
{
	struct quiet_state before = quiet_state_take();
	unsigned long start;
	int pid, code = 0;

	gate = nr_through = 0;
	start_threads(20, thread_pass_gate, NULL);
	(void)sleep_ticks(2);
	wake_up_all(&queue); /* the condition does not hold: back to sleep */
	(void)sleep_ticks(2);
	EXPECT_EQ(atomic_load(&nr_through), 0);
	atomic_store(&gate, 1u);
	wake_up_all(&queue);
	EXPECT_EQ(wait_all(), 0);
	EXPECT_EQ(nr_through, 20);

	/* Exclusive waiters: as many as were asked for. */
	gate = nr_through = 0;
	start_threads(5, thread_pass_exclusive, NULL);
	while (count_waiters() < 5)
		(void)sleep_ticks(1);
	wake_up(&queue, 2);
	while (atomic_load(&nr_through) < 2)
		(void)sleep_ticks(1);
	(void)sleep_ticks(3);
	EXPECT_EQ(atomic_load(&nr_through), 2);
	EXPECT_EQ(count_waiters(), 3);
	wake_up_all(&queue);
	EXPECT_EQ(wait_all(), 0);
	EXPECT_EQ(nr_through, 5);

	pid = kernel_thread(thread_pass_killable, NULL, 0);
	(void)sleep_ticks(2);
	EXPECT_EQ(do_kill(pid), 0);
	EXPECT_EQ(do_wait(pid, &code), pid);
	EXPECT_EQ(code, -E_KILLED);

	start = ticks_now();
	EXPECT_EQ(wait_event_timeout(&queue, false, 3), -E_TIMED_OUT);
	EXPECT(ticks_now() - start >= 3);
	EXPECT_EQ(wait_event_timeout(&queue, true, 3), 0);
	EXPECT(list_empty(&queue.waiters));
	quiet_state_expect(&before);
}

/* -- semaphores, mutexes, completions --------------------------------------------------- */

#define SYNC_THREADS 16
#define SYNC_ROUNDS 200

static struct semaphore sem;
static unsigned inside, inside_most;

static int
thread_use_sem(void *arg)
{
	for (unsigned i = 0; i < SYNC_ROUNDS; i++) {
		unsigned now, most;

		sem_down(&sem);
		now = atomic_add(&inside, 1);
		most = atomic_load(&inside_most);
		while (now > most &&
		       !atomic_compare_exchange(&inside_most, &most, now))
			;
		if (i == 0)
			(void)sleep_ticks(1); /* so that they do meet */
		else if (i % 8 == 0)
			yield();
		(void)atomic_sub(&inside, 1);
		sem_up(&sem);
	}
	return 0;
}

void
check_semaphore(void)
{
	struct quiet_state before = quiet_state_take();
	unsigned long start;

	sem_init(&sem, 3);
	inside = inside_most = 0;
	start_threads(SYNC_THREADS, thread_use_sem, NULL);
	EXPECT_EQ(wait_all(), 0);
	EXPECT(inside_most >= 1 && inside_most <= 3);
	EXPECT_EQ(sem.count, 3);
	for (unsigned units = 3; units > 0; units--)
		EXPECT(sem_try_down(&sem));
	EXPECT(!sem_try_down(&sem));

	sem_init(&sem, 1);
	EXPECT(sem_try_down(&sem));
	EXPECT(!sem_try_down(&sem));
	start = ticks_now();
	EXPECT_EQ(sem_down_timeout(&sem, 2), -E_TIMED_OUT);
	EXPECT(ticks_now() - start >= 2);
	EXPECT(list_empty(&sem.waiters));
	sem_up(&sem);
	EXPECT_EQ(sem_down_timeout(&sem, 2), 0);
	quiet_state_expect(&before);
}

static struct mutex mutex;
static unsigned long guarded; /* plain: the mutex is what makes ++ safe */

static int
thread_use_mutex(void *arg)
{
	for (unsigned i = 0; i < SYNC_ROUNDS; i++) {
		unsigned long was;

		mutex_lock(&mutex);
		was = guarded;
		if (i % 16 == 0)
			yield();
		guarded = was + 1;
		mutex_unlock(&mutex);
	}
	return 0;
}

void
check_mutex(void)
{
	struct quiet_state before = quiet_state_take();

	mutex_init(&mutex);
	guarded = 0;
	start_threads(SYNC_THREADS, thread_use_mutex, NULL);
	EXPECT_EQ(wait_all(), 0);
	EXPECT_EQ(guarded, SYNC_THREADS * SYNC_ROUNDS);
	if (mutex_try_lock(&mutex)) {
		EXPECT(mutex_is_mine(&mutex));
		mutex_unlock(&mutex);
	} else {
		EXPECT(false);
	}
	EXPECT(!mutex_is_mine(&mutex));
	quiet_state_expect(&before);
}

static int
thread_complete(void *arg)
{
	complete(arg);
	return 0;
}

static int
thread_await(void *arg)
{
	wait_for_completion(arg);
	return 1;
}

void
check_completion(void)
{
	struct quiet_state before = quiet_state_take();
	struct completion done;

	/* On the waiter's stack, over and over: nobody touches it too late. */
	for (unsigned i = 0; i < 200; i++) {
		completion_init(&done);
		if (!EXPECT(kernel_thread(thread_complete, &done, 0) > 0))
			break;
		wait_for_completion(&done);
		EXPECT(do_wait(0, NULL) > 0);
	}
	EXPECT_EQ(wait_all(), 0);

	completion_init(&done);
	EXPECT_EQ(wait_for_completion_timeout(&done, 2), -E_TIMED_OUT);
	complete(&done); /* before anyone waits: kept */
	EXPECT_EQ(wait_for_completion_timeout(&done, 2), 0);
	EXPECT_EQ(wait_for_completion_timeout(&done, 1), -E_TIMED_OUT);

	start_threads(6, thread_await, &done);
	(void)sleep_ticks(2);
	complete(&done);
	EXPECT(do_wait(0, NULL) > 0); /* one, and only one */
	complete_all(&done);
	EXPECT_EQ(wait_all(), 5);
	EXPECT_EQ(wait_for_completion_timeout(&done, 0), 0);
	quiet_state_expect(&before);
}

/* -- deferred work -------------------------------------------------------------------------- */

static unsigned nr_worked;

struct timed_work {
	struct timer timer;
	struct work work;
};

static void
work_count(struct work *work)
{
	EXPECT(may_sleep());
	(void)atomic_add(&nr_worked, 1);
}

static void
timer_queue_work(struct timer *timer)
{
	(void)work_queue(&container_of(timer, struct timed_work, timer)->work);
}

void
check_work(void)
{
	struct quiet_state before = quiet_state_take();
	struct timed_work works[8];
	struct work twice;

	nr_worked = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(works); i++) {
		work_init(&works[i].work, work_count);
		timer_init(&works[i].timer, timer_queue_work);
		timer_arm(&works[i].timer, 1 + i % 3); /* from an interrupt */
	}
	while (atomic_load(&nr_worked) < ARRAY_SIZE(works))
		(void)sleep_ticks(1);
	work_flush();
	EXPECT_EQ(atomic_load(&nr_worked), ARRAY_SIZE(works));
	for (unsigned i = 0; i < ARRAY_SIZE(works); i++)
		EXPECT(!timer_cancel(&works[i].timer));

	/* Queued again before it has begun: once. */
	work_init(&twice, work_count);
	preempt_disable(); /* the worker of this CPU cannot begin */
	EXPECT(work_queue(&twice));
	EXPECT(!work_queue(&twice));
	preempt_enable();
	work_flush();
	EXPECT_EQ(atomic_load(&nr_worked), ARRAY_SIZE(works) + 1);
	quiet_state_expect(&before);
}
