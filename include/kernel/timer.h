/*
 * Kernel time: ticks, timers, sleeping for a while.
 */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include <kernel/rbtree.h>
#include <kernel/types.h>

/* Ticks since the clock was started, TICKS_PER_SECOND of them a second. Wraps: compare
 * with time_after. */
unsigned long ticks_now(void);

static inline bool
time_after(unsigned long a, unsigned long b)
{
	return (long)(b - a) < 0;
}

/* A function to be called once at a tick, in interrupt context, on the CPU
 * that armed it. The caller owns the memory; all-zero is a timer never armed. While
 * it is armed, that CPU's lock guards it. */
struct timer {
	void (*fn)(struct timer *timer);
	unsigned long expires;
	struct rb_node link;
	unsigned cpu;
	bool armed;
};

void timer_init(struct timer *timer, void (*fn)(struct timer *));
/* Arms it (again) for ticks_now() + delay, on this CPU. Any context; arming and
 * cancelling one timer from two places at once is for the caller to order. */
void timer_arm(struct timer *timer, unsigned long delay);
/* Disarms it and waits until fn, if it runs right now on another CPU, has
 * ended. Returns whether it was still to come. Not from fn itself. */
bool timer_cancel(struct timer *timer);

/* As a number of ticks: no limit. */
#define WAIT_FOR_EVER (~0ul)

/* The caller has set its state to SLEEPING: sleeps until it is woken, at most
 * `delay` (WAIT_FOR_EVER: no timer). Returns the ticks left (0: time is up),
 * WAIT_FOR_EVER for WAIT_FOR_EVER. */
unsigned long schedule_timeout(unsigned long delay);

/* Upcall of timer_tick(): runs what is due on this CPU. Interrupts off. */
void timers_run(void);
void timers_init(void);

/* Sleeps; do_kill ends it early. Returns the ticks left. */
unsigned long sleep_ticks(unsigned long delay);

#endif /* KERNEL_TIMER_H */
