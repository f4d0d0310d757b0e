/*
 * Memory: what objects take besides themselves.
 *
 * Pages that the object allocator holds, by the page allocator's count of free ones,
 * against the bytes that were asked for: when all objects are there (peak), the moment
 * after a random nine tenths of them are gone (kept), and when the reaper has come
 * to rest after that (reaped), with nobody asking for pages back. All in bytes for
 * each byte of the peak, so that it would be 0.10 if nothing but the live objects
 * stayed.
 *
 * REAPED takes half a minute of the kernel's time, so it is measured once, and only
 * where it is asked for by its full name. At rest means that QUIET_VISITS in a row
 * gave nothing back: what nodes hold is looked through every other time, and the
 * first of these looks only finds out what nobody needs, so fewer say nothing.
 */
#include "bench.h"

#include <kernel/error.h>
#include <kernel/kmalloc.h>
#include <kernel/page.h>
#include <kernel/timer.h>

/* Bytes asked for at the peak. */
#define PEAK_BYTES (8u << 20)
#define SMALLEST 24
#define OBJECTS_MAX (PEAK_BYTES / SMALLEST)
#define SAMPLES 3
/* Visits of the reaper, KMEM_REAP_TICKS apart. */
#define QUIET_VISITS 5
#define VISITS_MAX 40

struct memory {
	struct bench_row peak, kept, reaped;
	unsigned order[OBJECTS_MAX];
	void *objects[OBJECTS_MAX];
};

/* Bytes that are gone from the page allocator, of `free` pages there were. */
static size_t
bytes_held(size_t free)
{
	size_t now = nr_free_pages();

	return now < free ? (free - now) * PAGE_SIZE : 0;
}

static void
wait_for_rest(void)
{
	unsigned nr_quiet = 0;

	for (unsigned i = 0; i < VISITS_MAX && nr_quiet < QUIET_VISITS; i++) {
		size_t before = nr_free_pages();

		(void)sleep_ticks(KMEM_REAP_TICKS);
		nr_quiet = nr_free_pages() == before ? nr_quiet + 1 : 0;
	}
}

static int
sample(struct memory *memory, size_t size, unsigned nr)
{
	size_t free = nr_free_pages();
	struct kmem_cache *cache = kmem_cache_create("bench", size, 0, 0, NULL);
	unsigned nr_live = 0, nr_gone = nr - nr / 10;
	int err = -E_NO_MEM, busy;

	if (cache == NULL)
		return err;
	for (; nr_live < nr; nr_live++) {
		memory->objects[nr_live] = kmem_cache_alloc(cache, GFP_KERNEL);
		if (memory->objects[nr_live] == NULL)
			goto out;
	}
	bench_row_put(&memory->peak, bytes_held(free));
	for (unsigned i = 0; i < nr_gone; i++) {
		kmem_cache_free(cache, memory->objects[memory->order[i]]);
		memory->objects[memory->order[i]] = NULL;
	}
	bench_row_put(&memory->kept, bytes_held(free));
	if (memory->reaped.is_wanted && memory->reaped.nr_samples == 0) {
		wait_for_rest();
		bench_row_put(&memory->reaped, bytes_held(free));
	}
	err = 0;
out:
	/* The rest; NULL is ignored. */
	while (nr_live-- > 0)
		kmem_cache_free(cache, memory->objects[nr_live]);
	busy = kmem_cache_destroy(cache);
	(void)kmem_shrink();
	return err != 0 ? err : busy;
}

static int
measure(const struct bench *bench, struct memory *memory, size_t size)
{
	unsigned nr = (unsigned)(PEAK_BYTES / size);
	unsigned long asked = (unsigned long)(nr * size);
	unsigned nr_samples = SAMPLES;

	bench_row_init(&memory->peak, asked, "%s.%zu.peak", bench->name, size);
	bench_row_init(&memory->kept, asked, "%s.%zu.kept", bench->name, size);
	bench_row_init(&memory->reaped, asked, "%s.%zu.reaped", bench->name,
		       size);
	memory->reaped.is_wanted = bench_row_is_named(&memory->reaped);
	if (!memory->peak.is_wanted && !memory->kept.is_wanted &&
	    !memory->reaped.is_wanted)
		return 0;
	bench_shuffle(memory->order, nr);
	(void)kmem_shrink();
	if (!memory->peak.is_wanted && !memory->kept.is_wanted)
		nr_samples = 1;
	for (unsigned i = 0; i < nr_samples; i++) {
		int err = sample(memory, size, nr);

		if (err != 0)
			return bench_skip(bench, "no objects", err);
	}
	if (memory->peak.is_wanted)
		bench_row_print(&memory->peak);
	if (memory->kept.is_wanted)
		bench_row_print(&memory->kept);
	bench_row_print(&memory->reaped);
	return 0;
}

static int
run_memory(const struct bench *bench, void *memory)
{
	static const size_t sizes[] = { SMALLEST, 200, 1100 };
	int err = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(sizes) && err == 0; i++)
		err = measure(bench, memory, sizes[i]);
	return err;
}

const struct bench bench_cache_memory = {
	.name = "cache.memory",
	.help = "bytes held for a byte asked for: at the peak; 90 % freed; reaped",
	.memory = sizeof(struct memory),
	.run = run_memory,
};
