/*
 * Memory: as bench/bench_memory.c. What a library holds is the growth of the
 * process's resident set since before the first object, so objects are written from end to
 * end; our arrays are touched before. One size a process. A row `reaped` is kept once
 * more after some idle time, for those who name it in full.
 */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PEAK_BYTES (8u << 20)
#define SMALLEST 24
#define OBJECTS_MAX (PEAK_BYTES / SMALLEST)
/* What our reaper takes at most to come to rest, in seconds. */
#define IDLE 24

static unsigned order[OBJECTS_MAX];
static void *objects[OBJECTS_MAX];

/* Bytes; read without stdio, which would allocate. */
static long
resident(int statm)
{
	char text[128];
	char *rest;
	ssize_t n = pread(statm, text, sizeof(text) - 1, 0);

	if (n <= 0)
		die("statm", errno);
	text[n] = '\0';
	strtol(text, &rest, 10);
	return strtol(rest, NULL, 10) * sysconf(_SC_PAGESIZE);
}

static void
measure(int statm, size_t size)
{
	static struct peer_row peak, kept, reaped;
	unsigned nr = (unsigned)(PEAK_BYTES / size), nr_gone = nr - nr / 10;
	double asked = (double)nr * (double)size;
	long before;

	peer_row_init(&peak, nr * size, "malloc.memory.%zu.peak", size);
	peer_row_init(&kept, nr * size, "malloc.memory.%zu.kept", size);
	peer_row_init(&reaped, nr * size, "malloc.memory.%zu.reaped", size);
	reaped.is_wanted = peer_is_in_full(reaped.name);
	if (!peak.is_wanted && !kept.is_wanted && !reaped.is_wanted)
		return;
	shuffle(order, nr);
	memset(objects, 0xff, sizeof(objects));
	before = resident(statm);
	for (unsigned i = 0; i < nr; i++) {
		objects[i] = allocate(size);
		memset(objects[i], 1, size);
	}
	peer_put(&peak, (double)(resident(statm) - before) / asked);
	for (unsigned i = 0; i < nr_gone; i++)
		free(objects[order[i]]);
	peer_put(&kept, (double)(resident(statm) - before) / asked);
	peer_print(&peak);
	peer_print(&kept);
	if (!reaped.is_wanted)
		return;
	sleep(IDLE);
	peer_put(&reaped, (double)(resident(statm) - before) / asked);
	peer_print(&reaped);
}

void
peer_memory(void)
{
	static const size_t sizes[] = { SMALLEST, 200, 1100 };
	int statm;

	if (!peer_is_named("malloc.memory"))
		return;
	statm = open("/proc/self/statm", O_RDONLY);
	if (statm < 0)
		die("/proc/self/statm", errno);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		measure(statm, sizes[i]);
	close(statm);
}
