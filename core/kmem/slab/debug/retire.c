/*
 * Is a slab whole? Damaged ones are taken out of service.
 *
 * A slab's descriptor and index list lie in memory like everything else, and whoever
 * writes where he should not may hit them. Then the list leads anywhere: the
 * next allocation would hand out an object twice, or an address that is none.
 * slab_check believes nothing it reads there; what it follows are only the node's
 * lists, which lead to a slab from both of its neighbours.
 *
 *	sane	neighbours point back; s_mem, colour and node are possible; the
 *		index list is inside the slab, without a circle, and its length is
 *		what inuse says; all others are marked out
 *
 * OUT OF SERVICE.  The slab leaves its list (by way of its neighbours, if its own
 * links are damaged), the node's counts are made anew from what is left, and its
 * pages become PAGE_SLAB_RETIRED. Nothing is handed out from there any more.
 * Objects that are out stay with their callers, unharmed; when they are freed they
 * are only counted. The pages go when the cache does.
 *
 * In its pages' struct page: owner.cache, owner.slab and nr (how many pages of the
 * slab lie before this one) as before; in the first, owner.link (node->retired) and owner.word,
 * how many objects are out, as far as one can tell.
 *
 * LOCKING.  node->lock.
 */

#include "../cache.h"

#include <kernel/printk.h>
#include "debug.h"

#define ENTRIES_PER_LINE 8u
#define ENTRIES_MAX 64u
#define LINE_SIZE 120

/* -- looking ---------------------------------------------------------------------------- */

/* Whether a pointer in a list can be followed: it is a head of the node, or lies in
 * memory. */
static bool
is_link(const struct kmem_cache_node *node, const struct list *link)
{
	return (uintptr_t)link % __alignof__(struct list) == 0 &&
	       (link == &node->slabs_partial || link == &node->slabs_full ||
		link == &node->slabs_free || env_page_of(link) != NULL);
}

static const char *
links_problem(const struct kmem_cache_node *node, const struct slab *slab)
{
	const struct list *link = &slab->link;

	if (!is_link(node, link->next) || !is_link(node, link->prev))
		return "its links lead to no memory";
	if (link->next->prev != link || link->prev->next != link)
		return "its neighbours do not point back";
	return NULL;
}

static const char *
descriptor_problem(const struct slab_cache *cache, const struct slab *slab,
		   const struct page *base)
{
	const struct slab_layout *layout = &cache->layout;
	size_t front = layout->off_slab ? 0 : layout->slab_size;

	if (slab->nodeid != base->node)
		return "it says that it is another node's";
	if (slab->colouroff % layout->colour_off != 0 ||
	    slab->colouroff / layout->colour_off >= layout->nr_colours)
		return "it has a colour that its cache does not have";
	if (slab->s_mem !=
	    (unsigned char *)env_page_address(base) + slab->colouroff + front)
		return "its objects do not begin where they should";
	return NULL;
}

/* Entries of the index list that mark an object as out. */
static unsigned
count_out(const struct slab_cache *cache, const struct slab *slab)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < cache->layout.num; i++)
		nr += slab->bufctl[i] == BUFCTL_OUT;
	return nr;
}

/* How many objects the index list leads to; more than there are: it leads
 * astray, or in a circle. */
static unsigned
count_listed(const struct slab_cache *cache, const struct slab *slab)
{
	unsigned num = cache->layout.num, nr = 0, index = slab->free;

	for (; index != BUFCTL_END && nr <= num; nr++) {
		if (index >= num)
			return num + 1;
		index = slab->bufctl[index];
	}
	return nr;
}

static const char *
index_problem(const struct slab_cache *cache, const struct slab *slab)
{
	unsigned num = cache->layout.num;
	unsigned nr_listed = count_listed(cache, slab);

	if (nr_listed > num)
		return "its index list leads astray";
	if (nr_listed + count_out(cache, slab) != num)
		return "objects are neither in its index list nor out";
	if (nr_listed != num - slab->inuse)
		return "its inuse is not what the index list says";
	return NULL;
}

/* The first page of a slab; what the descriptor says is not asked. NULL: no page
 * leads to it. */
static struct page *
first_page(const struct slab_cache *cache, const struct slab *slab)
{
	/* Off the slab, only s_mem tells. */
	struct page *page = env_page_of(
		cache->layout.off_slab ? (const void *)slab->s_mem : slab);

	if (page == NULL || page->kind != PAGE_SLAB ||
	    page->owner.slab != slab || page->owner.cache != cache)
		return NULL;
	return page - page->nr;
}

/* -- saying ----------------------------------------------------------------------------- */

/* The index list, with ! where an entry is no possible one. */
static void
say_entries(const struct slab_cache *cache, const struct slab *slab)
{
	unsigned num = MIN(cache->layout.num, ENTRIES_MAX);

	for (unsigned row = 0; row < num; row += ENTRIES_PER_LINE) {
		char line[LINE_SIZE];
		size_t n = 0;

		for (unsigned i = row; i < num && i < row + ENTRIES_PER_LINE;
		     i++) {
			unsigned entry = slab->bufctl[i];

			if (entry == BUFCTL_OUT || entry == BUFCTL_END)
				n += (size_t)snprintf(
					line + n, sizeof(line) - n, " %s",
					entry == BUFCTL_OUT ? "out" : "end");
			else
				n += (size_t)snprintf(line + n,
						      sizeof(line) - n,
						      entry < cache->layout.num
							      ? " %u"
							      : " [%u]",
						      entry);
		}
		kmem_say("  entries %u:%s", row, line);
	}
}

