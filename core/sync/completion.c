/*
 * Completions: "it is done", said once or many times, before or after someone
 * waits for it.
 *
 * `done` counts what was completed and not yet waited for, under the queue's
 * lock. A completion often lies on the waiter's stack: the waiter looks at
 * `done` under the lock that complete() holds to its very end, so it cannot
 * return, and its stack cannot go, while complete() still uses it.
 */
#include <kernel/wait.h>

#define DONE_FOR_EVER (~0u)

void
completion_init(struct completion *completion)
{
	completion->done = 0;
	wait_queue_init(&completion->queue);
}

void
complete(struct completion *completion)
{
	irq_state_t irqs = spin_lock_irqsave(&completion->queue.lock);

	if (completion->done != DONE_FOR_EVER)
		completion->done++;
	wake_up_locked(&completion->queue, 1);
	spin_unlock_irqrestore(&completion->queue.lock, irqs);
}

void
complete_all(struct completion *completion)
{
	irq_state_t irqs = spin_lock_irqsave(&completion->queue.lock);

	completion->done = DONE_FOR_EVER;
	wake_up_locked(&completion->queue, ~0u);
	spin_unlock_irqrestore(&completion->queue.lock, irqs);
}

static bool
completion_take(struct completion *completion)
{
	irq_state_t irqs = spin_lock_irqsave(&completion->queue.lock);
	bool took = completion->done > 0;

	if (took && completion->done != DONE_FOR_EVER)
		completion->done--;
	spin_unlock_irqrestore(&completion->queue.lock, irqs);
	return took;
}

int
wait_for_completion_timeout(struct completion *completion, unsigned long ticks)
{
	struct waiter waiter = { .proc = current };
	bool took;

	debug_assert(may_sleep());
	for (;;) {
		wait_prepare(&completion->queue, &waiter, WT_EVENT);
		took = completion_take(completion);
		if (took || ticks == 0)
			break;
		ticks = schedule_timeout(ticks);
	}
	wait_finish(&completion->queue, &waiter);
	return took ? 0 : -E_TIMED_OUT;
}

void
wait_for_completion(struct completion *completion)
{
	int err = wait_for_completion_timeout(completion, WAIT_FOR_EVER);

	assert(err == 0);
}
