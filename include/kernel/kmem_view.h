/*
 * The object allocators, shown to people and to programs: pictures, tables, JSON.
 *
 * All of these hand their text out line by line, without line ends, to
 * fn(line, arg), which may sleep; no line of a picture is longer than
 * KMEM_VIEW_WIDTH characters. They are for threads, and may sleep. Looking takes its
 * memory from whole pages, so that no cache changes because it is looked at.
 */
#ifndef KERNEL_KMEM_VIEW_H
#define KERNEL_KMEM_VIEW_H

#include <kernel/types.h>

#define KMEM_VIEW_WIDTH 80

typedef void kmem_line_fn(const char *line, void *arg);

/* slabinfo with its statistics as one JSON document, an object for each cache.
 * -E_NOT_FOUND: the back end that serves has no caches of that kind. */
int kmem_slabinfo_json(kmem_line_fn *fn, void *arg) __must_check;

/* How many slabs of each of a node's lists a picture shows. */
#define KMEM_DRAW_SLABS 6
#define KMEM_DRAW_SLABS_MAX 200

/*
 * Draws a cache: how objects lie in a slab, what each CPU has, each node's slabs
 * object by object; of each list the first nr_slabs (1 .. KMEM_DRAW_SLABS_MAX).
 * The kernel runs on meanwhile, so parts may be a moment apart. What goes wrong is
 * said in lines, too: -E_NOT_FOUND (no such cache; others are named) or -E_NO_MEM.
 */
int kmem_draw_cache(const char *name, unsigned nr_slabs, kmem_line_fn *fn,
		    void *arg) __must_check;

#endif /* KERNEL_KMEM_VIEW_H */
