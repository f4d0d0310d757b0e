/*
 * The check of flushes between CPUs: pages that are unmapped get new owners at once,
 * while threads on all CPUs go on writing to where they were.
 *
 * MODEL.  A lot is a few pages that are owned together. Threads on all CPUs share two
 * spaces, and each thread does this again and again:
 *
 *	takes a lot whose pages nobody maps (page_ref is 1)
 *	private: fills the pages, pokes, looks whether they are as it filled them
 *	shared:  maps them, pokes; they stay mapped until the next lot is
 *	lets go: says so, and unmaps them in one batch
 *
 * To poke is to write, through the user accessor, to a random address of any lot in
 * the space that the thread has: it hits what somebody has mapped there, or faults. A
 * CPU thus remembers pages of all lots.
 *
 * A lot may be taken as soon as the mappings' references are gone, by any thread on
 * any CPU, though the one that lets go is not yet back from unmapping. So if any CPU
 * still writes to a page when its reference drops, it writes to a page that another
 * thread has filled and looks at, or that has been freed and allocated again (every
 * few rounds) and filled. Under ThreadSanitizer the two accesses are a finding, too.
 *
 * Each thread writes to bytes of its own in each page, so that only the kernel's
 * mistakes are races.
 */
#include <kernel/check.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/space.h>
#include <kernel/string.h>
#include <arch/user.h>

#include "check_kmem.h"
#include "check_threads.h"

#define ROUNDS_DEFAULT 10000
#define THREADS_PER_CPU 2
#define THREADS_MAX (THREADS_PER_CPU * MAX_CPUS)
#define NR_SPACES 2

#define PAGES_PER_LOT 4
#define LOTS_PER_THREAD 3
#define LOTS_MAX (LOTS_PER_THREAD * THREADS_MAX)

#define USER_VA ((uintptr_t)0x01000000)
#define FLAGS (MAP_READ | MAP_WRITE | MAP_USER)

/* Every so many rounds a thread changes its space, yields, or gives its pages back for
 * others. Powers of two. */
#define ROUNDS_PER_SPACE 8
#define ROUNDS_PER_YIELD 16
#define ROUNDS_PER_PAGE 4
#define POKES 8

/* Where a thread's random numbers begin; not 0. */
#define RANDOM_START 2463534242u

/* The bytes of one thread in a page, and those of all. */
struct poke {
	unsigned words[4];
};
#define FILLED_BYTES (THREADS_MAX * sizeof(struct poke))
BUILD_ASSERT(FILLED_BYTES <= 4096);

/* A lot's state: how often it was let go, and whether it is somebody's. */
#define LOT_TAKEN 1u
#define LOT_TURN 2u

struct lot {
	unsigned state;			   /* atomic */
	struct page *pages[PAGES_PER_LOT]; /* changed by its owner, read by all */
} __cacheline_aligned;

static struct lot lots[LOTS_MAX];
static struct space spaces[NR_SPACES];
static unsigned nr_lots;
static unsigned long rounds_wanted, seed;
static unsigned long nr_rounds, nr_hits, nr_misses, nr_wrong; /* atomic */

struct stress_thread {
	unsigned number;
	unsigned random;
	unsigned space;	 /* index of the one that it has */
	bool has_mapped; /* a lot of an earlier round: */
	unsigned mapped, mapped_in;
	unsigned long nr_hits, nr_misses;
};

/* xorshift: good enough to go everywhere. */
static unsigned
random_below(struct stress_thread *self, unsigned n)
{
	self->random ^= self->random << 13;
	self->random ^= self->random >> 17;
	self->random ^= self->random << 5;
	return self->random % n;
}

static uintptr_t
lot_va(unsigned lot)
{
	return USER_VA + (uintptr_t)lot * PAGES_PER_LOT * PAGE_SIZE;
}

/* -- taking and letting go ---------------------------------------------------------- */

static bool
lot_is_unmapped(const struct lot *lot)
{
	for (unsigned i = 0; i < PAGES_PER_LOT; i++)
		if (page_ref(atomic_load_relaxed(&lot->pages[i])) != 1)
			return false;
	return true;
}

