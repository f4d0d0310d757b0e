/*
 * The same requests to every back end, side by side.
 *
 * THE TRACE is synthetic: a generator turns a seed into requests that look like a
 * kernel's day, always the same ones for the same seed. Nothing is recorded, so
 * kmalloc knows nothing of it. There are
 *
 *	messages	16 .. 2047 bytes, small ones more often, into one of 64 pipes;
 *			what came first goes first
 *	timers		56 bytes, many and short-lived
 *	threads		a control block, its files, its name: come and go together
 *	names		24 .. 151 bytes, alive for long
 *
 * First `nr_requests` of these; then nine of ten objects are freed in no order, as
 * when a busy hour is over; then the others.
 *
 * THE REPLAY.  Every back end of the table is replayed ROUNDS times, in turn, so
 * that a neighbour on the machine disturbs all of them; of each CHUNK of requests
 * the quickest round counts. The back end that serves the kernel is replayed in the
 * kernel's own instance (kernel/kmem.h), tuned as it is; the others in instances made for
 * it. One word is written into each object: memory that nobody touches is cheap. Pages are counted in
 * between, by what the page allocator has less than before; so the kernel should be
 * quiet meanwhile, and small requests that find room in pages which the
 * kernel's own objects hold anyway are not seen.
 */
#include <kernel/error.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#include "kmem/slab/percpu/layer.h"
#include "kmem/slab/show/info.h"
#include "kmem/slab/show/view.h"

#define ROUNDS 5
#define BACKENDS_MAX 4
/* Pages are counted every so many requests, which are timed as a whole. */
#define CHUNK 256u

/* Objects that can be alive: a slot for each. */
#define NR_PIPES 64u
#define PIPE_DEPTH 32u
#define NR_TIMERS 512u
#define NR_THREADS 512u
#define THREAD_OBJECTS 3u
#define NR_NAMES 4096u
#define FIRST_TIMER (NR_PIPES * PIPE_DEPTH)
#define FIRST_THREAD (FIRST_TIMER + NR_TIMERS)
#define FIRST_NAME (FIRST_THREAD + NR_THREADS * THREAD_OBJECTS)
#define NR_SLOTS (FIRST_NAME + NR_NAMES)

#define TIMER_SIZE 56
static const uint16_t thread_sizes[THREAD_OBJECTS] = { 312, 256, 40 };

/* size 0 frees the slot's object. */
struct request {
	uint16_t slot;
	uint16_t size;
};

struct trace {
	size_t nr_pages;     /* of this structure */
	unsigned nr;	     /* all requests */
	unsigned nr_day;     /* those of the busy hour */
	unsigned nr_evening; /* and those until one of ten is left */
	unsigned state;	     /* of the random numbers */
	unsigned nr_alive;
	size_t bytes_asked;	  /* of what is alive */
	size_t asked_day;	  /* after the busy hour */
	uint16_t alive[NR_SLOTS]; /* its size, or 0 */
	unsigned pipe_first[NR_PIPES], pipe_nr[NR_PIPES];
	void *objects[NR_SLOTS];
	struct request *requests;
	unsigned long cycles[]; /* for struct result */
};

/* What a back end did with it. */
struct result {
	struct kmem *kmem; /* an instance of the back end */
	unsigned long
		*cycles; /* of each chunk of the day, in its quickest round */
	size_t peak, day, evening, night, shrunk; /* pages */
	size_t held_day, held_evening; /* bytes of objects, as ksize says */
	size_t asked_percent;	       /* of held_day */
	unsigned nr_failed;
};

/* -- making one -------------------------------------------------------------------- */

/* [0, n), n up to 2^16 */
static unsigned
random_below(struct trace *trace, unsigned n)
{
	trace->state = trace->state * 1103515245u + 12345u;
	return (trace->state >> 16) % n;
}

static void
request_add(struct trace *trace, unsigned slot, unsigned size)
{
	trace->requests[trace->nr++] = (struct request){
		.slot = (uint16_t)slot,
		.size = (uint16_t)size,
	};
	if (size != 0) {
		trace->nr_alive++;
		trace->bytes_asked += size;
	} else {
		trace->nr_alive--;
		trace->bytes_asked -= trace->alive[slot];
	}
	trace->alive[slot] = (uint16_t)size;
}

/* Allocates if there is nothing, frees if there is something. */
static void
toggle(struct trace *trace, unsigned slot, unsigned size)
{
	request_add(trace, slot, trace->alive[slot] == 0 ? size : 0);
}

