/*
 * Processes: what the rest of the kernel may ask of their birth, life and death.
 */
#ifndef KERNEL_PROC_H
#define KERNEL_PROC_H

#include <kernel/error.h>
#include <kernel/sched.h>
#include <kernel/wait.h>

/* do_fork flags. */
enum clone_flags {
	CLONE_VM = 1 << 8, /* share the parent's address space */
};

/* As many processes as can ever be set at boot (`threads=`), and as there may
 * be without a setting. */
#define MAX_PROCESS 16384
#define DEFAULT_PROCESS_LIMIT 4096
#define PROCESS_LIMIT_MIN 16
/* Each CPU has its worker; beside these there are init, the first job, and what
 * it starts. */
#define PROCESS_LIMIT_SPARE 8
/* pids are in [1, MAX_PID). */
#define MAX_PID 32768
BUILD_ASSERT(MAX_PID > MAX_PROCESS);

extern struct proc_struct *initproc;
extern const struct boot_option threads_option;

/* Sets up the table of processes and creates init, which will run
 * init_main("Hello world!!"). On the boot CPU's idle thread, interrupts off. */
void proc_init(thread_fn *init_main);

/* All processes that exist, zombies included, idle not. */
size_t nr_process(void);
size_t process_limit(void);
/* Whether `threads=` goes with the machine: there are enough for its CPUs, and no
 * more than it has pages. 0; or -E_INVAL after a complaint, and the limit is the
 * default. At boot, after page_init(). */
int process_limit_check(unsigned nr_of_cpus) __must_check;

/*
 * A thread of its own that runs fn(arg) in the kernel; fn's result is its exit
 * code. Child of the caller, which reaps it with do_wait. Returns its pid,
 * -E_NO_FREE_PROC or -E_NO_MEM. May sleep.
 */
int kernel_thread(thread_fn *fn, void *arg, unsigned clone_flags) __must_check;
/* The same with a name (cut to PROC_NAME_LEN) and bound to one CPU (or
 * CPU_ANY). -E_INVAL for a CPU that does not exist. */
int kernel_thread_on(unsigned cpu, const char *name, thread_fn *fn, void *arg)
	__must_check;

/* A child that returns to *tf on its own stack. Returns the pid or an error. */
int do_fork(unsigned clone_flags, uintptr_t stack, const struct trapframe *tf)
	__must_check;

/*
 * Waits for the end of child `pid` (0: any child), reaps it, and puts its exit
 * code into *code (may be NULL). Returns the pid that was reaped, -E_BAD_PROC for
 * someone who is no child (or with no child at all), -E_KILLED.
 */
int do_wait(int pid, int *code) __must_check;
/* The same, but do_kill does not end it: for a caller whose child uses what lies
 * on the caller's stack. Never -E_KILLED. */
int do_wait_unkillable(int pid, int *code) __must_check;

/*
 * Runs fn(arg) in a thread of its own, as kernel_thread_on() does, waits for its
 * end, however long it takes, and puts its result into *code. So arg may lie on the
 * caller's stack. 0, or why there is no such thread. Sleeps.
 */
int kernel_thread_run(unsigned cpu, const char *name, thread_fn *fn, void *arg,
		      int *code) __must_check;

/* Asks a thread to end. 0, -E_BAD_PROC for no such pid, -E_INVAL for the
 * kernel's own (idle and its children: init and the workers). Does not sleep. */
int do_kill(int pid) __must_check;

/* Whether the calling kernel thread was asked to end. */
bool kthread_should_stop(void);

/* The process with this pid, NULL if there is none. The process-list lock is held,
 * and what was found is good until it is released. */
struct proc_struct *find_proc(int pid);

/* Calls fn for the part in use of the stack of each thread that does not run,
 * the process-list lock held. Threads that run, and idle ones, are left out. */
void proc_visit_stacks(void (*fn)(const void *from, const void *to));

/* Looks for objects that nothing leads to, and prints them; returns how many.
 * Everything stands still meanwhile. -E_NOT_FOUND: the back end cannot; -E_BUSY:
 * somebody is at it; -E_NO_MEM, -E_NO_SPACE (as many were made meanwhile). */
int leaks_find(void) __must_check;

void set_proc_name(struct proc_struct *proc, const char *name);

/* A copy of what `ps` shows, taken process by process in list order. */
struct proc_info {
	int pid, parent;
	enum proc_state state;
	unsigned cpu, bound_cpu, runs, wait_state;
	uint64_t cycles;
	char name[PROC_NAME_LEN + 1];
};
/* Fills up to max of them; returns how many processes there are. */
size_t proc_snapshot(struct proc_info *info, size_t max);

/* Mapped stacks of ended threads that wait for the next ones: about how many.
 * Giving all of them back (returns pages freed); sleeps. */
size_t proc_nr_kept(void);
size_t proc_release_kept(void);

#endif /* KERNEL_PROC_H */
