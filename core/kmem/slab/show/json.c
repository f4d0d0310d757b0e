/*
 * slabinfo as one JSON document, an object for each cache, for programs that would
 * rather not count columns.
 */
#include <kernel/error.h>
#include <kernel/printk.h>

#include "../chain.h"
#include "../percpu/layer.h"
#include "info.h"
#include "view.h"

/* A cache's lines, and the first one. */
#define LINE_MAX 384
#define HEAD_MAX 128

/* Room for a name of which each byte is escaped: \u00xx. */
#define JSON_NAME_MAX (6 * KMEM_NAME_LEN + 1)

/* A name is any bytes; in JSON some need an escape. */
static void
json_escape(char *to, size_t size, const char *name)
{
	size_t used = 0;

	to[0] = '\0';
	for (; *name != '\0' && used < size; name++) {
		unsigned char c = (unsigned char)*name;
		int n;

		if (c < ' ' || c > '~')
			n = snprintf(to + used, size - used, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			n = snprintf(to + used, size - used, "\\%c", c);
		else
			n = snprintf(to + used, size - used, "%c", c);
		used += (size_t)n;
	}
}

/* One cache in four lines, since the log's lines are not endless; `before` is
 * what separates it from the last one. */
static void
json_cache(struct slab_cache *cache, const char *before, kmem_line_fn *fn,
	   void *arg)
{
	struct slab_tunables tunables = slab_tunables_get(cache);
	struct slab_stats sum = slabinfo_stats(cache);
	char line[LINE_MAX], name[JSON_NAME_MAX];
	struct slabinfo info;

	slabinfo_get(cache, &info);
	json_escape(name, sizeof(name), cache->base.name);
	snprintf(
		line, sizeof(line),
		"%s{\"name\": \"%s\", \"active_objs\": %zu, \"num_objs\": %zu, "
		"\"objsize\": %zu, \"objperslab\": %u, \"pagesperslab\": %u,",
		before, name, info.active_objs, info.num_objs,
		cache->layout.size, cache->layout.num,
		1u << cache->layout.order);
	fn(line, arg);
	snprintf(line, sizeof(line),
		 " \"tunables\": {\"limit\": %u, \"batchcount\": %u, "
		 "\"sharedfactor\": %u}, \"slabdata\": {\"active_slabs\": %zu, "
		 "\"num_slabs\": %zu, \"sharedavail\": %zu},",
		 tunables.limit, tunables.batchcount, tunables.shared,
		 info.active_slabs, info.num_slabs, info.shared_avail);
	fn(line, arg);
	snprintf(line, sizeof(line),
		 " \"globalstat\": {\"listallocs\": %lu, \"maxobjs\": %zu, "
		 "\"grown\": %lu, \"reaped\": %lu, \"error\": %lu, "
		 "\"maxfreeable\": %zu, \"nodeallocs\": %lu, "
		 "\"remotefrees\": %lu, \"alienoverflow\": %lu},",
		 sum.alloc_hit + sum.alloc_miss, info.high, info.grown,
		 info.reaped, info.nr_errors + sum.no_memory, info.max_free,
		 sum.node_allocs, sum.node_frees, sum.alien_overflow);
	fn(line, arg);
	snprintf(line, sizeof(line),
		 " \"cpustat\": {\"allochit\": %lu, \"allocmiss\": %lu, "
		 "\"freehit\": %lu, \"freemiss\": %lu}}",
		 sum.alloc_hit, sum.alloc_miss, sum.free_hit, sum.free_miss);
	fn(line, arg);
}

int
kmem_slabinfo_json(kmem_line_fn *fn, void *arg)
{
	const char *before = " ";
	struct slab_cache *cache;
	char line[HEAD_MAX];

	if (!slab_serves())
		return -E_NOT_FOUND;
	snprintf(line, sizeof(line),
		 "{\"slabinfo\": \"2.1\", \"layer\": \"%s\", \"caches\": [",
		 slab_kernel_root.layer->name);
	fn(line, arg);
	for (cache = NULL;
	     (cache = slab_chain_next(&slab_kernel_root, cache)) != NULL;) {
		json_cache(cache, before, fn, arg);
		before = ",";
	}
	fn("]}", arg);
	return 0;
}