static void
message(struct trace *trace)
{
	unsigned pipe = random_below(trace, NR_PIPES);
	unsigned size = 16u << random_below(trace, 7);
	unsigned *first = &trace->pipe_first[pipe];
	unsigned *nr = &trace->pipe_nr[pipe];
	bool is_sent = *nr == 0 ||
		       (*nr < PIPE_DEPTH && random_below(trace, 2) == 0);

	size += random_below(trace, size);
	if (is_sent) {
		request_add(trace,
			    pipe * PIPE_DEPTH + (*first + *nr) % PIPE_DEPTH,
			    size);
		++*nr;
	} else {
		request_add(trace, pipe * PIPE_DEPTH + *first, 0);
		*first = (*first + 1) % PIPE_DEPTH;
		--*nr;
	}
}

static void
thread(struct trace *trace)
{
	unsigned slot =
		FIRST_THREAD + random_below(trace, NR_THREADS) * THREAD_OBJECTS;

	for (unsigned i = 0; i < THREAD_OBJECTS; i++)
		toggle(trace, slot + i, thread_sizes[i]);
}

static void
one_event(struct trace *trace)
{
	unsigned what = random_below(trace, 100);

	if (what < 45)
		message(trace);
	else if (what < 70)
		toggle(trace, FIRST_TIMER + random_below(trace, NR_TIMERS),
		       TIMER_SIZE);
	else if (what < 80)
		thread(trace);
	else
		toggle(trace, FIRST_NAME + random_below(trace, NR_NAMES),
		       24 + random_below(trace, 128));
}

/* Frees all but nr_left of what is alive, in no order. */
static void
free_some(struct trace *trace, unsigned nr_left)
{
	while (trace->nr_alive > nr_left) {
		unsigned slot = random_below(trace, NR_SLOTS);

		/* The next one that is alive. */
		while (trace->alive[slot] == 0)
			slot = (slot + 1) % NR_SLOTS;
		request_add(trace, slot, 0);
	}
}

/* NULL: no memory. */
static struct trace *
trace_make(unsigned nr_requests, unsigned seed, struct view *view)
{
	/* An event is up to THREAD_OBJECTS requests; in the end all is freed. */
	size_t most = (size_t)nr_requests + THREAD_OBJECTS + NR_SLOTS;
	size_t nr_cycles = BACKENDS_MAX * (most / CHUNK + 1);
	size_t size = sizeof(struct trace) + nr_cycles * sizeof(unsigned long) +
		      most * sizeof(struct request);
	size_t nr_pages = (size + PAGE_SIZE - 1) / PAGE_SIZE;
	struct page *page =
		alloc_pages_gfp(GFP_KERNEL | __GFP_NOWARN, nr_pages);
	struct trace *trace;

	if (page == NULL)
		return NULL;
	trace = page_to_virt(page);
	memset(trace, 0, sizeof(*trace));
	trace->nr_pages = nr_pages;
	trace->state = seed;
	trace->requests = (struct request *)(trace->cycles + nr_cycles);
	while (trace->nr < nr_requests)
		one_event(trace);
	trace->nr_day = trace->nr;
	trace->asked_day = trace->bytes_asked;
	view_line(view,
		  "trace: %u requests from seed %u: messages, timers, threads, "
		  "names",
		  trace->nr_day, seed);
	view_line(view, "trace: then %u objects of %zu bytes are alive",
		  trace->nr_alive, trace->bytes_asked);
	free_some(trace, trace->nr_alive / 10);
	trace->nr_evening = trace->nr - trace->nr_day;
	free_some(trace, 0);
	return trace;
}

/* -- replaying it -------------------------------------------------------------------- */

/* Requests [first, first + nr); returns how many failed. */
static unsigned
replay(struct trace *trace, unsigned first, unsigned nr, struct kmem *kmem)
{
	unsigned nr_failed = 0;

	for (unsigned i = first; i < first + nr; i++) {
		const struct request *request = &trace->requests[i];
		void **slot = &trace->objects[request->slot];

		if (request->size == 0) {
			if (*slot != NULL)
				kfree(*slot);
			*slot = NULL;
			continue;
		}
		*slot = kmem_alloc(kmem, request->size,
				   GFP_KERNEL | __GFP_NOWARN);
		if (*slot != NULL)
			*(unsigned long *)*slot = i;
		else
			nr_failed++;
	}
	return nr_failed;
}

