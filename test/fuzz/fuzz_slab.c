/*
 * Fuzz target: any sequence of operations on the slab allocator.
 *
 * An input is a byte that says how (enum how), and a list of operations: a byte
 * with the operation (lower half) and the cache (upper half), then the arguments. There are some named caches, created
 * and destroyed as the input says, and kmalloc. The model of the in-kernel check
 * watches each object; at the end everything is freed, and the machine must be
 * as it was.
 *
 * The named caches are born with the letters of slab_debug= that the first byte
 * has, and get others while they run.
 *
 * Allocations fail when pages are hoarded, when RAM is all used (NODES=1 has
 * little), or at the n-th failpoint of an operation. When none of these is so, none
 * may fail.
 */
#include <kernel/error.h>
#include <kernel/failpoint.h>
#include <kernel/option.h>
#include <kernel/timer.h>

#include "kmem/slab/chain.h"
#include "kmem/slab/debug/hooks.h"
#include "kmem/slab/debug/validate.h"
#include "kmem/slab/percpu/layer.h"
#include "../check/slab_model.h"
#include "fuzz.h"

#define NR_NAMED 4
#define NR_KINDS (NR_NAMED + 1) /* the last is kmalloc */
#define SLOTS 128
#define SIZE_LIMIT 9500
#define OPS_MAX 150
#define HUGE ((size_t)64 << 10)

/* The first byte. */
enum how {
	HOW_PLAIN = 1 << 0, /* fast=plain, else restartable */
	HOW_LETTERS_SHIFT = 1,
};

enum op {
	OP_CREATE,
	OP_DESTROY,
	OP_ALLOC,
	OP_ALLOC_RUN,
	OP_FREE,
	OP_FREE_RUN,
	OP_BULK_ALLOC,
	OP_BULK_FREE,
	OP_SHRINK,
	OP_REAP,
	OP_TUNE,
	OP_REALLOC,
	OP_FAIL,
	OP_HOARD,
	OP_VALIDATE,
	OP_LOOK,
	NR_OPS
};
BUILD_ASSERT(NR_OPS == 16);

static struct kind {
	char name[8];
	size_t size;
	size_t align;
	void (*ctor)(void *);
	struct kmem_cache *cache;
	struct model_slot *slots;
	unsigned nr_live;
	unsigned debug; /* flags that it must have */
} kinds[NR_KINDS];

/* The next operation meets its n-th failpoint; 0: none. */
static unsigned fail_at;
/* The running one has met it, or may. */
static bool may_fail;
/* What new caches are to be debugged with. */
static unsigned debug_of_new;
/* Calls that must be reported as nonsense. */
static unsigned long nr_reports;

#define CONSTRUCTOR(bytes)                                                     \
	static void construct_##bytes(void *object)                            \
	{                                                                      \
		model_construct(object, bytes);                                \
	}
CONSTRUCTOR(16)
CONSTRUCTOR(100)
CONSTRUCTOR(600)
CONSTRUCTOR(5000)

static const struct {
	size_t size;
	void (*ctor)(void *);
} constructed[] = { { 16, construct_16 },
		    { 100, construct_100 },
		    { 600, construct_600 },
		    { 5000, construct_5000 } };

static bool
is_kmalloc(const struct kind *kind)
{
	return kind == &kinds[NR_NAMED];
}

static struct model_slot *
slot_of(struct kind *kind, unsigned i)
{
	return &kind->slots[i % SLOTS];
}

static bool
is_open(const struct kind *kind)
{
	return is_kmalloc(kind) || kind->cache != NULL;
}

/* -- objects ---------------------------------------------------------------------- */

/* Much at once may not be free in one piece. */
static bool
failure_is_due(size_t size)
{
	return may_fail || size >= HUGE || fuzz_memory_is_short();
}

/* Of kmalloc: any up to some 60 KiB, and a few up to 8 MiB. */
static size_t
any_size(struct fuzz_input *input)
{
	size_t word = fuzz_word(input);

	return word < 0xff80 ? word : (word - 0xff7f) * HUGE;
}

static void
object_born(struct kind *kind, struct model_slot *slot, void *object,
	    size_t size, unsigned node, bool zeroed)
{
	struct model_wish wish = { .size = size,
				   .align = MAX(kind->align, sizeof(void *)),
				   .node = node,
				   .zeroed = zeroed,
				   .constructed = kind->ctor != NULL };

	if (object == NULL) {
		FUZZ_EXPECT(failure_is_due(size));
		return;
	}
	model_born(slot, object, &wish,
		   (unsigned)(slot - kinds[0].slots) * 7 + kind->nr_live);
	slot->state = SLOT_FULL;
	kind->nr_live++;
}

