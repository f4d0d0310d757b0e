/*
 * slabinfo: the figures of caches, as text.
 */
#ifndef KMEM_SLAB_INFO_H
#define KMEM_SLAB_INFO_H

#include "../slab.h"

/* One cache, all nodes together. */
struct slabinfo {
	size_t active_objs, num_objs, active_slabs, num_slabs, shared_avail;
	size_t high, max_free;
	unsigned long grown, reaped, nr_errors;
};

void slabinfo_get(struct slab_cache *cache, struct slabinfo *info);
/* What happened on all CPUs, to this cache, to all of an instance. */
struct slab_stats slabinfo_stats(const struct slab_cache *cache);
struct slab_stats slabinfo_stats_total(struct slab_root *root);

/* As kmem_slabinfo_read and _write; the sums of all caches. */
int slabinfo_read(struct kmem *kmem, void (*fn)(const char *line, void *arg),
		  void *arg, bool statistics);
int slabinfo_write(struct kmem *kmem, const char *text);
void slabinfo_print(struct kmem *kmem);

#endif /* KMEM_SLAB_INFO_H */
