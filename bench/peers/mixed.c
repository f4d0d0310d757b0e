/* Longer lives: as bench/bench_mixed.c and bench/bench_construct.c. */
#include "peer.h"

/* -- replacement ----------------------------------------------------------------------- */

#define SLOTS 10000
#define SMALLEST 16
#define LARGEST 2048
#define REPLACEMENTS 10000

static struct {
	struct peer_row row;
	unsigned state;
	void *slots[SLOTS];
} replace;

static inline void
put_object(unsigned slot)
{
	unsigned range = LARGEST - SMALLEST + 1;
	size_t size = SMALLEST + random_below(&replace.state, range);
	unsigned *object = allocate(size);

	replace.slots[slot] = object;
	*object = slot;
}

static void
replacements(void *unused)
{
	(void)unused;
	for (unsigned i = 0; i < REPLACEMENTS; i++) {
		unsigned slot = random_below(&replace.state, SLOTS);

		free(replace.slots[slot]);
		put_object(slot);
	}
}

static void
measure_replace(void)
{
	peer_row_init(&replace.row, REPLACEMENTS, "malloc.replace");
	if (!replace.row.is_wanted)
		return;
	replace.state = 1;
	for (unsigned slot = 0; slot < SLOTS; slot++)
		put_object(slot);
	peer_measure(&replace.row, replacements, NULL);
	for (unsigned slot = 0; slot < SLOTS; slot++)
		free(replace.slots[slot]);
}

/* -- objects that are initialised by hand ------------------------------------------- */

#define NR_LISTS 12
#define NR_COUNTERS 8
#define THINGS 100
#define LIVES 1000

struct list {
	struct list *prev, *next;
};

struct thing {
	struct list lists[NR_LISTS];
	unsigned counters[NR_COUNTERS];
};

static inline void
list_init(struct list *list)
{
	list->prev = list->next = list;
}

static inline void
list_add(struct list *head, struct list *elm)
{
	elm->prev = head;
	elm->next = head->next;
	head->next->prev = elm;
	head->next = elm;
}

static inline void
list_del(struct list *elm)
{
	elm->prev->next = elm->next;
	elm->next->prev = elm->prev;
	list_init(elm);
}

static inline void
thing_init(struct thing *thing)
{
	for (unsigned i = 0; i < NR_LISTS; i++)
		list_init(&thing->lists[i]);
	for (unsigned i = 0; i < NR_COUNTERS; i++)
		thing->counters[i] = 0;
}

static void
generation(void)
{
	static struct thing *things[THINGS];
	struct list head;

	list_init(&head);
	for (unsigned i = 0; i < THINGS; i++) {
		struct thing *thing = allocate(sizeof(*thing));

		things[i] = thing;
		thing_init(thing);
		list_add(&head, &thing->lists[0]);
		thing->counters[0]++;
		list_del(&thing->lists[0]);
		thing->counters[0]--;
	}
	for (unsigned i = 0; i < THINGS; i++)
		free(things[i]);
}

static void
lives(void *unused)
{
	(void)unused;
	for (unsigned i = 0; i < LIVES / THINGS; i++)
		generation();
}

/* -- the walk --------------------------------------------------------------------------- */

#define WALK_OBJECTS 256
#define STEPS (40 * WALK_OBJECTS)

static void
walk_steps(void *arg)
{
	void ***position = arg, **object = *position;

	for (unsigned i = 0; i < STEPS; i++) {
		object = *object;
		__asm__ volatile("" : "+r"(object));
	}
	*position = object;
}

static void
walk(size_t size)
{
	static struct peer_row row;
	static unsigned order[WALK_OBJECTS];
	static void *objects[WALK_OBJECTS];
	void **position;

	peer_row_init(&row, STEPS, "malloc.walk.%zu", size);
	if (!row.is_wanted)
		return;
	for (unsigned i = 0; i < WALK_OBJECTS; i++)
		objects[i] = allocate(size);
	shuffle(order, WALK_OBJECTS);
	for (unsigned i = 0; i < WALK_OBJECTS; i++)
		*(void **)objects[order[i]] =
			objects[order[(i + 1) % WALK_OBJECTS]];
	position = objects[0];
	peer_measure(&row, walk_steps, &position);
	for (unsigned i = 0; i < WALK_OBJECTS; i++)
		free(objects[i]);
}

void
peer_mixed(void)
{
	static const size_t walk_sizes[] = { 192, 512, 1000, 2048 };
	static struct peer_row row;

	measure_replace();
	peer_row_init(&row, LIVES, "malloc.reinitialised");
	peer_measure(&row, lives, NULL);
	for (unsigned i = 0; i < sizeof(walk_sizes) / sizeof(walk_sizes[0]);
	     i++)
		walk(walk_sizes[i]);
}