static void
object_end(struct kind *kind, struct model_slot *slot)
{
	void *object;

	if (slot->state != SLOT_FULL)
		return;
	object = model_dies(slot, kind->ctor != NULL);
	slot->state = SLOT_EMPTY;
	kind->nr_live--;
	if (is_kmalloc(kind))
		kfree(object);
	else
		kmem_cache_free(kind->cache, object);
}

/* How to ask: one bit or two of an argument each. */
static gfp_t
how_gfp(unsigned how)
{
	return (how & 1 ? GFP_ATOMIC : GFP_KERNEL) | __GFP_NOWARN;
}

static void
object_new(struct kind *kind, struct model_slot *slot, unsigned how)
{
	unsigned node = how >> 4 & 1 ? nr_page_nodes - 1 : 0;
	unsigned wanted = failure_is_due(0) ? NODE_ANY : 0;
	bool zeroed = (how & 2) && kind->ctor == NULL;
	gfp_t gfp = how_gfp(how);
	void *object;

	if (slot->state != SLOT_EMPTY)
		return;
	switch (how >> 2 & 3) {
	case 0:
		object = zeroed ? kmem_cache_zalloc(kind->cache, gfp)
				: kmem_cache_alloc(kind->cache, gfp);
		break;
	case 1:
		node = NODE_ANY;
		/* fall through */
	case 2:
		gfp |= zeroed ? __GFP_ZERO : 0;
		object = kmem_cache_alloc_node(kind->cache, gfp, node);
		if (node != NODE_ANY && wanted != NODE_ANY)
			wanted = node;
		break;
	default:
		gfp |= __GFP_THISNODE | (zeroed ? __GFP_ZERO : 0);
		object = kmem_cache_alloc_node(kind->cache, gfp, node);
		wanted = node;
	}
	object_born(kind, slot, object, kind->size, wanted, zeroed);
}

static void
kmalloc_new(struct kind *kind, struct model_slot *slot, size_t size,
	    unsigned how)
{
	bool zeroed = how & 2;
	gfp_t gfp = how_gfp(how);
	void *object;

	if (slot->state != SLOT_EMPTY)
		return;
	object = zeroed ? kzalloc(size, gfp) : kmalloc(size, gfp);
	if (size == 0) {
		FUZZ_EXPECT(object == ZERO_SIZE_PTR);
		kfree(object);
		return;
	}
	object_born(kind, slot, object, size, NODE_ANY, zeroed);
}

static void
kmalloc_move(struct kind *kind, struct model_slot *slot, size_t size,
	     unsigned how)
{
	struct model_wish wish = { .size = size,
				   .align = KMALLOC_ALIGN,
				   .node = NODE_ANY };
	void *object, *was;

	if (slot->state != SLOT_FULL)
		return;
	was = model_dies(slot, false);
	object = krealloc(was, size, how_gfp(how));
	if (size == 0) {
		FUZZ_EXPECT(object == ZERO_SIZE_PTR);
		slot->state = SLOT_EMPTY;
		kind->nr_live--;
		return;
	}
	if (object == NULL) {
		FUZZ_EXPECT(failure_is_due(size) && size > slot->asked);
		object = was;
		wish.size = slot->asked;
	}
	model_moved(slot, object, &wish, (unsigned)size);
}

/* -- many at once -------------------------------------------------------------------- */

static unsigned
slots_gather(struct kind *kind, enum model_slot_state wanted, unsigned first,
	     unsigned nr, struct model_slot *slots[])
{
	unsigned nr_found = 0;

	for (unsigned i = 0; i < SLOTS && nr_found < nr; i++) {
		struct model_slot *slot = slot_of(kind, first + i);

		if (slot->state == wanted)
			slots[nr_found++] = slot;
	}
	return nr_found;
}

