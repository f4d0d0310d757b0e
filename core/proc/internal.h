/*
 * What the files of core/proc share.
 */
#ifndef PROC_INTERNAL_H
#define PROC_INTERNAL_H

#include <kernel/kmalloc.h>
#include <kernel/proc.h>

/* Guards the list of all processes, the pid hash, pids, and the family links
 * of every process. Interrupts off: each change is one step to everybody. */
extern struct spinlock proc_lock;

/* -- proc.c: the table of processes ------------------------------------------- */

/* A new child of the caller: into the table, and into a run queue. Its pid, or
 * -E_NO_FREE_PROC. */
int proc_publish(struct proc_struct *proc) __must_check;
void proc_unpublish(struct proc_struct *proc) REQUIRES(proc_lock);

extern size_t nr_processes; /* grows under proc_lock */
extern unsigned proc_limit;

/* As many as there may be? Exact only under proc_lock. */
static inline bool
proc_limit_reached(void)
{
	return atomic_load_relaxed(&nr_processes) >= proc_limit;
}

/* One less: the last step of a process's end. */
static inline void
proc_count_down(void)
{
	(void)atomic_sub(&nr_processes, 1);
}

/* -- pid.c ---------------------------------------------------------------------- */

/* The next free pid after the last one given, wrapping in [1, MAX_PID). */
int
get_pid(void) REQUIRES(proc_lock)
__must_check;
void put_pid(int pid) REQUIRES(proc_lock);

/* -- control_block.c ------------------------------------------------------------ */

void control_block_init(void);
/* A control block with every field at its start value; kstack is a mapped stack,
 * or 0. NULL: no memory, nothing was touched. May sleep. */
struct proc_struct *alloc_proc(void) __must_check;
/* With its stack, if it has one, and what the port attached to the context.
 * Nobody knows the thread any more. May sleep. */
void free_proc(struct proc_struct *proc);
/* Gives idle stacks back if there are many. Sleeps. */
void proc_reap_kept(void);

/* -- kstack.c ------------------------------------------------------------------- */

void kstack_init(size_t nr_slots);
extern size_t nr_kstacks; /* changes under kstack's lock */

/* How many are mapped. */
static inline size_t
kstack_nr(void)
{
	return atomic_load_relaxed(&nr_kstacks);
}

/* The lowest address of a mapped stack in *kstack. -E_NO_MEM; -E_NO_FREE_PROC:
 * as many stacks as there may be processes. May sleep. */
int kstack_alloc(uintptr_t *kstack) __must_check;
/* Waits for other CPUs: interrupts on, no spinlock. */
void kstack_free(uintptr_t kstack);

#endif /* PROC_INTERNAL_H */
