/*
 * Long checks, in numbers that the command line gives: check_args="cycles=1000000
 * switches=10000000". Nothing may leak, no wake-up be lost (a lost one is a
 * kernel that never ends), and on several CPUs everything must really have
 * happened across them.
 */
#include <kernel/check.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include "check_threads.h"

#define CYCLES_DEFAULT 20000
#define SWITCHES_DEFAULT 200000
/* Parents that create at the same time, per CPU. */
#define PARENTS_PER_CPU 2
/* Children of one parent alive at once. */
#define BROOD 4

/* -- create, exit, wait --------------------------------------------------------------- */

/* Has `*arg` children, a few at a time; each is reaped by pid or as any. */
static int
thread_breed(void *arg)
{
	unsigned long left = *(unsigned long *)arg;
	int nr_wrong = 0;

	while (left > 0) {
		int nr = (int)MIN(left, (unsigned long)BROOD), sum = 0, code;

		for (int i = 0; i < nr; i++) {
			int pid = kernel_thread(thread_return,
						(void *)(intptr_t)(i + 1), 0);

			nr_wrong += pid <= 1;
			if (i % 2 == 0) {
				nr_wrong += do_wait(pid, &code) != pid;
				sum += code;
			}
		}
		while (do_wait(0, &code) > 0)
			sum += code;
		nr_wrong += sum != nr * (nr + 1) / 2;
		left -= (unsigned long)nr;
	}
	return nr_wrong;
}

void
check_stress_cycles(void)
{
	unsigned long cycles = check_arg("cycles", CYCLES_DEFAULT);
	unsigned nr_parents = nr_cpus * PARENTS_PER_CPU;
	unsigned long share = cycles / nr_parents + 1;
	struct quiet_state before = quiet_state_take();
	int code, nr_wrong = 0;

	for (unsigned i = 0; i < nr_parents; i++)
		EXPECT(kernel_thread(thread_breed, &share, 0) > 1);
	while (do_wait(0, &code) > 0)
		nr_wrong += code;
	EXPECT_EQ(nr_wrong, 0);
	printk("# stress_cycles: %lu threads created, ended and reaped by %u "
	       "parents on %u CPUs\n",
	       share * nr_parents, nr_parents, nr_cpus);
	quiet_state_expect(&before);
}

/* -- switches ------------------------------------------------------------------------- */

#define RING 6
/* A ring of threads hands tokens on: each hand-over is a wake-up and a sleep. */
struct ring {
	struct semaphore places[RING];
	unsigned long rounds;
	unsigned next_place;
};

static int
thread_hand_on(void *arg)
{
	struct ring *ring = arg;
	unsigned place = atomic_add(&ring->next_place, 1) - 1;

	for (unsigned long i = 0; i < ring->rounds; i++) {
		sem_down(&ring->places[place]);
		sem_up(&ring->places[(place + 1) % RING]);
	}
	return 0;
}

static unsigned long
count_switches(void)
{
	unsigned long nr = 0;

	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		nr += atomic_load_relaxed(&run_queues[cpu].nr_switches);
	return nr;
}

static int
thread_yield_often(void *arg)
{
	for (unsigned long i = *(unsigned long *)arg; i > 0; i--)
		yield();
	return 0;
}

void
check_stress_switches(void)
{
	unsigned long want = check_arg("switches", SWITCHES_DEFAULT);
	unsigned nr_rings = nr_cpus + 1, nr_yielders = 2 * nr_cpus + 1;
	unsigned long yields = want / 2 / nr_yielders + 1;
	unsigned long start = count_switches(), done;
	static struct ring rings[MAX_CPUS + 1];
	struct quiet_state before = quiet_state_take();

	do {
		for (unsigned i = 0; i < nr_rings; i++) {
			struct ring *ring = &rings[i];

			ring->rounds = want / 2 / nr_rings / RING + 1;
			ring->next_place = 0;
			for (unsigned place = 0; place < RING; place++)
				sem_init(&ring->places[place], place < 2);
			for (unsigned place = 0; place < RING; place++)
				EXPECT(kernel_thread(thread_hand_on, ring, 0) >
				       1);
		}
		for (unsigned i = 0; i < nr_yielders; i++)
			EXPECT(kernel_thread(thread_yield_often, &yields, 0) >
			       1);
		while (do_wait(0, NULL) > 0)
			;
		done = count_switches() - start;
	} while (done < want);
	printk("# stress_switches: %lu switches on %u CPUs\n", done, nr_cpus);
	quiet_state_expect(&before);
}

/* -- across CPUs ------------------------------------------------------------------------- */

#define ACROSS_WANTED 1000

/* Bound to one CPU, its children to the next one: each wake-up of the parent and
 * each reaping crosses over. */
static int
thread_breed_across(void *arg)
{
	unsigned there = (current->bound_cpu + 1) % nr_cpus;
	int nr_wrong = 0, code;

	for (int i = 0; i < 2 * ACROSS_WANTED; i++) {
		int pid = kernel_thread_on(there, "across", thread_return,
					   (void *)(intptr_t)i);

		nr_wrong += do_wait(pid, &code) != pid || code != i;
	}
	return nr_wrong;
}

static void
breed_across(void)
{
	int code, nr_wrong = 0;

	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		EXPECT(kernel_thread_on(cpu, "parent", thread_breed_across,
					NULL) > 1);
	while (do_wait(0, &code) > 0)
		nr_wrong += code;
	EXPECT_EQ(nr_wrong, 0);
}

/* On several CPUs, remote wake-ups, migrations and reaps on another CPU must all
 * have happened, and often. */
void
check_stress_cpus(void)
{
	unsigned long wakeups = 0, migrations = 0, reaps = 0;

	check_stress_cycles();
	check_stress_switches();
	if (nr_cpus > 1)
		breed_across();
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		const struct run_queue *rq = &run_queues[cpu];

		wakeups += atomic_load_relaxed(&rq->nr_remote_wakeups);
		migrations += atomic_load_relaxed(&rq->nr_migrations_in);
		reaps += atomic_load_relaxed(&rq->nr_remote_reaps);
	}
	printk("# stress_cpus: %lu remote wake-ups, %lu migrations, %lu reaps "
	       "on another CPU\n",
	       wakeups, migrations, reaps);
	if (nr_cpus > 1) {
		EXPECT(wakeups > ACROSS_WANTED);
		EXPECT(migrations > ACROSS_WANTED);
		EXPECT(reaps > ACROSS_WANTED);
	} else {
		EXPECT_EQ(wakeups + migrations + reaps, 0);
	}
}