static void
bulk_alloc(struct kind *kind, unsigned first, unsigned nr, unsigned how)
{
	struct model_slot *slots[SLOTS];
	void *objects[SLOTS];
	unsigned node = failure_is_due(0) ? NODE_ANY : 0;
	bool zeroed = (how & 2) && kind->ctor == NULL;
	gfp_t gfp = how_gfp(how) | (zeroed ? __GFP_ZERO : 0);

	nr = slots_gather(kind, SLOT_EMPTY, first, nr, slots);
	if (!kmem_cache_alloc_bulk(kind->cache, gfp, nr, objects)) {
		FUZZ_EXPECT(failure_is_due(0));
		return;
	}
	for (unsigned i = 0; i < nr; i++)
		object_born(kind, slots[i], objects[i], kind->size, node,
			    zeroed);
}

static void
bulk_free(struct kind *kind, unsigned first, unsigned nr)
{
	struct model_slot *slots[SLOTS];
	void *objects[SLOTS];

	nr = slots_gather(kind, SLOT_FULL, first, nr, slots);
	for (unsigned i = 0; i < nr; i++) {
		objects[i] = model_dies(slots[i], kind->ctor != NULL);
		slots[i]->state = SLOT_EMPTY;
	}
	kind->nr_live -= nr;
	kmem_cache_free_bulk(kind->cache, nr, objects);
}

/* -- debugging ----------------------------------------------------------------------------- */

#define NR_LETTERS 4

static const struct {
	char letter;
	unsigned flag;
} letters[NR_LETTERS] = { { 'F', SLAB_CONSISTENCY_CHECKS },
			  { 'Z', SLAB_RED_ZONE },
			  { 'P', SLAB_POISON },
			  { 'U', SLAB_STORE_USER } };

/* The letters that these bits mean, for setting them; returns the flags. */
static unsigned
letters_of(unsigned bits, char text[NR_LETTERS + 1])
{
	unsigned flags = 0, nr = 0;

	for (unsigned i = 0; i < NR_LETTERS; i++) {
		if (bits >> i & 1) {
			text[nr++] = letters[i].letter;
			flags |= letters[i].flag;
		}
	}
	if (nr == 0)
		text[nr++] = '-';
	text[nr] = '\0';
	return flags;
}

/* What these letters change in slabs cannot be changed under an object. */
static unsigned
wants_empty(const struct kind *kind, unsigned flags)
{
	unsigned mask = SLAB_RED_ZONE | SLAB_STORE_USER;

	return flags & (kind->ctor != NULL ? mask | SLAB_POISON : mask);
}

static void
debug_switch(struct kind *kind, unsigned bits)
{
	char text[NR_LETTERS + 1];
	unsigned flags = letters_of(bits, text);
	int err = kmem_debug_set(kind->name, text);

	if (kind->cache == NULL) {
		FUZZ_EXPECT(err == -E_NOT_FOUND);
		return;
	}
	if (wants_empty(kind, flags & ~kind->debug) && kind->nr_live > 0)
		FUZZ_EXPECT(err == -E_BUSY);
	else
		FUZZ_EXPECT(err == 0);
	if (err == 0)
		kind->debug = flags;
	FUZZ_EXPECT(slab_debug(slab_cache_of(kind->cache)) == kind->debug);
}

/* As booted with fast= and slab_debug=, but that kmalloc is not debugged. */
static void
how_begin(unsigned how)
{
	char some[NR_LETTERS + 1], text[16];
	struct slab_cache *cache;

	debug_of_new = letters_of(how >> HOW_LETTERS_SHIFT, some);
	snprintf(text, sizeof(text), "%s,fuzz-*", some);
	FUZZ_EXPECT(option_set(&slab_debug_option, text) == 0);
	if (!(how & HOW_PLAIN))
		return;
	FUZZ_EXPECT(option_set(&slab_fast_option, "plain") == 0);
	for (cache = NULL;
	     (cache = slab_chain_next(&slab_kernel_root, cache)) != NULL;)
		percpu_close(cache, SLAB_CLOSED_PLAIN);
}

static void
how_end(void)
{
	struct slab_cache *cache;

	FUZZ_EXPECT(option_set(&slab_debug_option, "-") == 0);
	FUZZ_EXPECT(option_set(&slab_fast_option, "restartable") == 0);
	for (cache = NULL;
	     (cache = slab_chain_next(&slab_kernel_root, cache)) != NULL;)
		percpu_open(cache, SLAB_CLOSED_PLAIN);
}

/* -- caches ------------------------------------------------------------------------------ */