/* Some lot that nobody has, from a random one on. A thread has two at most, so there
 * is one; but those that are let go may still be mapped. */
static unsigned
lot_take(struct stress_thread *self)
{
	unsigned i = random_below(self, nr_lots);

	for (;; i = (i + 1) % nr_lots) {
		unsigned state = atomic_load(&lots[i].state);

		if (!(state & LOT_TAKEN) && lot_is_unmapped(&lots[i]) &&
		    atomic_compare_exchange(&lots[i].state, &state,
					    state | LOT_TAKEN))
			return i;
		arch_cpu_relax();
	}
}

/* From here on it belongs to whoever sees it unmapped. */
static void
lot_let_go(struct lot *lot)
{
	unsigned state = atomic_load_relaxed(&lot->state);

	atomic_store(&lot->state, (state & ~LOT_TAKEN) + LOT_TURN);
}

/* -- what is done to it --------------------------------------------------------------- */

static void
poke(struct stress_thread *self)
{
	struct poke value;
	unsigned page = random_below(self, nr_lots * PAGES_PER_LOT);
	uintptr_t va =
		USER_VA + page * PAGE_SIZE + self->number * sizeof(struct poke);

	for (unsigned i = 0; i < ARRAY_SIZE(value.words); i++)
		value.words[i] = self->random;
	if (arch_copy_to_user(va, &value, sizeof(value)) == 0)
		self->nr_hits++;
	else
		self->nr_misses++;
}

static void
poke_often(struct stress_thread *self)
{
	for (unsigned i = 0; i < POKES; i++)
		poke(self);
}

static void
fill(struct lot *lot, int byte)
{
	for (unsigned i = 0; i < PAGES_PER_LOT; i++)
		memset(page_to_virt(lot->pages[i]), byte, FILLED_BYTES);
}

static void
expect_filled(const struct lot *lot, int byte)
{
	const unsigned word = (unsigned)byte * 0x01010101u;

	for (unsigned i = 0; i < PAGES_PER_LOT; i++) {
		const unsigned *words = page_to_virt(lot->pages[i]);

		for (unsigned n = 0; n < FILLED_BYTES / sizeof(*words); n++)
			if (words[n] != word)
				(void)atomic_add(&nr_wrong, 1ul);
	}
}

/* Other pages for these, which others allocate. */
static void
exchange_pages(struct lot *lot)
{
	for (unsigned i = 0; i < PAGES_PER_LOT; i++) {
		struct page *page = alloc_page(GFP_KERNEL);

		if (page == NULL)
			return;
		free_page(lot->pages[i]);
		atomic_store_relaxed(&lot->pages[i], page);
	}
}

static void
map(struct stress_thread *self, unsigned nr)
{
	for (unsigned i = 0; i < PAGES_PER_LOT; i++)
		if (page_insert(&spaces[self->space], lots[nr].pages[i],
				lot_va(nr) + i * PAGE_SIZE, FLAGS) != 0)
			(void)atomic_add(&nr_wrong, 1ul);
}

/* The lot of the round before. */
static void
unmap(struct stress_thread *self)
{
	uintptr_t va = lot_va(self->mapped);

	if (!self->has_mapped)
		return;
	self->has_mapped = false;
	lot_let_go(&lots[self->mapped]);
	space_unmap(&spaces[self->mapped_in], va,
		    va + PAGES_PER_LOT * PAGE_SIZE);
}

static void
one_round(struct stress_thread *self, unsigned long round)
{
	unsigned nr = lot_take(self);
	struct lot *lot = &lots[nr];
	int byte = (int)random_below(self, 256);

	if (round % ROUNDS_PER_PAGE == 0)
		exchange_pages(lot);
	fill(lot, byte);
	poke_often(self);
	if (round % ROUNDS_PER_YIELD == 0)
		yield();
	expect_filled(lot, byte);
	map(self, nr);
	poke_often(self);
	unmap(self);
	self->has_mapped = true;
	self->mapped = nr;
	self->mapped_in = self->space;
	if (round % ROUNDS_PER_SPACE == 0) {
		space_unuse();
		self->space = random_below(self, NR_SPACES);
		space_use(&spaces[self->space]);
	}
}

