/*
 * Scheduling: who runs next, waking and being woken.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include <kernel/lock.h>
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
	/* Makes it a candidate, behind those that wait already; never the idle
	 * thread. */
	void (*enqueue)(struct run_queue *rq, struct proc_struct *proc);
	/* Takes the next to run out of the queue; NULL if it is empty. */
	struct proc_struct *(*pick_next)(struct run_queue *rq);
	/* Takes out one that may move to another CPU; NULL if none is near. */
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
	struct proc_struct *prev; /* who is being switched away from */
	const struct sched_class *class;
	struct list queue; /* the class's */
	bool online;	   /* the CPU takes interrupts and runs threads */
	bool steal_again;  /* a neighbour was busy when we wanted to steal */

	/* What happened, for `ps`, tests and the curious. */
	unsigned long nr_switches;
	unsigned long nr_preemptions;	 /* a thread lost the CPU to another */
	unsigned long nr_remote_wakeups; /* woken or begun by another CPU */
	unsigned long nr_migrations_in;	 /* came here from another CPU */
	unsigned long nr_remote_reaps;	 /* reaped here, ended elsewhere */
} __cacheline_aligned;

extern struct run_queue run_queues[MAX_CPUS];
extern unsigned nr_cpus;
struct boot_option;
extern const struct boot_option sched_option, slice_option;

/* Makes the run queues of nr CPUs with the class that `sched=` chose. */
void sched_init(unsigned nr);
const char *sched_class_name(void);

/* Gives up the CPU. A thread whose state is not RUNNABLE is not queued again. May be called
 * with interrupts off (they stay off); no spinlock held. */
void schedule(void);
/* The same for who has turned them off. */
void schedule_irqs_off(void);

/* Takes the CPU from the calling thread, which stays queued whatever it was about
 * to do. For the end of an interrupt. Interrupts off, no spinlock held. */
void sched_preempt(void);

/* The calling thread has changed its space or its FPU state: notes whether it has
 * any, so that a switch between two kernel threads asks only once. Interrupts
 * off. */
void sched_note_user_state(void);

/* The calling thread uses the registers of the floating-point unit from now on,
 * beginning with this state (arch_fpu_init), which is the caller's memory; NULL: no
 * more. What they held until then is in the state that the thread had before, if any.
 * do_exit says NULL too, so the memory must last that long. Any context of a thread. */
void sched_set_fpu(struct fpu_state *state);

/* Lets others run first: back to the end of the queue. */
static inline void
yield(void)
{
	schedule();
}

/* SLEEPING -> RUNNABLE, once; harmless on a runnable one; waking a
 * zombie is a caught bug. Any context, also under any lock below the run queue's. */
void wakeup_proc(struct proc_struct *proc);

/* UNINIT -> RUNNABLE: the end of a birth, by the parent; nobody else can wake the
 * thread yet. Afterwards it may already have ended. Interrupts off. */
void sched_start(struct proc_struct *proc);

/* The calling thread's last switch; it is a ZOMBIE. Wakes `heir` (may be NULL), who
 * cannot go away before this thread is off its CPU. Interrupts off, no lock. */
void sched_exit(struct proc_struct *heir) __noreturn;

/* Says that this CPU takes interrupts and may be given threads. Interrupts off. */
void sched_cpu_online(void);

/* A CPU that is idle and has nothing queued, or `otherwise`: where to put new work
 * that may run anywhere. A hint. */
unsigned sched_idle_cpu(unsigned otherwise);

/* Never returns: runs what can run, halts the CPU when nothing can. */
void cpu_idle(void) __noreturn;

/* Waits until `proc`, which will not run again, has left its stack. */
static inline void
sched_wait_off_cpu(const struct proc_struct *proc)
{
	if (likely(atomic_load(&proc->on_cpu) == 0))
		return;
	do
		arch_cpu_relax();
	while (atomic_load(&proc->on_cpu) != 0);
}

/* How often it was scheduled in, and the cycles it has used so far. */
void sched_usage(struct proc_struct *proc, unsigned *runs, uint64_t *cycles);

/* Says that the calling thread is about to sleep. A wake-up from here on is not lost:
 * set, then check the condition, then schedule(). */
static inline void
set_current_state(enum proc_state state)
{
	struct proc_struct *self = current;

	atomic_store_full(&self->state, state);
}

/*
 * A CPU that waits for another one must itself answer meanwhile, or two that wait
 * for each other do so for ever: interrupts are on, and no spinlock is held, which
 * the other one might want before it answers. Whoever is about to wait, or might
 * have to (even if this time there is nobody to wait for), says so first. Debug
 * builds panic if it may not. A CPU that is not online yet may: nobody
 * waits for it.
 */
void sched_check_wait_for_cpus(void);

static inline void
assert_may_wait_for_cpus(void)
{
	if (KERNEL_DEBUG)
		sched_check_wait_for_cpus();
}

/* Runs fn(arg) on CPU `cpu`, interrupts off there, and waits for its end.
 * On the own CPU it is a plain call; a CPU that is not online yet is left out.
 * The caller may wait for other CPUs (assert_may_wait_for_cpus), even if it asks its
 * own. */
void cpu_call(unsigned cpu, void (*fn)(void *), void *arg);

#endif /* KERNEL_SCHED_H */