static void
cache_create(struct kind *kind, unsigned word, unsigned how)
{
	unsigned shift = how >> 1 & 15;
	size_t align = shift >= 1 && shift <= 12 ? (size_t)1 << shift : 0;
	unsigned flags = (how & 32 ? SLAB_HWCACHE_ALIGN : 0) |
			 (how & 64 ? SLAB_RECLAIM_ACCOUNT : 0);
	size_t size = 8 + word % SIZE_LIMIT;
	void (*ctor)(void *) = NULL;
	struct kmem_cache *cache;

	if (how & 1) {
		size = constructed[word % ARRAY_SIZE(constructed)].size;
		ctor = constructed[word % ARRAY_SIZE(constructed)].ctor;
	}
	cache = kmem_cache_create(kind->name, size, align, flags, ctor);
	if (kind->cache != NULL) {
		FUZZ_EXPECT(cache == NULL);
		nr_reports++;
		return;
	}
	FUZZ_EXPECT(cache != NULL || failure_is_due(0));
	kind->cache = cache;
	kind->size = size;
	kind->align = align;
	kind->ctor = ctor;
	kind->debug = debug_of_new;
	if (cache != NULL)
		FUZZ_EXPECT(slab_debug(slab_cache_of(cache)) == kind->debug);
}

static void
cache_destroy(struct kind *kind)
{
	int err = kmem_cache_destroy(kind->cache);

	FUZZ_EXPECT(err == (kind->nr_live > 0 ? -E_BUSY : 0));
	if (err == 0)
		kind->cache = NULL;
	else
		nr_reports++;
}

static void
cache_tune(struct kind *kind, unsigned limit, unsigned batchcount,
	   unsigned shared)
{
	bool is_sound = batchcount >= 1 && batchcount <= limit;
	char text[48];
	int err;

	snprintf(text, sizeof(text), "%s %u %u %u", kind->name, limit,
		 batchcount, shared);
	err = kmem_slabinfo_write(text);
	if (!is_sound)
		FUZZ_EXPECT(err == -E_INVAL);
	else if (kind->debug != 0)
		FUZZ_EXPECT(err == -E_BUSY);
	else
		FUZZ_EXPECT(err == 0 ||
			    (err == -E_NO_MEM && failure_is_due(0)));
}

static void
reap(struct kind *kind, unsigned how)
{
	for (unsigned i = 0; i < nr_page_nodes && kind->cache != NULL; i++)
		if (how & 1)
			slab_cache_of(kind->cache)->node[i]->next_reap =
				ticks_now();
	kmem_reap();
}

static void
validate(struct kind *kind)
{
	if (kind->cache == NULL) {
		FUZZ_EXPECT(slab_validate(&slab_kernel_root));
		return;
	}
	FUZZ_EXPECT(slab_validate_cache(slab_cache_of(kind->cache)));
	FUZZ_EXPECT(slab_validate_nr_live(slab_cache_of(kind->cache)) ==
		    kind->nr_live);
}

/* -- operations ----------------------------------------------------------------------------- */

static void
run_of_new(struct kind *kind, struct fuzz_input *input)
{
	unsigned first = fuzz_byte(input), nr = fuzz_byte(input);
	unsigned how = fuzz_byte(input);

	for (unsigned i = 0; i < nr; i++) {
		struct model_slot *slot = slot_of(kind, first + i);

		if (is_kmalloc(kind))
			kmalloc_new(kind, slot, how * 8, how);
		else
			object_new(kind, slot, how);
		/* Each failure costs a shrinking of everything. */
		if (slot->state == SLOT_EMPTY)
			break;
	}
}

static void
run_of_free(struct kind *kind, struct fuzz_input *input)
{
	unsigned first = fuzz_byte(input), nr = fuzz_byte(input);

	/* Downwards or upwards. */
	for (unsigned i = 0; i < nr; i++)
		object_end(
			kind,
			&kind->slots[(nr & 1 ? first + i : first - i) % SLOTS]);
}

/* Operations on the whole machine, or on any kind. */
static void
op_on_any(enum op op, struct kind *kind, struct fuzz_input *input)
{
	struct model_slot *slot;

	switch (op) {
	case OP_ALLOC_RUN:
		run_of_new(kind, input);
		break;
	case OP_FREE_RUN:
		run_of_free(kind, input);
		break;
	case OP_FREE:
		object_end(kind, slot_of(kind, fuzz_byte(input)));
		break;
	case OP_REAP:
		reap(kind, fuzz_byte(input));
		break;
	case OP_VALIDATE:
		validate(kind);
		break;
	case OP_FAIL:
		fail_at = fuzz_byte(input) % 32;
		break;
	case OP_HOARD:
		fuzz_hoard(fuzz_byte(input));
		break;
	case OP_LOOK:
		/* And prosperity comes back. */
		fuzz_hoard(SIZE_MAX);
		slot = slot_of(kind, fuzz_byte(input));
		if (slot->state == SLOT_FULL)
			model_look(slot);
		break;
	default:
		break;
	}
}