static unsigned long
replay_chunk(struct trace *trace, struct result *result, unsigned first,
	     unsigned nr)
{
	uint64_t start = arch_cycles();

	result->nr_failed += replay(trace, first, nr, result->kmem);
	return (unsigned long)(arch_cycles() - start);
}

static size_t
pages_less_than(size_t nr_free_before)
{
	size_t nr_free = nr_free_pages();

	return nr_free_before - MIN(nr_free_before, nr_free);
}

/* Requests [first, first + nr). cycles: of each chunk, as far as they are fewer;
 * or NULL. */
static void
replay_part(struct trace *trace, struct result *result, unsigned first,
	    unsigned nr, unsigned long cycles[], size_t nr_free_before)
{
	for (unsigned done = 0; done < nr; done += CHUNK) {
		unsigned long taken = replay_chunk(trace, result, first + done,
						   MIN(nr - done, CHUNK));
		size_t used = pages_less_than(nr_free_before);

		result->peak = MAX(result->peak, used);
		if (cycles != NULL)
			cycles[done / CHUNK] = MIN(cycles[done / CHUNK], taken);
	}
}

/* What the back end says it holds for what is alive. */
static size_t
bytes_held(const struct trace *trace)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < NR_SLOTS; i++)
		if (trace->objects[i] != NULL)
			bytes += ksize(trace->objects[i]);
	return bytes;
}

static void
replay_all(struct trace *trace, struct result *result)
{
	unsigned nr_night = trace->nr - trace->nr_day - trace->nr_evening;
	size_t before;

	(void)kmem_shrink_one(result->kmem);
	before = nr_free_pages();
	replay_part(trace, result, 0, trace->nr_day, result->cycles, before);
	result->day = pages_less_than(before);
	result->held_day = bytes_held(trace);
	result->asked_percent =
		trace->asked_day * 100 / MAX(result->held_day, (size_t)1);
	replay_part(trace, result, trace->nr_day, trace->nr_evening, NULL,
		    before);
	result->evening = pages_less_than(before);
	result->held_evening = bytes_held(trace);
	replay_part(trace, result, trace->nr_day + trace->nr_evening, nr_night,
		    NULL, before);
	result->night = pages_less_than(before);
	(void)kmem_shrink_one(result->kmem);
	result->shrunk = pages_less_than(before);
}

/* -- the table --------------------------------------------------------------------------- */

#define COLUMN_FIRST 48
#define COLUMN_WIDTH 10

/* A row: what, and value(result) in each column. */
static void
draw_row(struct view *view, const char *what, const struct result results[],
	 unsigned nr, size_t (*value)(const struct result *result))
{
	view_add(view, "%s", what);
	for (unsigned i = 0; i < nr; i++) {
		view_column(view, COLUMN_FIRST + i * COLUMN_WIDTH);
		view_add(view, "%*zu", COLUMN_WIDTH, value(&results[i]));
	}
	view_end(view);
}

static size_t
value_peak(const struct result *result)
{
	return result->peak;
}

static size_t
value_day(const struct result *result)
{
	return result->day;
}

static size_t
value_held_day(const struct result *result)
{
	return result->held_day;
}

static size_t
value_asked_percent(const struct result *result)
{
	return result->asked_percent;
}

static size_t
value_evening(const struct result *result)
{
	return result->evening;
}

/* Bytes of pages that are in no object. */
static size_t
value_free_evening(const struct result *result)
{
	size_t bytes = result->evening * PAGE_SIZE;

	return bytes - MIN(bytes, result->held_evening);
}

static size_t
value_night(const struct result *result)
{
	return result->night;
}

static size_t
value_shrunk(const struct result *result)
{
	return result->shrunk;
}

static size_t
value_failed(const struct result *result)
{
	return result->nr_failed;
}

/* Of all chunks together, for a request. */
static unsigned long
cycles_each(const struct trace *trace, const struct result *result)
{
	unsigned long sum = 0;

	for (unsigned i = 0; i < (trace->nr_day + CHUNK - 1) / CHUNK; i++)
		sum += result->cycles[i];
	return sum / trace->nr_day;
}

