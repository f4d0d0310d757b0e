/*
 * The model of live objects, for the check slab_model.
 *
 * It is written from what kmalloc.h promises, and knows nothing of slabs.
 *
 *	claims	  a bit for each word of RAM: part of a live object. Who gets an
 *		  object sets its bits, and none may have been set; who frees it
 *		  clears them before. So two owners of a byte are found at once,
 *		  whatever the sizes, without a lock: a word of bits at a time.
 *	slots	  what is known of each object: where, how long, which contents.
 *		  A slot is held by one at a time, by an exchange of its state;
 *		  nobody waits for one, so interrupts use them like threads.
 *	contents  each word is base + index * step. The base is made of a seed while
 *		  the object is out, and of its address in constructed objects that
 *		  are free. Objects of up to SMALL bytes are written and compared as a
 *		  whole; of larger ones every sixteenth is, and of the others the
 *		  ends and each STRIDE-th word.
 *
 * COSTS.  Some 100 ns for an object of a few words, mostly cache misses: so that
 * a hundred million operations are a matter of minutes.
 */
#include <kernel/lock.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#include "slab_model.h"

#define WORD sizeof(unsigned long)
#define WORD_BITS (8 * WORD)
#define STEP 0x9e3779b1ul
#define MAGIC 0x51abc0deul

#define SMALL 256
#define WHOLE_EVERY 16
#define HEAD_WORDS 16
#define TAIL_WORDS 8
#define STRIDE 32

/* Memory is plenty while so much of it is free. */
#define PLENTY_PART 4
#define PRINTED_MAX 10

struct model_slot *model_slots;
static struct page *slot_pages, *claim_pages;
static size_t nr_slot_pages, nr_claim_pages;
static unsigned long *claims;  /* atomic words */
static unsigned long nr_wrong; /* atomic */

/* -- what is wrong -------------------------------------------------------------- */

void
model_wrong(const char *what, const void *object, unsigned long value)
{
	if (atomic_add(&nr_wrong, 1) <= PRINTED_MAX)
		printk("# slab_model: %s: %p, %lu\n", what, object, value);
}

unsigned long
model_nr_wrong(void)
{
	return atomic_load_relaxed(&nr_wrong);
}

bool
model_memory_is_plenty(void)
{
	return nr_free_pages() >= nr_managed_pages() / PLENTY_PART;
}

/* -- its own memory --------------------------------------------------------------- */