static void
op_on_kmalloc(enum op op, struct kind *kind, struct fuzz_input *input)
{
	struct model_slot *slot;
	unsigned byte;
	size_t size;

	switch (op) {
	case OP_ALLOC:
		slot = slot_of(kind, fuzz_byte(input));
		size = any_size(input);
		kmalloc_new(kind, slot, size, fuzz_byte(input));
		break;
	case OP_REALLOC:
		slot = slot_of(kind, fuzz_byte(input));
		size = any_size(input);
		kmalloc_move(kind, slot, size, fuzz_byte(input));
		break;
	case OP_SHRINK:
		(void)kmem_shrink();
		break;
	case OP_TUNE:
		/* Nobody tunes kmalloc: another's letters instead. */
		byte = fuzz_byte(input);
		debug_switch(&kinds[byte % NR_NAMED], byte >> 4);
		break;
	default:
		op_on_any(op, kind, input);
	}
}

static void
op_on_cache(enum op op, struct kind *kind, struct fuzz_input *input)
{
	unsigned a, b;

	switch (op) {
	case OP_ALLOC:
		a = fuzz_byte(input);
		object_new(kind, slot_of(kind, a), fuzz_byte(input));
		break;
	case OP_BULK_ALLOC:
		a = fuzz_byte(input);
		b = fuzz_byte(input);
		bulk_alloc(kind, a, b, fuzz_byte(input));
		break;
	case OP_BULK_FREE:
		a = fuzz_byte(input);
		bulk_free(kind, a, fuzz_byte(input));
		break;
	case OP_SHRINK:
		(void)kmem_cache_shrink(kind->cache);
		break;
	case OP_DESTROY:
		cache_destroy(kind);
		break;
	case OP_TUNE:
		a = fuzz_byte(input);
		b = fuzz_byte(input);
		cache_tune(kind, a, b, fuzz_byte(input) % 16);
		break;
	default:
		op_on_any(op, kind, input);
	}
}

static void
op_run(struct fuzz_input *input)
{
	unsigned byte = fuzz_byte(input);
	struct kind *kind = &kinds[(byte >> 4) % NR_KINDS];
	enum op op = (enum op)(byte % NR_OPS);

	may_fail = fail_at != 0;
	failpoint_arm(fail_at);
	fail_at = 0;
	if (op == OP_CREATE && !is_kmalloc(kind)) {
		unsigned word = fuzz_word(input);

		cache_create(kind, word, fuzz_byte(input));
	} else if (!is_open(kind)) {
		/* Fewer inputs that do nothing. */
		cache_create(kind, byte, 0);
	} else if (is_kmalloc(kind)) {
		op_on_kmalloc(op, kind, input);
	} else {
		op_on_cache(op, kind, input);
	}
	(void)failpoint_disarm();
	may_fail = false;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	fuzz_machine_start();
	FUZZ_EXPECT(model_start((size_t)NR_KINDS * SLOTS));
	for (unsigned i = 0; i < NR_KINDS; i++) {
		kinds[i].slots = model_slots + (size_t)i * SLOTS;
		snprintf(kinds[i].name, sizeof(kinds[i].name), "fuzz-%u", i);
	}
	kinds[NR_NAMED].align = KMALLOC_ALIGN;
	fuzz_rest_remember();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, data + size };

	nr_reports = 0;
	how_begin(fuzz_byte(&input));
	for (unsigned i = 0; i < OPS_MAX && !fuzz_is_over(&input); i++)
		op_run(&input);
	fail_at = 0;
	for (unsigned i = 0; i < NR_KINDS; i++) {
		validate(&kinds[i]);
		for (unsigned s = 0; s < SLOTS; s++)
			object_end(&kinds[i], &kinds[i].slots[s]);
		if (kinds[i].cache != NULL)
			cache_destroy(&kinds[i]);
	}
	fuzz_hoard(SIZE_MAX);
	how_end();
	fuzz_rest_expect(nr_reports, true);
	return 0;
}
