/*
 * Switching between threads: by yielding, and by sleeping and waking.
 *
 * The bench thread plays against one partner on the same CPU; each of its
 * turns makes two switches. Everybody else sleeps meanwhile.
 */
#include "bench.h"

#include <kernel/error.h>
#include <kernel/proc.h>
#include <kernel/sched.h>
#include <kernel/wait.h>

/* Turns in one sample. */
#define TURNS 1000
#define SWITCHES_PER_TURN 2
#define MANY_THREADS 4000

/* A way of handing the CPU to and fro. */
struct game {
	int (*partner)(void *arg);
	void (*turns)(unsigned nr);
	/* Lets a partner that waits see `stop`. */
	void (*wake_partner)(void);
};

/* What the two players share. */
static struct {
	struct proc_struct *bencher, *partner;
	unsigned stop;
	struct semaphore to_bencher, to_partner;
} shared;

static void
play_turns(void *arg)
{
	const struct game *game = arg;

	game->turns(TURNS);
}

static int
play(const struct bench *bench, struct bench_row *row, const struct game *game)
{
	int pid;

	shared.bencher = current;
	shared.partner = NULL;
	shared.stop = 0;
	sem_init(&shared.to_bencher, 0);
	sem_init(&shared.to_partner, 0);
	pid = kernel_thread_on(BENCH_CPU, "bench partner", game->partner, NULL);
	if (pid < 0)
		return bench_skip(bench, "no partner", pid);
	while (atomic_load(&shared.partner) == NULL)
		yield();

	bench_row_init(row, TURNS * SWITCHES_PER_TURN, "%s", bench->name);
	bench_row_measure(row, play_turns, (void *)game);

	atomic_store(&shared.stop, 1u);
	game->wake_partner();
	bench_reap(pid);
	return 0;
}

/* -- yield -------------------------------------------------------------------- */

static int
yield_partner(void *arg)
{
	atomic_store(&shared.partner, current);
	while (!atomic_load_relaxed(&shared.stop))
		yield();
	return 0;
}

static void
yield_turns(unsigned nr)
{
	while (nr-- > 0)
		yield();
}

static void
yield_wake_partner(void)
{
	/* It never sleeps. */
}

static const struct game yielding = {
	.partner = yield_partner,
	.turns = yield_turns,
	.wake_partner = yield_wake_partner,
};

static int
run_yield_2(const struct bench *bench, void *memory)
{
	return play(bench, memory, &yielding);
}

const struct bench bench_yield_2 = {
	.name = "switch.yield.2",
	.help = "one switch between two threads that yield",
	.memory = sizeof(struct bench_row),
	.run = run_yield_2,
};

static int
run_yield_4000(const struct bench *bench, void *memory)
{
	int err = bench_sleepers_start(MANY_THREADS);

	if (err != 0)
		return bench_skip(bench, "not enough threads", err);
	err = play(bench, memory, &yielding);
	bench_sleepers_stop();
	return err;
}

const struct bench bench_yield_4000 = {
	.name = "switch.yield.4000",
	.help = "the same while 4,000 more threads are alive, asleep",
	.memory = sizeof(struct bench_row),
	.run = run_yield_4000,
};

/* -- sleep and wake-up ------------------------------------------------------------ */

/* A thread that is preempted in here stays queued, and a wake-up that comes
 * before it sleeps cancels the sleep: no turn is lost. */
static void
wake_and_sleep(struct proc_struct *other)
{
	set_current_state(PROC_SLEEPING);
	wakeup_proc(other);
	schedule();
}

static int
wakeup_partner(void *arg)
{
	atomic_store(&shared.partner, current);
	while (!atomic_load_relaxed(&shared.stop))
		wake_and_sleep(shared.bencher);
	return 0;
}

static void
wakeup_turns(unsigned nr)
{
	while (nr-- > 0)
		wake_and_sleep(shared.partner);
}

static void
wakeup_wake_partner(void)
{
	wakeup_proc(shared.partner);
}

static const struct game waking = {
	.partner = wakeup_partner,
	.turns = wakeup_turns,
	.wake_partner = wakeup_wake_partner,
};

static int
run_wakeup(const struct bench *bench, void *memory)
{
	return play(bench, memory, &waking);
}

const struct bench bench_wakeup = {
	.name = "switch.wakeup",
	.help = "wakeup_proc(the other), sleep: one switch",
	.memory = sizeof(struct bench_row),
	.run = run_wakeup,
};

/* -- the same through semaphores ------------------------------------------------ */

static int
semaphore_partner(void *arg)
{
	atomic_store(&shared.partner, current);
	for (;;) {
		sem_down(&shared.to_partner);
		if (atomic_load_relaxed(&shared.stop))
			return 0;
		sem_up(&shared.to_bencher);
	}
}

static void
semaphore_turns(unsigned nr)
{
	while (nr-- > 0) {
		sem_up(&shared.to_partner);
		sem_down(&shared.to_bencher);
	}
}

static void
semaphore_wake_partner(void)
{
	sem_up(&shared.to_partner);
}

static const struct game signalling = {
	.partner = semaphore_partner,
	.turns = semaphore_turns,
	.wake_partner = semaphore_wake_partner,
};

static int
run_wakeup_semaphore(const struct bench *bench, void *memory)
{
	return play(bench, memory, &signalling);
}

const struct bench bench_wakeup_semaphore = {
	.name = "switch.wakeup_semaphore",
	.help = "sem_up(the other's), sem_down(mine): one switch",
	.memory = sizeof(struct bench_row),
	.run = run_wakeup_semaphore,
};
