/*
 * Leaks: objects that are out, and that nothing leads to any more.
 *
 * PROBLEM.  Who forgets an object does not notice, and no count tells which of a
 * million objects it is.
 *
 * MODEL.  Conservative reachability, with grey objects in a list, as in kmemleak:
 *
 *	roots	the image's data; the part of each thread's stack that is in use,
 *		where its registers are, too
 *	white	not met so far		at first every object that is out
 *	grey	met, not looked through	in the list
 *	black	looked through
 *
 * Every aligned word of a root, then of every grey object, that is an address
 * inside a white object makes that one grey. What is white in the end
 * has leaked. Any address inside counts, since lists link members.
 *
 * WHAT IS NO OBJECT.  Objects of other instances (kmem.c), and pages from the page
 * allocator, are neither found nor looked
 * through, but for large kmallocs. Free objects in the layer's stacks and arrays
 * are not live, and slots there that hold nothing are cleared first: they still
 * have the addresses of what was taken last.
 *
 * ERRORS of this method: a number that looks like an address hides a leak; an
 * object that is known only to a device, or by a disguised pointer, is reported
 * (SLAB_NOLEAKTRACE is for caches of such).
 *
 * MEMORY.  An entry for each object, in pages of their own, by slab; the first
 * page's owner.word leads to the slab's first entry.
 *
 * CONTEXT.  Between begin and end one thread at a time. The scan itself wants
 * everything to stand still: core/proc/leaks.c sees to that.
 */
#include <kernel/error.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#include "../chain.h"
#include "../general.h"
#include "../percpu/layer.h"
#include "debug.h"
#include "leak.h"

#define NO_SANITIZER                                                           \
	__attribute__((no_sanitize("address"), no_sanitize("thread")))

/* Room for what is made between begin and scan. */
#define SPARE_ENTRIES 4096
#define PRINT_MAX 20
#define PRINT_BYTES 16u

enum leak_colour {
	NOT_LIVE = 0,
	WHITE,
	BLACK
};

struct leak_entry {
	unsigned char *object;	 /* NULL: not live */
	unsigned next;		 /* grey list: number + 1; 0: the last */
	enum leak_colour colour; /* grey ones are black already */
};

static struct {
	struct slab_root *root; /* whose objects are looked for */
	struct page *pages;	/* entries lie there */
	size_t nr_pages;
	struct leak_entry *entries;
	unsigned capacity, nr;
	unsigned grey; /* number + 1 of the first; 0: none */
} scan;

/* -- from addresses to entries -------------------------------------------------------------- */

static struct leak_entry *
slab_entry(const struct slab_cache *cache, const struct slab *slab,
	   unsigned index)
{
	const struct page *base = env_page_of(slab_base(cache, slab));

	return &scan.entries[base->owner.word + index];
}

/* The entry of the object that this address is inside of; NULL: of none. */
static struct leak_entry *
entry_at(uintptr_t address)
{
	const struct page *page = env_page_of((const void *)address);
	const struct slab_cache *cache;
	const struct slab *slab;
	size_t offset;
	unsigned index;

	if (page == NULL)
		return NULL;
	if (slab_is_large(scan.root, page))
		return &scan.entries[page->owner.word];
	if (page->kind != PAGE_SLAB)
		return NULL;
	cache = page->owner.cache;
	if (cache->root != scan.root)
		return NULL;
	slab = page->owner.slab;
	offset = address - (uintptr_t)slab->s_mem;
	if (offset >= cache->layout.num * cache->layout.size)
		return NULL;
	index = slab_index(cache, slab, (const void *)address);
	if (offset - index * cache->layout.size >= cache->base.object_size)
		return NULL;
	return slab_entry(cache, slab, index);
}

static size_t
entry_size(const struct leak_entry *entry)
{
	const struct page *page = env_page_of(entry->object);
	const struct slab_cache *cache = page->owner.cache;

	return slab_is_large(scan.root, page) ? page->nr * PAGE_SIZE
					      : cache->base.object_size;
}

