/*
 * Memory: what objects take besides themselves.
 *
 * Pages that the object allocator holds, by the page allocator's count of free ones,
 * against the bytes that were asked for: when all objects are there (peak), and
 * after a random nine tenths of them are gone (kept), with nobody asking for pages
 * back. Both in bytes for each byte of the peak, so that "kept" would be 0.10 if
 * nothing but the live objects stayed.
 */
#include "bench.h"

#include <kernel/error.h>
#include <kernel/kmalloc.h>
#include <kernel/page.h>

/* Bytes asked for at the peak. */
#define PEAK_BYTES (8u << 20)
#define SMALLEST 24
#define OBJECTS_MAX (PEAK_BYTES / SMALLEST)
#define SAMPLES 3

struct memory {
	struct bench_row peak, kept;
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

	bench_row_init(&memory->peak, asked, "%s.%zu.peak", bench->name, size);
	bench_row_init(&memory->kept, asked, "%s.%zu.kept", bench->name, size);
	if (!memory->peak.is_wanted && !memory->kept.is_wanted)
		return 0;
	bench_shuffle(memory->order, nr);
	(void)kmem_shrink();
	for (unsigned i = 0; i < SAMPLES; i++) {
		int err = sample(memory, size, nr);

		if (err != 0)
			return bench_skip(bench, "no objects", err);
	}
	bench_row_print(&memory->peak);
	bench_row_print(&memory->kept);
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
	.help = "bytes held for a byte asked for: at the peak; 90 % freed",
	.memory = sizeof(struct memory),
	.run = run_memory,
};
