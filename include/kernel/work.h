/*
 * Deferred work: what an interrupt wants done by a thread.
 */
#ifndef KERNEL_WORK_H
#define KERNEL_WORK_H

#include <kernel/list.h>
#include <kernel/timer.h>

/* All-zero plus fn is ready for use; the caller owns the memory until fn runs,
 * and fn may free it. */
struct work {
	void (*fn)(struct work *work);
	struct list link;
	unsigned queued;
};

void work_init(struct work *work, void (*fn)(struct work *));
/* Runs fn once in the worker thread of this CPU, soon. false: it was queued
 * already and has not begun. Any context. */
bool work_queue(struct work *work);
/* Waits until everything queued so far (on all CPUs) has run. May sleep. */
void work_flush(void);
/* Starts the workers, one bound to each CPU. */
void work_start(void);

#endif /* KERNEL_WORK_H */
