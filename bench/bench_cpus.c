/*
 * Several CPUs: objects that one allocates and another frees, and CPUs that
 * each mind their own business.
 *
 * HANDOVER. CPU 0 allocates, CPU 1 frees; pointers go through a ring of RING_SLOTS,
 * each side writes one index. They are published 64 at once, or one at a time: then the
 * ring's own lines travel with each object, and the row shows the ring as much as the
 * allocator. Nobody touches the objects.
 *
 * SCALE. The first 1, 2, 4 CPUs do the same to one cache, a thread on each. The row is
 * the time until the last has finished, divided by what one of them did: the same
 * figure for each number of CPUs means that none waits for another. Needs as many
 * processors beneath the CPUs; under QEMU's icount CPUs take turns, and the figure
 * is the sum of their instructions.
 */
#include "bench.h"

#include <kernel/atomic.h>
#include <kernel/error.h>
#include <kernel/kmalloc.h>
#include <kernel/proc.h>
#include <kernel/sched.h>
#include <kernel/wait.h>

#define OBJECT_SIZE 192

/* -- handover ------------------------------------------------------------------------- */

/* A power of two. */
#define RING_SLOTS 1024u
/* Objects in one sample. */
#define HANDED_OVER 16384

struct ring {
	unsigned nr_written __cacheline_aligned; /* the producer's */
	unsigned nr_read __cacheline_aligned;	 /* the consumer's */
	unsigned chunk __cacheline_aligned;	 /* published at once */
	bool stop;
	struct kmem_cache *cache;
	void *slots[RING_SLOTS] __cacheline_aligned;
};

struct handover {
	struct ring ring;
	struct bench_row row;
	unsigned nr_failed;
};

static int
consumer_main(void *arg)
{
	struct ring *ring = arg;
	unsigned chunk = ring->chunk, nr_read = 0;

	for (;;) {
		while (atomic_load(&ring->nr_written) - nr_read < chunk) {
			if (atomic_load_relaxed(&ring->stop))
				return 0;
			arch_cpu_relax();
		}
		for (unsigned i = 0; i < chunk; i++)
			kmem_cache_free(ring->cache,
					ring->slots[nr_read++ % RING_SLOTS]);
		atomic_store(&ring->nr_read, nr_read);
	}
}

/* Waits until no more than nr are in the ring. */
static void
ring_wait(struct ring *ring, unsigned nr_written, unsigned nr)
{
	while (nr_written - atomic_load(&ring->nr_read) > nr)
		arch_cpu_relax();
}

/* One sample: until the last object is freed. */
static void
produce(void *arg)
{
	struct handover *handover = arg;
	struct ring *ring = &handover->ring;
	unsigned chunk = ring->chunk, nr_written = ring->nr_written;

	for (unsigned done = 0; done < HANDED_OVER; done += chunk) {
		ring_wait(ring, nr_written, RING_SLOTS - chunk);
		for (unsigned i = 0; i < chunk; i++) {
			void *object =
				kmem_cache_alloc(ring->cache, GFP_KERNEL);

			if (unlikely(object == NULL))
				handover->nr_failed++;
			ring->slots[nr_written++ % RING_SLOTS] = object;
		}
		atomic_store(&ring->nr_written, nr_written);
	}
	ring_wait(ring, nr_written, 0);
}

static int
measure_handover(const struct bench *bench, struct handover *handover,
		 unsigned chunk)
{
	struct ring *ring = &handover->ring;
	int pid;

	bench_row_init(&handover->row, HANDED_OVER, "%s.%u", bench->name,
		       chunk);
	ring->nr_written = ring->nr_read = 0;
	ring->chunk = chunk;
	ring->stop = false;
	pid = kernel_thread_on(BENCH_CPU + 1, "bench consumer", consumer_main,
			       ring);
	if (pid < 0)
		return bench_skip(bench, "no consumer", pid);
	bench_row_measure(&handover->row, produce, handover);
	atomic_store_relaxed(&ring->stop, true);
	bench_reap(pid);
	return 0;
}

static int
run_handover(const struct bench *bench, void *memory)
{
	static const unsigned chunks[] = { 64, 1 };
	struct handover *handover = memory;
	int err = 0, busy;

	handover->nr_failed = 0;
	handover->ring.cache =
		kmem_cache_create("bench", OBJECT_SIZE, 0, 0, NULL);
	if (handover->ring.cache == NULL)
		return bench_skip(bench, "no cache", -E_NO_MEM);
	for (unsigned i = 0; i < ARRAY_SIZE(chunks) && err == 0; i++)
		err = measure_handover(bench, handover, chunks[i]);
	busy = kmem_cache_destroy(handover->ring.cache);
	if (handover->nr_failed != 0)
		return bench_skip(bench, "no objects", -E_NO_MEM);
	return err != 0 ? err : busy;
}

const struct bench bench_slab_handover = {
	.name = "slab.handover",
	.help = "allocated on one CPU, freed on another, 64 or 1 at once",
	.backend = "slab",
	.nr_cpus = 2,
	.memory = sizeof(struct handover),
	.run = run_handover,
};

/* -- scale ------------------------------------------------------------------------------ */

