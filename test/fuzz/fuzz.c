/*
 * The machine of the fuzz targets: one virtual CPU that lives as long as the
 * program, so each input must leave it as it found it - which is also the
 * strongest thing to expect of one.
 */
#include <stdlib.h>
#include <unistd.h>

#include <kernel/option.h>
#include <kernel/page.h>
#include <port/unit.h>

#include "kmem/slab/chain.h"
#include "kmem/slab/debug/validate.h"
#include "../check/slab_model.h"
#include "fuzz.h"

#define RAM_OF_ONE ((size_t)8 << 20)
#define RAM_OF_TWO ((size_t)64 << 20)

/* Hoarded pages, from the first to the last by owner.slab; `nr` each. */
static struct page *hoard;

/* What there is when nobody has anything. */
struct rest {
	size_t free_pages;
	size_t slab_pages;
	size_t objects; /* live ones, without the descriptors of slabs */
};
static struct rest rest;
static unsigned long rest_reports;

void
fuzz_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

/*
 * The kernel's panic ends the process by _exit, which the fuzzer would take for
 * an end like others. The linker sends those calls here.
 */
void __wrap__exit(int code) __noreturn;

void
__wrap__exit(int code)
{
	fprintf(stderr, "the kernel ended with code %d\n", code);
	abort();
}

void
fuzz_machine_start(void)
{
	const char *text = getenv("NODES"), *layer = getenv("LAYER");
	unsigned nr_nodes = text != NULL && text[0] == '1' ? 1 : 2;

	host_unit_init(nr_nodes == 1 ? RAM_OF_ONE : RAM_OF_TWO);
	page_init(host_unit_boot_info(nr_nodes));
	FUZZ_EXPECT(option_set(&kmalloc_option, "slab") == 0);
	if (layer != NULL)
		FUZZ_EXPECT(option_set(&slab_cpu_option, layer) == 0);
	kmem_init();
}

/* -- rest ------------------------------------------------------------------------- */

static void
rest_add(struct rest *now, struct slab_cache *cache)
{
	size_t nr_slabs = 0;

	for (unsigned i = 0; i < nr_page_nodes; i++)
		nr_slabs += cache->node[i]->nr_slabs;
	now->slab_pages += nr_slabs << cache->layout.order;
	now->objects += slab_validate_nr_live(cache);
	if (cache->layout.off_slab)
		now->objects -= nr_slabs;
}

static struct rest
rest_now(void)
{
	struct rest now = { .free_pages = 0 };
	struct slab_cache *cache;

	(void)kmem_shrink();
	for (cache = NULL;
	     (cache = slab_chain_next(&slab_kernel_root, cache)) != NULL;)
		rest_add(&now, cache);
	now.free_pages = nr_free_pages();
	return now;
}

void
fuzz_rest_remember(void)
{
	rest = rest_now();
	rest_reports = kmem_nr_reports();
}

void
fuzz_rest_expect(unsigned long nr_reports, bool in_same_slabs)
{
	struct rest now = rest_now();

	FUZZ_EXPECT(slab_validate(&slab_kernel_root));
	FUZZ_EXPECT(now.objects == rest.objects);
	FUZZ_EXPECT(now.free_pages + now.slab_pages ==
		    rest.free_pages + rest.slab_pages);
	if (in_same_slabs)
		FUZZ_EXPECT(now.free_pages == rest.free_pages);
	FUZZ_EXPECT(model_nr_wrong() == 0);
	rest_reports += nr_reports;
	FUZZ_EXPECT(kmem_nr_reports() == rest_reports);
}

/* -- want ----------------------------------------------------------------------------- */

static void
hoard_take(size_t nr_left)
{
	size_t nr = nr_managed_pages();
	struct page *page;

	while (nr > 0 && nr_free_pages() > nr_left) {
		nr = MIN(nr, nr_free_pages() - nr_left);
		page = alloc_pages_gfp(GFP_ATOMIC | __GFP_NOWARN, nr);
		if (page == NULL) {
			nr /= 2;
			continue;
		}
		page->nr = nr;
		page->owner.slab = hoard;
		hoard = page;
	}
}

void
fuzz_hoard(size_t nr_left)
{
	struct page *page;

	while (hoard != NULL) {
		page = hoard;
		hoard = page->owner.slab;
		free_pages(page, page->nr);
	}
	if (nr_left != SIZE_MAX)
		hoard_take(nr_left);
}

bool
fuzz_memory_is_short(void)
{
	return hoard != NULL || !model_memory_is_plenty();
}
