/*
 * The process control block, struct proc_struct: data only.
 *
 * The structure stands at the bottom of the layers (as data only) because every spinlock
 * touches current->preempt_count. What is done with it lives above: switching
 * and waking in <kernel/sched.h>, birth and death in <kernel/proc.h>.
 *
 * Keys behind the fields:
 *   (t)  only the thread itself
 *   (r)  run-queue lock of the thread's CPU
 *   (p)  process-list lock
 *   (c)  constant from birth to death
 */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include <kernel/atomic.h>
#include <kernel/list.h>
#include <kernel/types.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/thread.h>

enum proc_state {
	PROC_UNINIT = 0, /* being made */
	PROC_SLEEPING,	 /* waits for wakeup_proc */
	PROC_RUNNABLE,	 /* runs, or waits for a CPU */
	PROC_ZOMBIE,	 /* has ended, waits for its parent */
};

/* 15 characters and a NUL. */
#define PROC_NAME_LEN 15

/* proc->flags */
enum proc_flags {
	PF_KILLED = 1 << 0, /* asked to end: kthread_should_stop() */
	PF_IDLE = 1 << 1,   /* a CPU's idle thread: never queued */
};

/* proc->wait_state: what a sleeping thread waits for. */
enum wait_state {
	WT_NONE = 0,
	WT_EVENT = 1 << 0,	   /* a wait queue, a timer, ... */
	WT_CHILD = 1 << 1,	   /* a child's end */
	WT_INTERRUPTIBLE = 1 << 2, /* do_kill may wake it */
};

/* proc->bound_cpu of a thread that may run anywhere. */
#define CPU_ANY (~0u)

struct child_wait;
struct fpu_state;
struct mm_struct;
struct space;
struct spinlock;

struct proc_struct {
	/* Preemption. */
	volatile int need_resched; /* set by interrupts and other CPUs too */
	unsigned preempt_count;	   /* (t) > 0: not to be preempted */
	struct spinlock *held;	   /* (t) the one taken last; debug builds */
	unsigned irq_depth;	   /* (t) interrupts handled on its stack */
	unsigned nr_traps;	   /* (t) all frames open on its stack */
	struct trapframe *tf;	   /* (t) the newest of them */

	/* Scheduling. */
	volatile enum proc_state state; /* set by itself; by others: (r) */
	volatile unsigned
		on_cpu;	      /* 1 until the next thread finished the switch */
	bool on_rq;	      /* (r) queued, or current */
	unsigned cpu;	      /* (r) whose run queue it belongs to */
	unsigned bound_cpu;   /* (c) CPU_ANY, or the only CPU for it */
	unsigned time_slice;  /* (r) ticks left */
	struct list run_link; /* (r) in its class's queue */
	unsigned runs;	      /* (r) times it was scheduled in */
	uint64_t cycles;      /* (r) CPU time, in arch_cycles(); less the
				 * moment it got the CPU, while it has it */

	/* What the port saves and loads. */
	struct context context;
	struct fpu_state *fpu;	 /* (t) NULL: its code uses no such registers */
	uintptr_t kstack;	 /* (c) lowest address of its kernel stack */
	struct space *space;	 /* (t) loaded while it runs; never NULL */
	unsigned has_user_state; /* (t) one of these two is its own: 0 or 1 */

	/* Identity and family. */
	int pid;		       /* (c) */
	unsigned flags;		       /* (p) */
	volatile unsigned wait_state;  /* (p) for WT_CHILD, else (t) */
	int exit_code;		       /* (p) */
	struct child_wait *child_wait; /* (p) the do_wait() it sleeps in */
	struct proc_struct *parent;    /* (p) */
	struct list children;	       /* (p) living children */
	struct list zombies;	       /* (p) dead children */
	struct list sibling;   /* (p) in one of the parent's two lists */
	struct list list_link; /* (p) all processes */
	struct list hash_link; /* (p) by pid */
	struct mm_struct *mm;  /* NULL: a kernel thread */
	char name[PROC_NAME_LEN + 1];
};

/* The thread that runs here. */
#define current arch_current()

/* Each CPU's idle thread; [0] also is the first thread of all. Static, because
 * a lock can be taken before anything can be allocated. */
extern struct proc_struct idle_threads[MAX_CPUS];

static inline bool
need_resched(const struct proc_struct *proc)
{
	return atomic_load_relaxed(&proc->need_resched) != 0;
}

static inline void
set_need_resched(struct proc_struct *proc)
{
	atomic_store_relaxed(&proc->need_resched, 1);
}

#endif /* KERNEL_THREAD_H */