#define BATCH 1000
/* Batches in one sample, and pairs. */
#define BATCHES 1000
#define PAIRS (BATCHES * BATCH)

/* One CPU's part. */
struct worker {
	struct scale *scale;
	struct semaphore go;
	int pid;
	unsigned nr_failed;
	void *objects[BATCH];
} __cacheline_aligned;

struct scale {
	struct bench_row row;
	struct kmem_cache *cache;
	void (*work)(struct worker *worker);
	unsigned nr_workers;
	bool stop;
	struct semaphore done;
	struct worker workers[MAX_CPUS];
};

static void
work_pairs(struct worker *worker)
{
	struct kmem_cache *cache = worker->scale->cache;

	for (unsigned i = 0; i < PAIRS; i++)
		kmem_cache_free(cache, kmem_cache_alloc(cache, GFP_KERNEL));
}

static void
work_batches(struct worker *worker)
{
	struct kmem_cache *cache = worker->scale->cache;

	for (unsigned b = 0; b < BATCHES; b++) {
		for (unsigned i = 0; i < BATCH; i++) {
			worker->objects[i] =
				kmem_cache_alloc(cache, GFP_KERNEL);
			if (unlikely(worker->objects[i] == NULL))
				worker->nr_failed++;
		}
		for (unsigned i = 0; i < BATCH; i++)
			kmem_cache_free(cache, worker->objects[i]);
	}
}

static int
worker_main(void *arg)
{
	struct worker *worker = arg;
	struct scale *scale = worker->scale;

	for (;;) {
		sem_down(&worker->go);
		if (scale->stop)
			return 0;
		scale->work(worker);
		sem_up(&scale->done);
	}
}

/* One sample; CPU 0 works as well. */
static void
work_all(void *arg)
{
	struct scale *scale = arg;

	for (unsigned i = 1; i < scale->nr_workers; i++)
		sem_up(&scale->workers[i].go);
	scale->work(&scale->workers[0]);
	for (unsigned i = 1; i < scale->nr_workers; i++)
		sem_down(&scale->done);
}

static void
stop_workers(struct scale *scale)
{
	scale->stop = true;
	for (unsigned i = 1; i < scale->nr_workers; i++) {
		sem_up(&scale->workers[i].go);
		bench_reap(scale->workers[i].pid);
	}
}

/* Starts one on each of the first nr CPUs but this one; 0, or an error and none. */
static int
start_workers(struct scale *scale, unsigned nr)
{
	scale->stop = false;
	sem_init(&scale->done, 0);
	for (unsigned i = 0; i < nr; i++) {
		struct worker *worker = &scale->workers[i];

		worker->scale = scale;
		worker->nr_failed = 0;
		sem_init(&worker->go, 0);
		scale->nr_workers = i;
		if (i == 0)
			continue;
		worker->pid = kernel_thread_on(i, "bench worker", worker_main,
					       worker);
		if (worker->pid < 0) {
			stop_workers(scale);
			return worker->pid;
		}
	}
	scale->nr_workers = nr;
	return 0;
}

static int
measure_scale(const struct bench *bench, struct scale *scale, unsigned nr)
{
	unsigned nr_failed = 0;
	int err;

	bench_row_init(&scale->row, PAIRS, "%s.%u", bench->name, nr);
	err = start_workers(scale, nr);
	if (err != 0)
		return bench_skip(bench, "no workers", err);
	bench_row_measure(&scale->row, work_all, scale);
	stop_workers(scale);
	for (unsigned i = 0; i < nr; i++)
		nr_failed += scale->workers[i].nr_failed;
	return nr_failed == 0 ? 0 : bench_skip(bench, "no objects", -E_NO_MEM);
}

static int
run_scale(const struct bench *bench, struct scale *scale,
	  void (*work)(struct worker *worker))
{
	int err = 0, busy;

	BUILD_ASSERT(BENCH_CPU == 0);
	scale->work = work;
	scale->cache = kmem_cache_create("bench", OBJECT_SIZE, 0, 0, NULL);
	if (scale->cache == NULL)
		return bench_skip(bench, "no cache", -E_NO_MEM);
	for (unsigned nr = 1; nr <= nr_cpus && nr <= 4 && err == 0; nr *= 2)
		err = measure_scale(bench, scale, nr);
	busy = kmem_cache_destroy(scale->cache);
	return err != 0 ? err : busy;
}

static int
run_scale_pair(const struct bench *bench, void *memory)
{
	return run_scale(bench, memory, work_pairs);
}

const struct bench bench_slab_scale_pair = {
	.name = "slab.scale.pair",
	.help = "hot pairs on 1, 2, 4 CPUs at once",
	.backend = "slab",
	.nr_cpus = 2,
	.memory = sizeof(struct scale),
	.run = run_scale_pair,
};

static int
run_scale_batch(const struct bench *bench, void *memory)
{
	return run_scale(bench, memory, work_batches);
}

const struct bench bench_slab_scale_batch = {
	.name = "slab.scale.batch",
	.help = "batches of 1,000 objects on 1, 2, 4 CPUs at once",
	.backend = "slab",
	.nr_cpus = 2,
	.memory = sizeof(struct scale),
	.run = run_scale_batch,
};