/* -- all objects ---------------------------------------------------------------------------- */

/* The next entry, for an object, or (NULL) for a place that has none. */
static bool
add_entry(unsigned char *object)
{
	if (scan.nr == scan.capacity)
		return false;
	scan.entries[scan.nr++] = (struct leak_entry){
		.object = object,
		.colour = object != NULL ? WHITE : NOT_LIVE,
	};
	return true;
}

static bool
add_slab(struct slab_cache *cache, struct slab *slab)
{
	struct page *base = env_page_of(slab_base(cache, slab));
	bool is_traced = !(cache->base.flags & SLAB_NOLEAKTRACE);

	base->owner.word = scan.nr;
	for (unsigned i = 0; i < cache->layout.num; i++) {
		bool is_out = slab->bufctl[i] == BUFCTL_OUT;

		if (!add_entry(is_out && is_traced
				       ? slab_object_at(cache, slab, i)
				       : NULL))
			return false;
	}
	return true;
}

/* false: no room. */
static bool
walk_list(struct slab_cache *cache, const struct list *head)
{
	struct list *pos;

	list_for_each(pos, head)
		if (!add_slab(cache, list_entry(pos, struct slab, link)))
			return false;
	return true;
}

/* The free ones, too: old values lead there. */
static bool
walk_cache(struct slab_cache *cache)
{
	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		const struct kmem_cache_node *node = cache->node[i];

		if (!walk_list(cache, &node->slabs_full) ||
		    !walk_list(cache, &node->slabs_partial) ||
		    !walk_list(cache, &node->slabs_free))
			return false;
	}
	return true;
}

static bool
add_large(void)
{
	struct page *page;

	for (size_t i = 0; (page = env_page_at(i)) != NULL; i++) {
		if (!slab_is_large(scan.root, page))
			continue;
		page->owner.word = scan.nr;
		if (!add_entry(env_page_address(page)))
			return false;
	}
	return true;
}

/* An object in an array is nobody's. */
static void
drop_held(struct slab_cache *cache, void *object, unsigned node, void *unused)
{
	struct leak_entry *entry = entry_at((uintptr_t)object);

	entry->object = NULL;
	entry->colour = NOT_LIVE;
}

/* What CPUs hold is nobody's; their empty slots lead nowhere. */
static void
clear_cpus(struct slab_cache *cache)
{
	for (unsigned id = 0; id < env_nr_cpus(); id++) {
		struct slab_cpu *cpu = cache->cpu[id];

		if (cpu == NULL)
			cpu = cache->parked[id];
		if (cpu == NULL)
			continue;
		cache->layer->visit_cpu(cache, cpu, drop_held, NULL);
		memset(cpu->stack.top + 1, 0,
		       (size_t)(cpu->last - cpu->stack.top) * sizeof(void *));
	}
	cache->layer->visit_nodes(cache, drop_held, NULL);
	cache->layer->forget(cache);
}

static bool
add_all(void)
{
	struct slab_cache *cache;

	scan.nr = 0;
	scan.grey = 0;
	for (cache = NULL;
	     (cache = slab_chain_next(scan.root, cache)) != NULL;) {
		if (walk_cache(cache))
			continue;
		slab_chain_unpin(cache);
		return false;
	}
	if (!add_large())
		return false;
	for (cache = NULL; (cache = slab_chain_next(scan.root, cache)) != NULL;)
		clear_cpus(cache);
	return true;
}

/* -- reaching --------------------------------------------------------------------------------- */

static void
reach(uintptr_t address)
{
	struct leak_entry *entry = entry_at(address);

	if (entry == NULL || entry->colour != WHITE)
		return;
	entry->colour = BLACK;
	entry->next = scan.grey;
	scan.grey = (unsigned)(entry - scan.entries) + 1;
}

