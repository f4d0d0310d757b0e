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

/* A processor's cache for kmem_show_colours: what one way has. Its lines are of
 * CACHE_LINE bytes. */
#define KMEM_WAY_DEFAULT 4096
#define KMEM_WAY_MIN (2 * CACHE_LINE)
#define KMEM_WAY_MAX 65536

/*
 * Into which sets of such a cache object 0 of each slab falls: with colours, and as it
 * would be without. Of a cache as it is (up to 64 of its slabs). Errors as above;
 * way_size is a power of two.
 */
int kmem_show_colours(const char *name, size_t way_size, kmem_line_fn *fn,
		      void *arg) __must_check;
/*
 * The same of two caches made for it, one with colours and one without, each of 64
 * slabs with objects of this size; and what a walk over the objects costs in each, in
 * arch_cycles. Meant for a thread that is bound to its CPU. -E_INVAL: not a size for
 * a cache.
 */
int kmem_compare_colours(size_t object_size, size_t way_size, kmem_line_fn *fn,
			 void *arg) __must_check;

#define KMEM_TRACE_DEFAULT 50000
#define KMEM_TRACE_MAX 500000

/*
 * Makes nr_requests (1 .. KMEM_TRACE_MAX) from a seed, has every back end serve them,
 * and prints what each needed, in arch_cycles and pages. Meant for a thread that is
 * bound to its CPU, in a quiet kernel. 0 or -E_NO_MEM.
 */
int kmem_trace(unsigned nr_requests, unsigned seed, kmem_line_fn *fn, void *arg)
	__must_check;

#endif /* KERNEL_KMEM_VIEW_H */