static void *
pages_get(struct page **pages, size_t *nr, size_t bytes)
{
	*nr = (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
	*pages = alloc_pages_gfp(GFP_KERNEL | __GFP_NOWARN | __GFP_ZERO, *nr);
	return *pages != NULL ? page_to_virt(*pages) : NULL;
}

bool
model_start(size_t nr_slots)
{
	size_t nr_words = mem_map_nr * (PAGE_SIZE / WORD);

	nr_wrong = 0;
	claims = pages_get(&claim_pages, &nr_claim_pages,
			   nr_words / WORD_BITS * WORD);
	if (claims == NULL)
		return false;
	model_slots = pages_get(&slot_pages, &nr_slot_pages,
				nr_slots * sizeof(*model_slots));
	if (model_slots == NULL) {
		free_pages(claim_pages, nr_claim_pages);
		return false;
	}
	return true;
}

void
model_end(void)
{
	free_pages(slot_pages, nr_slot_pages);
	free_pages(claim_pages, nr_claim_pages);
}

/* -- slots ---------------------------------------------------------------------------- */

enum model_slot_state
model_slot_take(struct model_slot *slot)
{
	if (atomic_load_relaxed(&slot->state) == SLOT_HELD)
		return SLOT_HELD;
	return atomic_exchange(&slot->state, (unsigned)SLOT_HELD);
}

void
model_slot_give(struct model_slot *slot, enum model_slot_state state)
{
	atomic_store(&slot->state, (unsigned)state);
}

/* -- claims --------------------------------------------------------------------------- */

/* The bits of one word of claims that stand for words from *first on. */
static unsigned long
claim_mask(size_t *first, size_t end, unsigned long **word)
{
	size_t bit = *first % WORD_BITS;
	size_t nr = MIN(WORD_BITS - bit, end - *first);

	*word = &claims[*first / WORD_BITS];
	*first += nr;
	return ~0ul >> (WORD_BITS - nr) << bit;
}

static size_t
claim_index(const void *at)
{
	return (arch_virt_to_phys(at).addr - (mem_map_start << PAGE_SHIFT)) /
	       WORD;
}

static void
claim(const struct model_slot *slot)
{
	size_t first = claim_index(slot->at);
	size_t end = first + (slot->bytes + WORD - 1) / WORD;
	unsigned long mask, *word, was = 0;

	while (first < end) {
		mask = claim_mask(&first, end, &word);
		was |= atomic_or(word, mask) & mask;
	}
	if (was != 0)
		model_wrong("overlaps another live object", slot->at,
			    slot->bytes);
}

/* The bits are all set, so that a subtraction clears just these. */
static void
unclaim(const struct model_slot *slot)
{
	size_t first = claim_index(slot->at);
	size_t end = first + (slot->bytes + WORD - 1) / WORD;
	unsigned long mask, *word, left = 0;

	while (first < end) {
		mask = claim_mask(&first, end, &word);
		left |= atomic_sub(word, mask) & mask;
	}
	if (left != 0)
		model_wrong("was given to two", slot->at, slot->bytes);
}

/* -- contents ------------------------------------------------------------------------- */

static unsigned long
base_of_seed(unsigned seed)
{
	return (unsigned long)seed * STEP + 1;
}

static unsigned long
base_of_constructed(const void *object)
{
	return (unsigned long)(uintptr_t)object ^ MAGIC;
}

static bool
is_whole(size_t bytes, unsigned seed)
{
	return bytes <= SMALL || seed % WHOLE_EVERY == 0;
}

/* The word to look at after word i of nr. */
static __always_inline size_t
next_word(size_t i, size_t nr, bool whole)
{
	i++;
	if (whole || i < HEAD_WORDS || i + TAIL_WORDS >= nr)
		return i;
	return MIN(ALIGN_UP(i, STRIDE), nr - TAIL_WORDS);
}

static void
contents_fill(void *object, size_t bytes, unsigned long base, bool whole)
{
	unsigned long *words = object;
	size_t nr = bytes / WORD;

	for (size_t i = 0; i < nr; i = next_word(i, nr, whole))
		words[i] = base + i * STEP;
	for (size_t i = nr * WORD; i < bytes; i++)
		((unsigned char *)object)[i] = (unsigned char)(base + i);
}

/* How many of the words below `limit` bytes are not as they should be. */
static unsigned long
contents_differ(const void *object, size_t bytes, size_t limit,
		unsigned long base, bool whole)
{
	const unsigned long *words = object;
	size_t nr = bytes / WORD, end = MIN(limit, bytes) / WORD;
	unsigned long nr_bad = 0;

	for (size_t i = 0; i < end; i = next_word(i, nr, whole))
		nr_bad += words[i] != base + i * STEP;
	if (limit < bytes)
		return nr_bad;
	for (size_t i = nr * WORD; i < bytes; i++)
		nr_bad += ((const unsigned char *)object)[i] !=
			  (unsigned char)(base + i);
	return nr_bad;
}

void
model_construct(void *object, size_t bytes)
{
	contents_fill(object, bytes, base_of_constructed(object), true);
}

/* Memory goes back: never under a lock or in an interrupt. */
void
model_destruct(void *object, size_t bytes)
{
	if (!may_sleep())
		model_wrong("destructed where nobody may sleep", object, bytes);
	if (contents_differ(object, bytes, bytes, base_of_constructed(object),
			    true) != 0)
		model_wrong("destructed in another state than constructed",
			    object, bytes);
}

static bool
is_zero(const unsigned char *bytes, size_t nr)
{
	return nr == 0 ||
	       (bytes[0] == 0 && memcmp(bytes, bytes + 1, nr - 1) == 0);
}

/* -- objects come and go ------------------------------------------------------------------ */

/* Whether all of it lies in allocated RAM, of the node that it should be of. */
static bool
place_is_good(const void *object, size_t bytes, const struct model_wish *wish)
{
	const struct page *first = phys_to_page(arch_virt_to_phys(object));
	const struct page *last = phys_to_page(
		arch_virt_to_phys((const unsigned char *)object + bytes - 1));

	if (first == NULL || last == NULL || last < first) {
		model_wrong("outside RAM", object, bytes);
		return false;
	}
	for (const struct page *page = first; page <= last; page++)
		if (atomic_load_relaxed(&page->ref) < 0)
			model_wrong("in a free page", object, bytes);
	if (wish->node != NODE_ANY && first->node != wish->node)
		model_wrong("of another node", object, first->node);
	if ((uintptr_t)object % wish->align != 0)
		model_wrong("not aligned", object, wish->align);
	return true;
}

static void
slot_fill(struct model_slot *slot, void *object, size_t asked, size_t bytes,
	  unsigned seed)
{
	slot->at = object;
	slot->asked = (unsigned)asked;
	slot->bytes = (unsigned)bytes;
	slot->seed = seed;
	claim(slot);
	contents_fill(object, bytes, base_of_seed(seed), is_whole(bytes, seed));
}

void
model_born(struct model_slot *slot, void *object, const struct model_wish *wish,
	   unsigned seed)
{
	size_t bytes = ksize(object);

	if (bytes < wish->size)
		model_wrong("ksize is less than was asked for", object, bytes);
	if (wish->constructed || bytes < wish->size)
		bytes = wish->size;
	if (!place_is_good(object, bytes, wish))
		return;
	if (wish->zeroed && !is_zero(object, wish->size))
		model_wrong("not zeroed", object, wish->size);
	if (wish->constructed &&
	    contents_differ(object, bytes, bytes, base_of_constructed(object),
			    is_whole(bytes, seed)) != 0)
		model_wrong("lost its constructed state", object, bytes);
	slot_fill(slot, object, wish->size, bytes, seed);
}

static void
look(const struct model_slot *slot, const void *object, size_t limit)
{
	unsigned long nr_bad = contents_differ(
		object, slot->bytes, limit, base_of_seed(slot->seed),
		is_whole(slot->bytes, slot->seed));

	if (nr_bad != 0)
		model_wrong("contents changed", object, nr_bad);
}

void
model_look(const struct model_slot *slot)
{
	look(slot, slot->at, slot->bytes);
}

void *
model_dies(struct model_slot *slot, bool constructed)
{
	model_look(slot);
	if (constructed)
		contents_fill(slot->at, slot->bytes,
			      base_of_constructed(slot->at),
			      is_whole(slot->bytes, slot->seed));
	unclaim(slot);
	return slot->at;
}

void
model_moved(struct model_slot *slot, void *object,
	    const struct model_wish *wish, unsigned seed)
{
	size_t bytes = ksize(object);

	if (bytes < wish->size)
		model_wrong("ksize is less than was asked for", object, bytes);
	if (!place_is_good(object, bytes, wish))
		return;
	look(slot, object, MIN(slot->asked, wish->size));
	slot_fill(slot, object, wish->size, bytes, seed);
}