static void
say_damage(const struct slab_cache *cache, struct slab *slab,
	   const char *problem)
{
	const unsigned depth = SLAB_TRACK_DEPTH;
	uintptr_t pcs[SLAB_TRACK_DEPTH];
	unsigned nr = env_backtrace(pcs, depth);
	irq_state_t state = kmem_report_begin(
		"slab: BUG in cache %s: slab descriptor damaged: %s",
		cache->base.name, problem);

	kmem_say("  descriptor %p, %u objects, inuse %u, free %u", (void *)slab,
		 cache->layout.num, slab->inuse, slab->free);
	say_entries(cache, slab);
	kmem_say("  found by thread %s, pid %d, on CPU %u", env_thread_name(),
		 env_thread_pid(), env_cpu());
	kmem_say_backtrace(pcs, nr);
	for (unsigned i = 0; i < cache->layout.num; i++) {
		struct slab_note *note = slab_note(cache, slab, i);

		if (note == NULL || slab->bufctl[i] != BUFCTL_OUT)
			continue;
		kmem_say("  object %p, number %u",
			 (void *)slab_object_at(cache, slab, i), i);
		slab_track_print("allocated", &note->alloc);
	}
	kmem_say("  the slab is taken out of service");
	kmem_report_end(state);
}

/* -- out of service --------------------------------------------------------------------- */

/* The neighbours of a slab whose own links may be wrong, in the list where it is.
 * false: it is not in this one. */
static bool
find_neighbours(const struct kmem_cache_node *node, struct list *head,
		struct list *link, struct list **prev, struct list **next)
{
	struct list *before = head, *behind = head;

	while (before->next != link) {
		before = before->next;
		if (before == head || !is_link(node, before))
			return false;
	}
	while (behind->prev != link) {
		behind = behind->prev;
		if (behind == head || !is_link(node, behind))
			return false;
	}
	*prev = before;
	*next = behind;
	return true;
}

static void
unlink_damaged(struct kmem_cache_node *node, struct list *link)
	REQUIRES(node->lock)
{
	struct list *heads[] = { &node->slabs_partial, &node->slabs_full,
				 &node->slabs_free };
	struct list *prev, *next;

	for (unsigned i = 0; i < ARRAY_SIZE(heads); i++) {
		if (!find_neighbours(node, heads[i], link, &prev, &next))
			continue;
		prev->next = next;
		next->prev = prev;
		return;
	}
}

/* Slabs of a list, and in *nr_free their free objects. */
static size_t
recount_list(const struct slab_cache *cache, const struct list *head,
	     size_t *nr_free)
{
	const struct list *pos;
	size_t nr = 0;

	list_for_each(pos, head) {
		const struct slab *slab =
			container_of(pos, const struct slab, link);

		*nr_free += cache->layout.num - slab->inuse;
		nr++;
	}
	return nr;
}

/* What the damaged one said cannot be subtracted. */
static void
recount(struct slab_cache *cache, struct kmem_cache_node *node)
	REQUIRES(node->lock)
{
	size_t nr_free = 0;

	node->nr_free_slabs = recount_list(cache, &node->slabs_free, &nr_free);
	node->nr_slabs = node->nr_free_slabs +
			 recount_list(cache, &node->slabs_partial, &nr_free) +
			 recount_list(cache, &node->slabs_full, &nr_free);
	node->free_objects = nr_free;
}

/* How many objects are out, by whatever still makes sense. */
static unsigned
guess_out(const struct slab_cache *cache, const struct slab *slab)
{
	unsigned num = cache->layout.num, nr_out = count_out(cache, slab);

	if (count_listed(cache, slab) + nr_out == num || slab->inuse > num)
		return nr_out;
	return slab->inuse;
}

static void
retire(struct slab_cache *cache, struct kmem_cache_node *node,
       struct slab *slab, struct page *base) REQUIRES(node->lock)
{
	size_t nr = (size_t)1 << cache->layout.order;

	node->nr_errors++;
	unlink_damaged(node, &slab->link);
	recount(cache, node);
	/* No page leads here: nothing can come back, either. */
	if (base == NULL)
		return;
	for (size_t i = 0; i < nr; i++)
		base[i].kind = PAGE_SLAB_RETIRED;
	base->owner.word = guess_out(cache, slab);
	node->retired_out += base->owner.word;
	list_add_tail(&node->retired, &base->owner.link);
}

bool
slab_debug_check(struct slab_cache *cache, struct kmem_cache_node *node,
		 struct slab *slab)
{
	struct page *base = first_page(cache, slab);
	const char *problem = "no page leads to it";

	if (base != NULL)
		problem = descriptor_problem(cache, slab, base);
	if (problem == NULL)
		problem = links_problem(node, slab);
	if (problem == NULL)
		problem = index_problem(cache, slab);
	if (problem == NULL)
		return true;
	say_damage(cache, slab, problem);
	retire(cache, node, slab, base);
	return false;
}

void
slab_retire_free(struct kmem_cache_node *node, struct page *page)
{
	struct page *base;

	/* No page led to the slab when it was retired. */
	if (page->kind != PAGE_SLAB_RETIRED)
		return;
	base = page - page->nr;
	if (base->owner.word == 0)
		return;
	base->owner.word--;
	node->retired_out--;
}

void
slab_retire_destroy(struct slab_cache *cache)
{
	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		struct list *head = &cache->node[i]->retired;

		while (!list_empty(head)) {
			struct page *base =
				list_first_entry(head, struct page, owner.link);
			size_t nr = (size_t)1 << cache->layout.order;

			list_del(&base->owner.link);
			if (cache->layout.off_slab)
				slab_own_put(base->owner.slab);
			for (size_t k = 0; k < nr; k++)
				base[k].kind = PAGE_PLAIN;
			env_pages_put(base, nr);
		}
	}
}
