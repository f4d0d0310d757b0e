/*
 * Birth and death of threads, and the search for a pid.
 */
#include "bench.h"

#include <kernel/error.h>
#include <kernel/proc.h>
#include "../core/proc/internal.h"

/* Threads made, one after the other, in one sample. */
#define THREADS 100
#define MANY_THREADS 4000
/* Pids taken in one sample. */
#define PIDS 500
/* So near to the last pid, the counter is about to wrap. */
#define NEAR_WRAP 8

static int
short_life(void *arg)
{
	return 0;
}

/* Makes `nr` threads and reaps each; 0, or why the first failed. */
static int
create_and_reap(unsigned nr)
{
	while (nr-- > 0) {
		int pid = kernel_thread(short_life, NULL, 0);

		if (pid < 0)
			return pid;
		pid = do_wait(pid, NULL);
		if (pid < 0)
			return pid;
	}
	return 0;
}

static int
run_create(const struct bench *bench, void *memory)
{
	struct bench_row *row = memory;

	bench_row_init(row, THREADS, "%s", bench->name);
	while (bench_row_wants_more(row)) {
		uint64_t start = arch_cycles();
		int err = create_and_reap(THREADS);

		if (err != 0)
			return bench_skip(bench, "no thread", err);
		bench_row_add(row, start);
	}
	bench_row_print(row);
	return 0;
}

const struct bench bench_create = {
	.name = "thread.create_exit_wait",
	.help = "kernel_thread, its exit, do_wait: one thread's whole life",
	.memory = sizeof(struct bench_row),
	.run = run_create,
};

static int
run_create_4000(const struct bench *bench, void *memory)
{
	int err = bench_sleepers_start(MANY_THREADS);

	if (err != 0)
		return bench_skip(bench, "not enough threads", err);
	err = run_create(bench, memory);
	bench_sleepers_stop();
	return err;
}

const struct bench bench_create_4000 = {
	.name = "thread.create_exit_wait.4000",
	.help = "the same while 4,000 more threads are alive, asleep",
	.memory = sizeof(struct bench_row),
	.run = run_create_4000,
};

/* -- pids ------------------------------------------------------------------------ */

/* Takes `nr` pids; the counter goes on from the last one given. */
static void
take_pids(int pids[], unsigned nr) REQUIRES(proc_lock)
{
	for (unsigned i = 0; i < nr; i++)
		pids[i] = get_pid();
}

/* Gives pids out and back until the counter is about to wrap. */
static void
advance_to_wrap(void) REQUIRES(proc_lock)
{
	for (unsigned i = 0; i < MAX_PID; i++) {
		int pid = get_pid();

		put_pid(pid);
		if (pid >= MAX_PID - NEAR_WRAP)
			return;
	}
}

struct wrap {
	struct bench_row row;
	int pids[PIDS];
};

static void
sample_pids(struct wrap *wrap)
{
	irq_state_t irqs = spin_lock_irqsave(&proc_lock);
	uint64_t start;

	advance_to_wrap();
	start = arch_cycles();
	take_pids(wrap->pids, PIDS);
	bench_row_add(&wrap->row, start);
	for (unsigned i = 0; i < PIDS; i++)
		put_pid(wrap->pids[i]);
	spin_unlock_irqrestore(&proc_lock, irqs);
}

/* The sleepers get the lowest pids there are: they stand in the way of the first
 * one behind the wrap. That one and those around it are measured. */
static int
run_pid_wrap(const struct bench *bench, void *memory)
{
	struct wrap *wrap = memory;
	irq_state_t irqs = spin_lock_irqsave(&proc_lock);
	int err;

	advance_to_wrap();
	spin_unlock_irqrestore(&proc_lock, irqs);
	err = bench_sleepers_start(MANY_THREADS);
	if (err != 0)
		return bench_skip(bench, "not enough threads", err);
	bench_row_init(&wrap->row, PIDS, "%s", bench->name);
	while (bench_row_wants_more(&wrap->row))
		sample_pids(wrap);
	bench_row_print(&wrap->row);
	bench_sleepers_stop();
	return 0;
}

const struct bench bench_pid_wrap = {
	.name = "pid.after_wrap.4000",
	.help = "get_pid from the wrap on, 4,000 pids taken",
	.memory = sizeof(struct wrap),
	.run = run_pid_wrap,
};
