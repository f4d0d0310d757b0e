/* Hot pairs, alone and among live objects: as bench/bench_pair.c. */
#include "peer.h"

#include <string.h>

#define PAIRS 1000
#define NR_SIZES 256
#define SMALLEST 16
#define LARGEST 2048
#define PAGE_BYTES 4096
#define ORDER3_BYTES (8 * PAGE_BYTES)

static const size_t pair_sizes[] = { 64, 192, 512, 2048 };
#define NR_PAIR_SIZES (sizeof(pair_sizes) / sizeof(pair_sizes[0]))

static void
pairs(void *arg)
{
	size_t size = *(const size_t *)arg;

	for (unsigned i = 0; i < PAIRS; i++)
		free(malloc(size));
}

static void
pair(const char *name, size_t size)
{
	static struct peer_row row;

	peer_row_init(&row, PAIRS, "%s", name);
	peer_measure(&row, pairs, &size);
}

static void
variable_pairs(void *arg)
{
	const unsigned *sizes = arg;

	for (unsigned i = 0; i < PAIRS; i++)
		free(malloc(sizes[i % NR_SIZES]));
}

static void
pair_variable(void)
{
	static struct peer_row row;
	unsigned sizes[NR_SIZES], state = 1;

	for (unsigned i = 0; i < NR_SIZES; i++)
		sizes[i] = SMALLEST +
			   next_random(&state) % (LARGEST - SMALLEST + 1);
	peer_row_init(&row, PAIRS, "malloc.pair.variable");
	peer_measure(&row, variable_pairs, sizes);
}

/* -- among live objects -------------------------------------------------------------- */

#define LIVE_MAX 200
#define LIVE_SAMPLES 3
#define WORST_SAMPLES 21

static struct {
	struct peer_row row, here, worst;
	void *objects[LIVE_MAX];
} live;

static double
sample_here(unsigned nr, size_t size)
{
	live.here.nr_samples = 0;
	while (live.here.nr_samples < nr) {
		uint64_t start = peer_now();

		pairs(&size);
		peer_add(&live.here, start);
	}
	return peer_median(&live.here);
}

/* One more number of live objects; what looks like the worst is measured again. */
static void
add_number(size_t size)
{
	double median = sample_here(LIVE_SAMPLES, size);

	peer_put(&live.row, median);
	if (live.worst.nr_samples != 0 && median <= peer_median(&live.worst))
		return;
	median = sample_here(WORST_SAMPLES, size);
	if (live.worst.nr_samples == 0 || median > peer_median(&live.worst)) {
		memcpy(live.worst.samples, live.here.samples,
		       sizeof(live.here.samples));
		live.worst.nr_samples = live.here.nr_samples;
	}
}

static void
pair_live(size_t size)
{
	peer_row_init(&live.row, PAIRS, "malloc.live.%zu", size);
	peer_row_init(&live.here, PAIRS, "malloc.live");
	peer_row_init(&live.worst, PAIRS, "malloc.live.%zu.worst", size);
	if (!live.row.is_wanted && !live.worst.is_wanted)
		return;
	add_number(size);
	for (unsigned nr = 0; nr < LIVE_MAX; nr++) {
		live.objects[nr] = allocate(size);
		add_number(size);
	}
	peer_print(&live.row);
	peer_print(&live.worst);
	for (unsigned nr = LIVE_MAX; nr-- > 0;)
		free(live.objects[nr]);
}

void
peer_pairs(void)
{
	for (unsigned i = 0; i < NR_PAIR_SIZES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "malloc.pair.%zu", pair_sizes[i]);
		pair(name, pair_sizes[i]);
	}
	pair_variable();
	pair("page.pair.order0", PAGE_BYTES);
	pair("page.pair.order3", ORDER3_BYTES);
	for (unsigned i = 0; i < NR_PAIR_SIZES; i++)
		pair_live(pair_sizes[i]);
}
