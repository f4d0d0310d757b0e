/*
 * Every benchmark, in the order in which `bench` runs them.
 *
 * Adding one: a struct bench in the file of its subject, its declaration in
 * bench.h, a line here, what it means in docs/benchmarks.md, and what it is
 * measured against in bench/rows.py.
 */
#include "bench.h"

const struct bench *const benches[] = {
	&bench_boot,
	&bench_counter,
	&bench_yield_2,
	&bench_yield_4000,
	&bench_wakeup,
	&bench_wakeup_semaphore,
	&bench_create,
	&bench_create_4000,
	&bench_pid_wrap,
	&bench_page_pair_order0,
	&bench_page_pair_order3,
	&bench_page_fragmented_order3,
	&bench_page_pair_order4,
	&bench_page_fragmented_order4,
	&bench_page_batch,
	&bench_slob_pair,
	&bench_slab_pair,
	&bench_kmalloc_pair,
	&bench_slab_live,
	&bench_kmalloc_live,
	&bench_slob_batch,
	&bench_slab_batch,
	&bench_kmalloc_batch,
	&bench_kmalloc_replace,
	&bench_cache_constructed,
	&bench_cache_reinitialised,
	&bench_slab_walk,
	&bench_cache_memory,
	&bench_slab_handover,
	&bench_slab_scale_pair,
	&bench_slab_scale_batch,
	NULL,
};
