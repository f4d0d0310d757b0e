/*
 * Scheduling: who runs next, waking and being woken.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include <kernel/lock.h>
#include <kernel/option.h>
#include <kernel/thread.h>

struct run_queue;

/*
 * A scheduling class: one file, one entry of the table in policies.c. The
 * functions are called with the run queue's lock held.
 */
struct sched_class {
	const char *name;
	const char *description;
	void (*init)(struct run_queue *rq);
	/* Makes it a candidate; it is RUNNABLE and not the idle thread. */
	void (*enqueue)(struct run_queue *rq, struct proc_struct *proc);
	/* Takes it out again. */
	void (*dequeue)(struct run_queue *rq, struct proc_struct *proc);
	/* The next to run, still queued; NULL if there is none. */
	struct proc_struct *(*pick_next)(struct run_queue *rq);
	/* The best one that may move to another CPU; NULL if there is none. */
	struct proc_struct *(*pick_migrant)(struct run_queue *rq);
	/* A clock tick hit `proc`, which runs: sets need_resched when its time is up. */
	void (*tick)(struct run_queue *rq, struct proc_struct *proc);
};

/* Per CPU. Who writes: the holder of `lock`. */
struct run_queue {
	struct spinlock lock;
	unsigned cpu;
	unsigned nr_running; /* queued, without current */
	struct proc_struct *curr;
	struct proc_struct *idle;
	const struct sched_class *class;
	struct list queue; /* the class's */
	uint64_t switched_at; /* arch_cycles() when curr got the CPU */

	/* What happened, for `ps`, tests and the curious. */
	unsigned long nr_switches;
	unsigned long nr_preemptions;
	unsigned long nr_remote_wakeups; /* woken here by another CPU */
	unsigned long nr_migrations_in;	 /* came from another CPU's queue */
} __cacheline_aligned;

extern struct run_queue run_queues[MAX_CPUS];
extern unsigned nr_cpus;

/* Makes the run queues of nr CPUs with the class that `sched=` chose. */
void sched_init(unsigned nr);
const char *sched_class_name(void);

/* Gives up the CPU. A thread whose state is not RUNNABLE is not queued again. May be called
 * with interrupts off (they stay off); no spinlock held. */
void schedule(void);

/* Lets others run first: back to the end of the queue. */
void yield(void);

/* SLEEPING or UNINIT -> RUNNABLE, once; harmless on a runnable one; waking a
 * zombie is a caught bug. Any context, also under any lock below the run queue's. */
void wakeup_proc(struct proc_struct *proc);

/* Makes an idle thread of the static PCB for this CPU: pid 0, name "idle". */
void sched_init_idle(unsigned cpu);

/* Never returns: runs what can run, halts the CPU when nothing can. */
void cpu_idle(void) __noreturn;

/* Waits until `proc`, which will not run again, has left its stack. */
void sched_wait_off_cpu(const struct proc_struct *proc);

/* Says that the calling thread is about to sleep. A wake-up from here on is not lost:
 * set, then check the condition, then schedule(). */
static inline void
set_current_state(enum proc_state state)
{
	struct proc_struct *self = current;

	atomic_store_full(&self->state, state);
}

/* Runs fn(arg) on CPU `cpu`, interrupts off there, and waits for its end.
 * On the own CPU it is a plain call. May not be called with interrupts off or
 * under a spinlock (two CPUs calling each other would wait for ever). */
void cpu_call(unsigned cpu, void (*fn)(void *), void *arg);

#endif /* KERNEL_SCHED_H */
