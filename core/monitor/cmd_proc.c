/*
 * ps, spawn, kill, sleep: processes to look at and to play with.
 */
#include <kernel/error.h>
#include <kernel/kmalloc.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <arch/device.h>
#include "commands.h"

/* -- ps --------------------------------------------------------------------------- */

static const char *
state_name(enum proc_state state)
{
	switch (state) {
	case PROC_UNINIT:
		return "new";
	case PROC_SLEEPING:
		return "sleeping";
	case PROC_RUNNABLE:
		return "runnable";
	case PROC_ZOMBIE:
		return "zombie";
	}
	return "?";
}

static void
print_process(const struct proc_info *info)
{
	/* A 64-bit count in units that fit a column: 1,024 cycles. */
	unsigned long kcycles = (unsigned long)(info->cycles >> 10);

	printk("%5d %5d %-8s %3u%c %8u %10lu %s\n", info->pid, info->parent,
	       state_name(info->state), info->cpu,
	       info->bound_cpu == CPU_ANY ? ' ' : '!', info->runs, kcycles,
	       info->name);
}

static int
ps_run(int argc, char *argv[])
{
	/* Some may be born meanwhile. */
	size_t max = nr_process() + 16, nr;
	struct proc_info *info;

	if (argc > 1)
		return command_usage(&cmd_ps);
	info = kcalloc(max, sizeof(*info), GFP_KERNEL);
	if (info == NULL) {
		printk("ps: no memory for %zu entries\n", max);
		return -E_NO_MEM;
	}
	nr = MIN(proc_snapshot(info, max), max);
	printk("  PID  PPID STATE    CPU      RUNS    KCYCLES NAME\n");
	for (size_t i = 0; i < nr; i++)
		print_process(&info[i]);
	kfree(info);
	return 0;
}

const struct command cmd_ps = {
	.name = "ps",
	.usage = "ps",
	.help = "lists all processes; ! marks one that is bound to its CPU",
	.run = ps_run,
};

/* -- spawn ------------------------------------------------------------------------ */

static int
job_spin(void *arg)
{
	while (!kthread_should_stop())
		arch_cpu_relax();
	return 0;
}

static int
job_sleep(void *arg)
{
	(void)sleep_ticks((unsigned long)(uintptr_t)arg);
	return 0;
}

static int
job_yield(void *arg)
{
	for (uintptr_t n = (uintptr_t)arg; n > 0 && !kthread_should_stop(); n--)
		yield();
	return 0;
}

static int
job_exit(void *arg)
{
	return (int)(intptr_t)arg;
}

struct job_kind {
	const char *name;
	thread_fn *fn;
	unsigned long default_arg;
	const char *help;
};

static const struct job_kind job_kinds[] = {
	{ "spin", job_spin, 0, "never yields, until it is killed" },
	{ "sleep", job_sleep, 1000, "sleeps N ticks, or until it is killed" },
	{ "yield", job_yield, 1000, "yields N times" },
	{ "exit", job_exit, 0, "ends with code N" },
};

struct spawn_order {
	const struct job_kind *kind;
	unsigned long count;
	void *arg;
};

/* Has the jobs and ends, so that they become init's, who reaps them. Its
 * exit code is the first error. */
static int
spawn_all(void *arg)
{
	const struct spawn_order *order = arg;

	for (unsigned long i = 0; i < order->count; i++) {
		int pid;

		if (kthread_should_stop())
			return -E_KILLED;
		pid = kernel_thread_on(CPU_ANY, order->kind->name,
				       order->kind->fn, order->arg);

		if (pid < 0) {
			printk("spawn: %lu of %lu: %s\n", i, order->count,
			       error_name(pid));
			return pid;
		}
		printk("spawn: %s is pid %d\n", order->kind->name, pid);
	}
	return 0;
}

static int
spawn_kinds(const char *wrong)
{
	if (wrong != NULL)
		printk("spawn: no such kind: %s\n", wrong);
	(void)command_usage(&cmd_spawn);
	for (unsigned i = 0; i < ARRAY_SIZE(job_kinds); i++)
		printk("  %-8s %s\n", job_kinds[i].name, job_kinds[i].help);
	return -E_INVAL;
}

static int
spawn_run(int argc, char *argv[])
{
	struct spawn_order order = { .count = 1 };
	unsigned long n;
	int err, code;

	if (argc < 2 || argc > 4)
		return spawn_kinds(NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(job_kinds); i++)
		if (strcmp(argv[1], job_kinds[i].name) == 0)
			order.kind = &job_kinds[i];
	if (order.kind == NULL)
		return spawn_kinds(argv[1]);
	n = order.kind->default_arg;
	if ((argc > 2 && parse_unsigned(argv[2], &order.count) != 0) ||
	    (argc > 3 && parse_unsigned(argv[3], &n) != 0))
		return command_usage(&cmd_spawn);
	order.arg = (void *)n;
	err = kernel_thread_run(CPU_ANY, "spawn", spawn_all, &order, &code);
	if (err != 0) {
		printk("spawn: %s\n", error_name(err));
		return err;
	}
	return code;
}

static const char *
spawn_word(unsigned i)
{
	return i < ARRAY_SIZE(job_kinds) ? job_kinds[i].name : NULL;
}

const struct command cmd_spawn = {
	.name = "spawn",
	.usage = "spawn KIND [COUNT [N]]",
	.help = "starts threads that do one thing: spin, sleep, yield, exit",
	.run = spawn_run,
	.word = spawn_word,
};

/* -- kill, sleep --------------------------------------------------------------------- */

static int
kill_one(const char *word)
{
	long pid;
	int err;

	if (parse_int(word, &pid) != 0 || pid != (int)pid) {
		printk("kill: %s is not a pid\n", word);
		return -E_INVAL;
	}
	err = do_kill((int)pid);
	if (err == -E_INVAL)
		printk("kill: %ld: invalid: the kernel's own threads cannot be "
		       "killed\n",
		       pid);
	else if (err != 0)
		printk("kill: %ld: %s\n", pid, error_name(err));
	return err;
}

static int
kill_run(int argc, char *argv[])
{
	int last_error = 0;

	if (argc < 2)
		return command_usage(&cmd_kill);
	for (int i = 1; i < argc; i++) {
		int err = kill_one(argv[i]);

		if (err != 0)
			last_error = err;
	}
	return last_error;
}

const struct command cmd_kill = {
	.name = "kill",
	.usage = "kill PID ...",
	.help = "asks threads to end",
	.run = kill_run,
};

static int
sleep_run(int argc, char *argv[])
{
	unsigned long ticks;

	if (argc != 2 || parse_unsigned(argv[1], &ticks) != 0)
		return command_usage(&cmd_sleep);
	return sleep_ticks(ticks) == 0 ? 0 : -E_KILLED;
}

const struct command cmd_sleep = {
	.name = "sleep",
	.usage = "sleep TICKS",
	.help = "does nothing for a while; 100 ticks are a second",
	.run = sleep_run,
};