static int
thread_stress(void *arg)
{
	unsigned number = (unsigned)(uintptr_t)arg;
	struct stress_thread self = { .number = number,
				      .random = RANDOM_START + number +
						THREADS_MAX * (unsigned)seed };

	space_use(&spaces[0]);
	while (atomic_load_relaxed(&nr_wrong) == 0) {
		unsigned long round = atomic_add(&nr_rounds, 1ul);

		if (round > rounds_wanted)
			break;
		one_round(&self, round);
	}
	unmap(&self);
	space_unuse();
	(void)atomic_add(&nr_hits, self.nr_hits);
	(void)atomic_add(&nr_misses, self.nr_misses);
	return 0;
}

/* -- the check ------------------------------------------------------------------------- */

static bool
lots_create(void)
{
	for (unsigned i = 0; i < nr_lots; i++)
		for (unsigned n = 0; n < PAGES_PER_LOT; n++) {
			struct page *page = alloc_page(GFP_KERNEL);

			if (page == NULL)
				return false;
			lots[i].pages[n] = page;
		}
	return true;
}

static void
lots_destroy(void)
{
	for (unsigned i = 0; i < nr_lots; i++)
		for (unsigned n = 0; n < PAGES_PER_LOT; n++) {
			struct page *page = lots[i].pages[n];

			if (page == NULL)
				continue;
			EXPECT_EQ(page_ref(page), 1);
			free_page(page);
			lots[i].pages[n] = NULL;
		}
}

static void
run_threads(void)
{
	unsigned nr_threads = THREADS_PER_CPU * nr_cpus;
	struct tlb_stats before = tlb_stats_take(), after;

	for (unsigned i = 0; i < nr_threads; i++)
		EXPECT(kernel_thread_on(i % nr_cpus, "stress", thread_stress,
					(void *)(uintptr_t)i) > 1);
	while (do_wait(0, NULL) > 0)
		;
	after = tlb_stats_take();
	EXPECT_EQ(nr_wrong, 0);
	EXPECT(nr_rounds > rounds_wanted);
	/* It happened. */
	EXPECT(nr_hits > rounds_wanted && nr_misses > rounds_wanted);
	if (nr_cpus > 1)
		EXPECT(after.nr_asked - before.nr_asked > rounds_wanted / 8);
	printk("# tlb_cpus: %lu rounds, seed %lu, by %u threads on %u CPUs; %lu "
	       "pokes hit, %lu missed\n",
	       rounds_wanted, seed, nr_threads, nr_cpus, nr_hits, nr_misses);
	printk("# tlb_cpus: %lu requests between CPUs; %lu flushes of ranges, "
	       "%lu of spaces, %lu had nothing to do\n",
	       after.nr_asked - before.nr_asked,
	       after.nr_ranges - before.nr_ranges,
	       after.nr_whole - before.nr_whole,
	       after.nr_skipped - before.nr_skipped);
}

void
check_tlb_cpus(void)
{
	struct quiet_state before = quiet_state_take();

	rounds_wanted = check_arg("rounds", ROUNDS_DEFAULT);
	seed = check_arg("seed", 1);
	nr_lots = LOTS_PER_THREAD * THREADS_PER_CPU * nr_cpus;
	nr_rounds = nr_hits = nr_misses = nr_wrong = 0;
	if (!EXPECT_EQ(space_create(&spaces[0]), 0))
		return;
	if (EXPECT_EQ(space_create(&spaces[1]), 0)) {
		if (EXPECT(lots_create()))
			run_threads();
		lots_destroy();
		EXPECT_EQ(spaces[1].cpus, 0);
		space_destroy(&spaces[1]);
	}
	EXPECT_EQ(spaces[0].cpus, 0);
	space_destroy(&spaces[0]);
	quiet_state_expect(&before);
}
