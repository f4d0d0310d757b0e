/*
 * The closed stack: it is empty and full at once, so that no object comes out of it and
 * none goes in.
 */
#include "front.h"

static void *closed_slot; /* NULL, and stays so */
struct cpu_stack kmem_closed_stack = { .top = &closed_slot, .end = NULL };

void
kmem_stacks_close(struct kmem_cache *cache)
{
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
		cache->stack[cpu] = &kmem_closed_stack;
}
