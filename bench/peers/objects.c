/*
 * The memory rows, played by the malloc of whichever library is loaded: glibc's
 * or, through LD_PRELOAD, another one. Same patterns, sizes and random
 * numbers as bench/bench_object.c and bench_page.c; a page is malloc(4096),
 * which asks less than ours gives (alignment to its size).
 *
 * Built with -fno-builtin, or the compiler would leave the pairs out.
 */
#include "peer.h"

#define PAIRS 1000
#define PAGE_BYTES 4096
#define ORDER3_BYTES (8 * PAGE_BYTES)
#define PAGES 4000
#define OBJECT_BYTES 192
#define OBJECTS 10000
#define NR_SIZES 256
#define SMALLEST 16
#define LARGEST 2048

static void *objects[OBJECTS];
static unsigned order[OBJECTS];

static unsigned
next_random(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void
shuffle(unsigned n)
{
	unsigned state = 1;

	for (unsigned i = 0; i < n; i++) {
		unsigned j = next_random(&state) % (i + 1);

		order[i] = order[j];
		order[j] = i;
	}
}

static void *
allocate(size_t size)
{
	void *object = malloc(size);

	if (object == NULL) {
		fprintf(stderr, "no memory\n");
		exit(1);
	}
	return object;
}

static void
pair(const char *name, size_t size)
{
	struct peer_row row = { .name = name, .ops = PAIRS };

	while (peer_wants_more(&row)) {
		uint64_t start = peer_now();

		for (unsigned i = 0; i < PAIRS; i++)
			free(malloc(size));
		peer_add(&row, start);
	}
	peer_print(&row);
}

static void
pair_variable(void)
{
	struct peer_row row = { .name = "kmalloc.pair.variable", .ops = PAIRS };
	unsigned sizes[NR_SIZES], state = 1;

	for (unsigned i = 0; i < NR_SIZES; i++)
		sizes[i] = SMALLEST +
			   next_random(&state) % (LARGEST - SMALLEST + 1);
	while (peer_wants_more(&row)) {
		uint64_t start = peer_now();

		for (unsigned i = 0; i < PAIRS; i++)
			free(malloc(sizes[i % NR_SIZES]));
		peer_add(&row, start);
	}
	peer_print(&row);
}

/* Allocates n objects and frees them in the order of order[]. */
static void
batch(const char *alloc_name, const char *free_name, unsigned n, size_t size)
{
	struct peer_row alloc = { .name = alloc_name, .ops = n };
	struct peer_row release = { .name = free_name, .ops = n };

	while (peer_wants_more(&release)) {
		uint64_t start = peer_now();

		for (unsigned i = 0; i < n; i++)
			objects[i] = allocate(size);
		peer_add(&alloc, start);
		start = peer_now();
		for (unsigned i = 0; i < n; i++)
			free(objects[order[i]]);
		peer_add(&release, start);
	}
	if (alloc_name != NULL)
		peer_print(&alloc);
	peer_print(&release);
}

int
main(void)
{
	pair("slob.pair.192", OBJECT_BYTES);
	pair_variable();
	pair("page.pair.order0", PAGE_BYTES);
	pair("page.pair.order3", ORDER3_BYTES);
	for (unsigned i = 0; i < OBJECTS; i++)
		order[i] = i;
	batch("slob.batch10000.alloc", "slob.batch10000.free_fifo", OBJECTS,
	      OBJECT_BYTES);
	for (unsigned i = 0; i < OBJECTS; i++)
		order[i] = OBJECTS - 1 - i;
	batch(NULL, "slob.batch10000.free_lifo", OBJECTS, OBJECT_BYTES);
	shuffle(OBJECTS);
	batch(NULL, "slob.batch10000.free_random", OBJECTS, OBJECT_BYTES);
	shuffle(PAGES);
	batch(NULL, "page.batch.free_random", PAGES, PAGE_BYTES);
	return 0;
}
