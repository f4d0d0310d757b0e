/*
 * The allocator as a whole: its start, and what is asked of the back end that serves.
 */
#include "front.h"

#include <kernel/error.h>

const struct kmem_ops *kmem_backend;

/* Who serves small requests: the back end's caches, or one that has nothing. */
struct kmem_cache *kmem_table[KMEM_TABLE_NR];
static struct kmem_cache no_cache;

/* -- start ---------------------------------------------------------------------- */

/* Which entries of kmem_backends are ready. */
static unsigned long backends_ready;

void
kmem_backend_start(const struct kmem_ops *ops)
{
	for (unsigned i = 0; kmem_backends[i] != NULL; i++) {
		if (kmem_backends[i] == ops &&
		    !(atomic_or(&backends_ready, 1ul << i) & (1ul << i)))
			ops->init();
	}
}

static size_t
kmem_reclaim(size_t nr_wanted, gfp_t gfp)
{
	return kmem_backend->shrink();
}

static struct reclaimer kmem_reclaimer = {
	.name = "kmem",
	.reclaim = kmem_reclaim,
};

static void
table_set(struct kmem_cache *const *caches)
{
	kmem_stacks_close(&no_cache);
	for (unsigned i = 0; i < KMEM_TABLE_NR; i++)
		kmem_table[i] = caches != NULL ? caches[i] : &no_cache;
}

static int
failslab_missing(void)
{
	printk("failslab: kmalloc=%s has no object caches that could fail; "
	       "kmalloc=slab has\n",
	       kmem_backend->name);
	return -E_NOT_FOUND;
}

void
kmem_init(void)
{
	kmem_backend = kmem_backend_chosen();
	if (slab_fail_at_boot() && kmem_backend->failslab_write == NULL)
		(void)failslab_missing();
	kmem_backend_start(kmem_backend);
	table_set(kmem_backend->table);
	reclaimer_register(&kmem_reclaimer);
	printk("kmem: %s serves kmalloc: %s\n", kmem_backend->name,
	       kmem_backend->description);
}

size_t
kmem_shrink(void)
{
	return kmem_backend->shrink();
}

void
kmem_print(void)
{
	kmem_backend->print();
}

void
kmem_reap(void)
{
	if (kmem_backend->reap != NULL)
		kmem_backend->reap();
}

int
kmem_slabinfo_read(void (*fn)(const char *line, void *arg), void *arg,
		   bool statistics)
{
	if (kmem_backend->slabinfo_read == NULL)
		return -E_NOT_FOUND;
	return kmem_backend->slabinfo_read(fn, arg, statistics);
}

int
kmem_slabinfo_write(const char *text)
{
	if (kmem_backend->slabinfo_write == NULL)
		return -E_NOT_FOUND;
	return kmem_backend->slabinfo_write(text);
}

int
kmem_failslab_write(const char *text)
{
	if (kmem_backend->failslab_write == NULL)
		return failslab_missing();
	return kmem_backend->failslab_write(text);
}

void
kmem_failslab_print(void)
{
	if (kmem_backend->failslab_print == NULL)
		(void)failslab_missing();
	else
		kmem_backend->failslab_print();
}

int
kmem_debug_set(const char *name, const char *letters)
{
	if (kmem_backend->debug_set == NULL)
		return -E_NOT_FOUND;
	return kmem_backend->debug_set(name, letters);
}

int
kmem_debug_read(void (*fn)(const char *line, void *arg), void *arg)
{
	if (kmem_backend->debug_read == NULL)
		return -E_NOT_FOUND;
	return kmem_backend->debug_read(fn, arg);
}

int
kmem_debug_scan(const char *name)
{
	if (kmem_backend->debug_scan == NULL)
		return -E_NOT_FOUND;
	return kmem_backend->debug_scan(name);
}

void
kmem_debug_say_unknown(void)
{
	if (kmem_backend->debug_report_unknown != NULL)
		kmem_backend->debug_report_unknown();
	else
		slab_debug_report_unserved(kmem_backend->name);
}

int
kmem_leaks_begin(void)
{
	if (kmem_backend->leaks_begin == NULL)
		return -E_NOT_FOUND;
	return kmem_backend->leaks_begin();
}

int
kmem_leaks_scan(void (*roots)(void))
{
	return kmem_backend->leaks_scan(roots);
}

void
kmem_leaks_root(const void *from, const void *to)
{
	kmem_backend->leaks_root(from, to);
}

size_t
kmem_leaks_end(bool print)
{
	return kmem_backend->leaks_end(print);
}
