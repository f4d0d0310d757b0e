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
/* What happened on all CPUs, to this cache, to all caches. */
struct slab_stats slabinfo_stats(const struct slab_cache *cache);
struct slab_stats slabinfo_stats_total(void);

int slabinfo_read(void (*fn)(const char *line, void *arg), void *arg,
		  bool statistics);
int slabinfo_write(const char *text);
void slabinfo_print(void);

#endif /* KMEM_SLAB_INFO_H */
