/*
 * What the files of core/sched share.
 */
#ifndef SCHED_INTERNAL_H
#define SCHED_INTERNAL_H

#include <kernel/sched.h>

/* The table, policies.c; NULL-terminated, the default first. */
extern const struct sched_class *const sched_classes[];
/* What `sched=` chose. */
const struct sched_class *sched_class_chosen(void);

extern const struct sched_class sched_class_fifo;
extern const struct sched_class sched_class_rr;

/* The queue that fifo and rr have in common: one list, in and out in order. */
void sched_list_init(struct run_queue *rq);
void sched_list_enqueue(struct run_queue *rq, struct proc_struct *proc);
struct proc_struct *sched_list_pick_next(struct run_queue *rq);
struct proc_struct *sched_list_pick_migrant(struct run_queue *rq);

/* timer_tick()'s part for the running thread. Interrupts off. */
void sched_tick(void);

/* The run queue of the CPU that runs here. Interrupts off. */
static inline struct run_queue *
this_rq(void)
{
	struct run_queue *rq = &run_queues[arch_cpu_id()];

	/* Compilers would rather compute this again for each use. */
	__asm__("" : "+r"(rq));
	return rq;
}

void cpu_calls_init(void);
/* Runs what other CPUs asked this one to run. Interrupts off. */
void cpu_calls_run(void);

#endif /* SCHED_INTERNAL_H */
