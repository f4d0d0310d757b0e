/*
 * All in-kernel checks, in the order in which they run within their stage.
 * check.c says what a row means and how to add one.
 */
#include <kernel/check.h>

#include "check_kmem.h"
#include "check_threads.h"
#include "check_page.h"

const struct check checks[] = {
	/* Physical pages. */
	{
		.name = "alloc_page",
		.help = "the page allocator's contract, under its own policy",
		.stage = CHECK_PAGE,
		.in_all = true,
		.classic_line = "check_alloc_page() succeeded!",
		.run = check_alloc_page,
	},
	{
		.name = "page_policies",
		.help = "the page allocator's policies, side by side",
		.stage = CHECK_PAGE,
		.in_all = true,
		.run = check_page_policies,
	},
	{
		.name = "page_exhaustion",
		.help = "allocating pages until there are none",
		.stage = CHECK_PAGE,
		.in_all = true,
		.run = check_page_exhaustion,
	},

	/* The kernel's address space: before there are stacks in it. */
	{
		.name = "pgdir",
		.help = "mapping pages, and the references that this takes",
		.stage = CHECK_SPACE,
		.in_all = true,
		.classic_line = "check_pgdir() succeeded!",
		.run = check_pgdir,
	},
	{
		.name = "boot_pgdir",
		.help = "what the kernel's own space allows and what not",
		.stage = CHECK_SPACE,
		.in_all = true,
		.classic_line = "check_boot_pgdir() succeeded!",
		.run = check_boot_pgdir,
	},

	/* Objects. */
	{
		.name = "slab",
		.help = "kmalloc and friends, by the back end that was chosen",
		.stage = CHECK_KMEM,
		.in_all = true,
		.classic_line = "check_slab() succeeded!",
		.run = check_slab,
	},
	{
		.name = "kmalloc",
		.help = "the contract of kmalloc, by every back end",
		.stage = CHECK_KMEM,
		.in_all = true,
		.run = check_kmalloc,
	},
	{
		.name = "kmem_cache",
		.help = "good and bad requests for named caches",
		.stage = CHECK_KMEM,
		.in_all = true,
		.run = check_kmem_cache,
	},
	{
		.name = "kmem_exhaustion",
		.help = "kmalloc until there is no memory, by every back end",
		.stage = CHECK_KMEM,
		.in_all = true,
		.run = check_kmem_exhaustion,
	},
	{
		.name = "slab_stress",
		.help = "objects handed across CPUs: check_args=objects=N",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_slab_stress,
	},
	/* Threads. */
	{
		.name = "alloc_proc",
		.help = "a new control block is defined in every byte",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_alloc_proc,
	},
	{
		.name = "fork_failures",
		.help = "each allocation of a birth fails in turn (debug builds)",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_fork_failures,
	},
	{
		.name = "wait",
		.help = "do_wait: by pid, any, wrong ones, once only",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_wait,
	},
	{
		.name = "kill",
		.help = "do_kill and kthread_should_stop",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_kill,
	},
	{
		.name = "orphans",
		.help = "init adopts and reaps",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_orphans,
	},
	{
		.name = "find_proc",
		.help = "by pid, alive and in range only",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_find_proc,
	},
	{
		.name = "run_order",
		.help = "first runnable, first to run; who yields goes last",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_run_order,
	},
	{
		.name = "fairness",
		.help = "threads that never yield: shared by rr, not by fifo",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_fairness,
	},
	{
		.name = "bound",
		.help = "bound threads stay on their CPU",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_bound,
	},
	{
		.name = "cpu_call",
		.help = "functions run on other CPUs",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_cpu_call,
	},
	{
		.name = "intr_save",
		.help = "interrupt sections nest",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_intr_save,
	},
	{
		.name = "sleep",
		.help = "sleeping for ticks, and being woken early",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_sleep,
	},
	{
		.name = "timers",
		.help = "armed, cancelled, armed again, in order",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_timers,
	},
	{
		.name = "wait_queue",
		.help = "all, some, killed, timed out",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_wait_queue,
	},
	{
		.name = "semaphore",
		.help = "never more inside than units",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_semaphore,
	},
	{
		.name = "mutex",
		.help = "one at a time",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_mutex,
	},
	{
		.name = "completion",
		.help = "on the waiter's stack, kept, for ever",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_completion,
	},
	{
		.name = "work",
		.help = "deferred work from interrupts",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_work,
	},
	{
		.name = "windows",
		.help = "the moments between two steps that a stress seldom parts",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_windows,
	},
	{
		.name = "restart",
		.help = "an interrupt before every instruction of the fast paths",
		.stage = CHECK_THREADS,
		.in_all = true,
		.run = check_restart,
	},
	{
		.name = "pid_wrap",
		.help = "more births than pids",
		.stage = CHECK_THREADS,
		.in_all = false,
		.run = check_pid_wrap,
	},
	{
		.name = "thread_limit",
		.help = "as many threads alive as may be",
		.stage = CHECK_THREADS,
		.in_all = false,
		.run = check_thread_limit,
	},
	{
		.name = "stress_cycles",
		.help = "create, exit, wait: check_args=cycles=N",
		.stage = CHECK_THREADS,
		.in_all = false,
		.run = check_stress_cycles,
	},
	{
		.name = "stress_switches",
		.help = "switches and wake-ups: check_args=switches=N",
		.stage = CHECK_THREADS,
		.in_all = false,
		.run = check_stress_switches,
	},
	{
		.name = "stress_cpus",
		.help = "both, and all of it across CPUs",
		.stage = CHECK_THREADS,
		.in_all = false,
		.run = check_stress_cpus,
	},
	{ .name = NULL },
};