NO_SANITIZER void
slab_leak_root(const void *from, const void *to)
{
	const uintptr_t *word =
		(const uintptr_t *)ALIGN_UP((uintptr_t)from, sizeof(*word));

	for (; (uintptr_t)(word + 1) <= (uintptr_t)to; word++)
		reach(*word);
}

static void
reach_all(void)
{
	while (scan.grey != 0) {
		const struct leak_entry *entry = &scan.entries[scan.grey - 1];

		scan.grey = entry->next;
		slab_leak_root(entry->object,
			       entry->object + entry_size(entry));
	}
}

int
slab_leak_scan(void (*roots)(void))
{
	const void *from, *to;

	if (!add_all())
		return -E_NO_SPACE;
	for (unsigned i = 0; env_data_range(i, &from, &to); i++)
		slab_leak_root(from, to);
	roots();
	reach_all();
	return 0;
}

/* -- beginning and end -------------------------------------------------------------------------- */

static size_t
count_objects(void)
{
	struct slab_cache *cache;
	size_t nr = SPARE_ENTRIES;

	for (cache = NULL;
	     (cache = slab_chain_next(scan.root, cache)) != NULL;) {
		for (unsigned i = 0; i < env_nr_nodes(); i++) {
			struct kmem_cache_node *node = cache->node[i];
			irq_state_t state = env_lock(&node->lock);

			nr += node->nr_slabs * cache->layout.num;
			env_unlock(&node->lock, state);
		}
	}
	return nr + nr / 4;
}

int
slab_leak_begin(struct kmem *kmem)
{
	size_t bytes;

	scan.root = slab_root_of(kmem);
	bytes = count_objects() * sizeof(struct leak_entry);
	scan.nr_pages = ALIGN_UP(bytes, PAGE_SIZE) / PAGE_SIZE;
	scan.pages = env_pages_get(GFP_KERNEL | __GFP_NOWARN, scan.nr_pages);
	if (scan.pages == NULL)
		return -E_NO_MEM;
	scan.entries = env_page_address(scan.pages);
	scan.capacity = (unsigned)(scan.nr_pages * PAGE_SIZE /
				   sizeof(struct leak_entry));
	scan.nr = 0;
	return 0;
}

/* Nobody writes there any more: nobody can. */
static void
print_leak(const struct leak_entry *entry)
{
	const struct page *page = env_page_of(entry->object);
	struct slab_cache *cache = page->owner.cache;
	const struct slab_note *note;
	char bytes[3 * PRINT_BYTES + 1];
	struct slab *slab;
	size_t n = 0;

	for (unsigned i = 0; i < MIN(entry_size(entry), (size_t)PRINT_BYTES);
	     i++)
		n += (size_t)snprintf(bytes + n, sizeof(bytes) - n, " %02x",
				      entry->object[i]);
	if (slab_is_large(scan.root, page)) {
		kmem_say("leak: %zu pages of kmalloc at %p:%s", page->nr,
			 (void *)entry->object, bytes);
		return;
	}
	slab = page->owner.slab;
	kmem_say("leak: object %p of cache %s, %zu bytes:%s",
		 (void *)entry->object, cache->base.name,
		 cache->base.object_size, bytes);
	note = slab_note(cache, slab, slab_index(cache, slab, entry->object));
	if (note != NULL && (slab_debug(cache) & SLAB_STORE_USER))
		slab_track_print("allocated", &note->alloc);
}

size_t
slab_leak_end(bool print)
{
	size_t nr = 0;

	for (unsigned i = 0; print && i < scan.nr; i++) {
		const struct leak_entry *entry = &scan.entries[i];

		if (entry->colour == WHITE && nr++ < PRINT_MAX)
			print_leak(entry);
	}
	env_pages_put(scan.pages, scan.nr_pages);
	scan.pages = NULL;
	scan.entries = NULL;
	return nr;
}