static void
draw_results(struct view *view, const struct trace *trace,
	     const struct result results[], unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		view_column(view, COLUMN_FIRST + i * COLUMN_WIDTH);
		view_add(view, "%*s", COLUMN_WIDTH, results[i].kmem->ops->name);
	}
	view_end(view);
	view_add(view, "cycles for a request, the quickest of %d rounds",
		 ROUNDS);
	for (unsigned i = 0; i < nr; i++) {
		view_column(view, COLUMN_FIRST + i * COLUMN_WIDTH);
		view_add(view, "%*lu", COLUMN_WIDTH,
			 cycles_each(trace, &results[i]));
	}
	view_end(view);
	draw_row(view, "pages at the peak", results, nr, value_peak);
	draw_row(view, "pages after the requests", results, nr, value_day);
	draw_row(view, "  bytes of the objects in them", results, nr,
		 value_held_day);
	draw_row(view, "  percent of these that were asked for", results, nr,
		 value_asked_percent);
	draw_row(view, "pages after nine of ten are freed", results, nr,
		 value_evening);
	draw_row(view, "  bytes in them that are in no object", results, nr,
		 value_free_evening);
	draw_row(view, "pages after all are freed", results, nr, value_night);
	draw_row(view, "pages after shrinking", results, nr, value_shrunk);
	draw_row(view, "requests without memory", results, nr, value_failed);
}

/* What the layer between CPUs and slabs had to do for it. */
static void
draw_layer(struct view *view, const struct trace *trace,
	   const struct slab_stats *before)
{
	struct slab_stats after = slabinfo_stats_total(&slab_kernel_root);
	unsigned long nr = (unsigned long)trace->nr * ROUNDS;
	unsigned long nr_refills = after.alloc_miss - before->alloc_miss;
	unsigned long nr_flushes = after.free_miss - before->free_miss;

	view_line(
		view,
		"layer %s: %lu refills, %lu flushes in %lu requests: one in %lu",
		slab_kernel_root.layer->name, nr_refills, nr_flushes, nr,
		nr / MAX(nr_refills + nr_flushes, 1ul));
}

static struct result
result_of(struct trace *trace, unsigned backend, struct kmem *kmem)
{
	unsigned nr_chunks = (trace->nr_day + CHUNK - 1) / CHUNK;
	struct result result = {
		.kmem = kmem,
		.cycles = trace->cycles + (size_t)backend * nr_chunks,
	};

	for (unsigned i = 0; i < nr_chunks; i++)
		result.cycles[i] = ~0ul;
	return result;
}

static void
instances_end(struct kmem *instances[], unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		int err = instances[i] != &kmem_kernel
				  ? kmem_destroy(instances[i])
				  : 0;

		assert(err == 0);
	}
}

/* One of each back end: the kernel's own, or one made for this. */
static int
instances_make(struct kmem *instances[], unsigned *nr)
{
	for (*nr = 0; *nr < BACKENDS_MAX && kmem_backends[*nr] != NULL; ++*nr) {
		const struct kmem_args args = {
			.name = "trace", .kmalloc = kmem_backends[*nr]->name
		};
		int err = 0;

		if (kmem_backends[*nr] == kmem_kernel.ops)
			instances[*nr] = &kmem_kernel;
		else
			err = kmem_create(&args, &instances[*nr]);
		if (err != 0) {
			instances_end(instances, *nr);
			return err;
		}
	}
	return 0;
}

static void
trace_run(struct view *view, struct trace *trace, struct kmem *instances[],
	  unsigned nr)
{
	struct result results[BACKENDS_MAX];
	struct slab_stats before = { .alloc_hit = 0 };
	bool has_layer = kmem_kernel.ops == &kmem_slab_ops;

	for (unsigned i = 0; i < nr; i++)
		results[i] = result_of(trace, i, instances[i]);
	if (has_layer)
		before = slabinfo_stats_total(&slab_kernel_root);
	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned i = 0; i < nr; i++)
			replay_all(trace, &results[i]);
	draw_results(view, trace, results, nr);
	if (has_layer)
		draw_layer(view, trace, &before);
}

int
kmem_trace(unsigned nr_requests, unsigned seed, kmem_line_fn *fn, void *arg)
{
	struct view view = { .fn = fn, .arg = arg };
	struct kmem *instances[BACKENDS_MAX];
	struct trace *trace;
	unsigned nr;

	trace = trace_make(nr_requests, seed, &view);
	if (trace == NULL || instances_make(instances, &nr) != 0) {
		view_line(&view, "no memory for %u requests", nr_requests);
		if (trace != NULL)
			free_pages(virt_to_page(trace), trace->nr_pages);
		return -E_NO_MEM;
	}
	trace_run(&view, trace, instances, nr);
	instances_end(instances, nr);
	free_pages(virt_to_page(trace), trace->nr_pages);
	return 0;
}
