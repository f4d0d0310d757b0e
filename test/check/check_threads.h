/*
 * What the thread checks share.
 */
#ifndef CHECK_THREADS_H
#define CHECK_THREADS_H

#include <kernel/types.h>

/* What must be the same before and after a check, at a quiet moment. */
struct quiet_state {
	size_t nr_process;
	size_t nr_free_pages;
};
struct quiet_state quiet_state_take(void);
bool quiet_state_expect(const struct quiet_state *before);

/* While the workers are held nothing is reaped behind a check's back. Once. */
void workers_hold(void);
void workers_go(void);

/* Thread functions: return the argument; call do_exit with it; sleep until they are
 * asked to end. */
int thread_return(void *arg);
int thread_exit(void *arg);
int thread_wait_for_stop(void *arg);

void check_alloc_proc(void);
void check_idle_stacks(void);
void check_alloc_failures(void);
void check_crowded_births(void);
void check_wait(void);
void check_kill(void);
void check_hand_over(void);
void check_orphans(void);
void check_find_proc(void);
void check_pid_wrap(void);
void check_thread_limit(void);

void check_run_order(void);
void check_fairness(void);
void check_bound(void);
void check_cpu_call(void);
void check_intr_save(void);

void check_sleep(void);
void check_timers(void);
void check_wait_queue(void);
void check_semaphore(void);
void check_mutex(void);
void check_completion(void);
void check_work(void);

void check_windows(void);
void check_restart(void);

void check_trap_sleep(void);
void check_trap_refusals(void);
void check_trap_restart(void);
void check_trap_user(void);
void check_fpu(void);

void check_stress_cycles(void);
void check_stress_switches(void);
void check_stress_cpus(void);

#endif /* CHECK_THREADS_H */
