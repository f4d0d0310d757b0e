/*
 * Several threads: as bench/bench_cpus.c, a pthread in place of a CPU. Each is bound to a
 * processor of its own, as far as there are any: two that share one would measure Linux's
 * time slices.
 */
#include "peer.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#define OBJECT_BYTES 192
#define CACHE_LINE 64
#define cacheline_aligned __attribute__((aligned(CACHE_LINE)))

static cpu_set_t processors; /* that this process may use */

/* Binds a thread to the number-th of them, counted around. */
static void
bind_thread(pthread_t thread, unsigned number)
{
	unsigned left = number % (unsigned)CPU_COUNT(&processors);
	unsigned cpu = 0;
	cpu_set_t set;

	while (!CPU_ISSET(cpu, &processors) || left-- > 0)
		cpu++;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(thread, sizeof(set), &set);
}

/* A thread on a processor of that number. */
static void
start_thread(pthread_t *thread, unsigned number, void *(*start)(void *arg),
	     void *arg)
{
	int err = pthread_create(thread, NULL, start, arg);

	if (err != 0)
		die("pthread_create", err);
	bind_thread(*thread, number);
}

/* -- handover ------------------------------------------------------------------------- */

#define RING_SLOTS 1024u
#define HANDED_OVER 16384

static struct {
	unsigned nr_written cacheline_aligned;
	unsigned nr_read cacheline_aligned;
	unsigned chunk cacheline_aligned;
	bool stop;
	void *slots[RING_SLOTS] cacheline_aligned;
} ring;

static inline void
relax(void)
{
	__builtin_ia32_pause();
}

static void *
consumer_main(void *arg)
{
	unsigned chunk = ring.chunk, nr_read = 0;

	for (;;) {
		while (__atomic_load_n(&ring.nr_written, __ATOMIC_ACQUIRE) -
			       nr_read <
		       chunk) {
			if (__atomic_load_n(&ring.stop, __ATOMIC_RELAXED))
				return arg;
			relax();
		}
		for (unsigned i = 0; i < chunk; i++)
			free(ring.slots[nr_read++ % RING_SLOTS]);
		__atomic_store_n(&ring.nr_read, nr_read, __ATOMIC_RELEASE);
	}
}

static void
ring_wait(unsigned nr_written, unsigned nr)
{
	while (nr_written - __atomic_load_n(&ring.nr_read, __ATOMIC_ACQUIRE) >
	       nr)
		relax();
}

static void
produce(void *unused)
{
	unsigned chunk = ring.chunk, nr_written = ring.nr_written;

	(void)unused;
	for (unsigned done = 0; done < HANDED_OVER; done += chunk) {
		ring_wait(nr_written, RING_SLOTS - chunk);
		for (unsigned i = 0; i < chunk; i++)
			ring.slots[nr_written++ % RING_SLOTS] =
				allocate(OBJECT_BYTES);
		__atomic_store_n(&ring.nr_written, nr_written,
				 __ATOMIC_RELEASE);
	}
	ring_wait(nr_written, 0);
}

static void
handover(unsigned chunk)
{
	static struct peer_row row;
	pthread_t consumer;

	peer_row_init(&row, HANDED_OVER, "malloc.handover.%u", chunk);
	if (!row.is_wanted)
		return;
	ring.nr_written = ring.nr_read = 0;
	ring.chunk = chunk;
	ring.stop = false;
	start_thread(&consumer, 1, consumer_main, NULL);
	peer_measure(&row, produce, NULL);
	__atomic_store_n(&ring.stop, true, __ATOMIC_RELAXED);
	pthread_join(consumer, NULL);
}

/* -- scale ------------------------------------------------------------------------------ */

#define BATCH 1000
#define BATCHES 1000
#define PAIRS (BATCHES * BATCH)
#define WORKERS_MAX 4

static struct worker {
	sem_t go;
	pthread_t thread;
	void *objects[BATCH];
} workers[WORKERS_MAX];

static struct {
	void (*work)(struct worker *worker);
	unsigned nr_workers;
	bool stop;
	sem_t done;
} scale;

static void
work_pairs(struct worker *worker)
{
	(void)worker;
	for (unsigned i = 0; i < PAIRS; i++)
		free(malloc(OBJECT_BYTES));
}

static void
work_batches(struct worker *worker)
{
	for (unsigned b = 0; b < BATCHES; b++) {
		for (unsigned i = 0; i < BATCH; i++)
			worker->objects[i] = allocate(OBJECT_BYTES);
		for (unsigned i = 0; i < BATCH; i++)
			free(worker->objects[i]);
	}
}

static void *
worker_main(void *arg)
{
	struct worker *worker = arg;

	for (;;) {
		sem_wait(&worker->go);
		if (scale.stop)
			return NULL;
		scale.work(worker);
		sem_post(&scale.done);
	}
}

static void
work_all(void *unused)
{
	(void)unused;
	for (unsigned i = 1; i < scale.nr_workers; i++)
		sem_post(&workers[i].go);
	scale.work(&workers[0]);
	for (unsigned i = 1; i < scale.nr_workers; i++)
		sem_wait(&scale.done);
}

static void
measure_scale(const char *name, unsigned nr,
	      void (*work)(struct worker *worker))
{
	static struct peer_row row;

	peer_row_init(&row, PAIRS, "malloc.scale.%s.%u", name, nr);
	if (!row.is_wanted)
		return;
	scale.work = work;
	scale.nr_workers = nr;
	scale.stop = false;
	sem_init(&scale.done, 0, 0);
	for (unsigned i = 1; i < nr; i++) {
		sem_init(&workers[i].go, 0, 0);
		start_thread(&workers[i].thread, i, worker_main, &workers[i]);
	}
	peer_measure(&row, work_all, NULL);
	scale.stop = true;
	for (unsigned i = 1; i < nr; i++) {
		sem_post(&workers[i].go);
		pthread_join(workers[i].thread, NULL);
	}
}

void
peer_cpus(void)
{
	sched_getaffinity(0, sizeof(processors), &processors);
	bind_thread(pthread_self(), 0);
	handover(64);
	handover(1);
	for (unsigned nr = 1; nr <= WORKERS_MAX; nr *= 2)
		measure_scale("pair", nr, work_pairs);
	for (unsigned nr = 1; nr <= WORKERS_MAX; nr *= 2)
		measure_scale("batch", nr, work_batches);
	sched_setaffinity(0, sizeof(processors), &processors);
}
