/*
 * What a report of slab's debugging says:
 *
 *	slab: BUG in cache kmalloc-64: right red zone overwritten
 *	  object 0xc0345040, 50 of 64 bytes, number 3 of slab 0xc0345000 (29 objects, 5 out)
 *	  found by thread init, pid 1, on CPU 0, at tick 17
 *	  #0 ...
 *	  allocated by thread run, pid 4, on CPU 0, at tick 16
 *	  #0 ...
 *	  freed by ...
 *	  0xc0345060: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
 *	  0xc0345070: 00 00[41]cc cc cc cc cc cc cc cc cc cc cc cc cc
 *	  restored
 *
 * ("50 of": what kmalloc was asked for, if that is less and known.)
 *
 * The wrong bytes stand in brackets. Bytes of an object that someone else owns are
 * not shown: he may be writing them.
 */

#include "debug.h"

#include <kernel/printk.h>

#define ROW 16u
#define ROWS_MAX 8u
/* Around the wrong bytes. */
#define AROUND 16u
#define DEPTH 16

/* Bytes from `from` on, those in [bad, bad_end) marked. */
static void
say_row(const unsigned char *from, const struct slab_bug *bug,
	const unsigned char *end)
{
	char text[4 * ROW + 1];
	size_t n = 0;
	bool was_bad = false;

	for (unsigned i = 0; i < ROW && from + i < end; i++) {
		bool is_bad = from + i >= bug->bad && from + i < bug->bad_end;
		char mark = is_bad && !was_bad	 ? '['
			    : was_bad && !is_bad ? ']'
						 : ' ';

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%c%02x",
				      mark, from[i]);
		was_bad = is_bad;
	}
	kmem_say("  0x%08lx:%s%s", (unsigned long)(uintptr_t)from, text,
		 was_bad ? "]" : "");
}

/* The object's place with its red zones, or the part of it where the bytes are
 * that are wrong. */
static void
say_bytes(const struct slab_bug *bug)
{
	const struct slab_layout *layout = &bug->cache->layout;
	unsigned index = slab_index(bug->cache, bug->slab, bug->pointer);
	const unsigned char *low =
		slab_object_at(bug->cache, bug->slab, index) - layout->red_size;
	const unsigned char *high = low + layout->size, *from = low;

	if (layout->red_size == 0)
		high = low + bug->cache->base.object_size;
	if (bug->bad != NULL && bug->bad >= low + AROUND)
		from = bug->bad - AROUND;
	from = (const unsigned char *)ALIGN_DOWN((uintptr_t)from, ROW);
	from = MAX(from, low);
	for (unsigned row = 0; row < ROWS_MAX && from < high; row++) {
		say_row(from, bug, high);
		if (bug->bad != NULL && from >= bug->bad_end + AROUND)
			break;
		from += ROW;
	}
}

void
slab_track_print(const char *what, const struct slab_track *track)
{
	if (track->pid < 0)
		return;
	kmem_say("  %s by thread %s, pid %d, on CPU %u, at tick %lu", what,
		 track->name, track->pid, track->cpu, track->when);
	kmem_say_backtrace(track->pcs, SLAB_TRACK_DEPTH);
}

static void
say_object(const struct slab_bug *bug)
{
	struct slab_cache *cache = bug->cache;
	unsigned index = slab_index(cache, bug->slab, bug->pointer);
	const unsigned char *object = slab_object_at(cache, bug->slab, index);
	const unsigned char *pointer = bug->pointer;
	size_t size = cache->base.object_size;
	size_t asked = slab_asked_size(cache, bug->slab, object);
	char part[24] = "";

	if (asked != size)
		snprintf(part, sizeof(part), "%zu of ", asked);
	if (pointer != object)
		kmem_say("  pointer %p is %ld bytes into an object",
			 bug->pointer, (long)(pointer - object));
	kmem_say("  object %p, %s%zu bytes, number %u of slab %p (%u objects, "
		 "%u out)",
		 (const void *)object, part, size, index,
		 (const void *)slab_base(cache, bug->slab), cache->layout.num,
		 bug->slab->inuse);
}

static void
say_finder(void)
{
	uintptr_t pcs[DEPTH];
	unsigned nr = env_backtrace(pcs, ARRAY_SIZE(pcs));

	kmem_say("  found by thread %s, pid %d, on CPU %u, at tick %lu",
		 env_thread_name(), env_thread_pid(), env_cpu(), env_ticks());
	kmem_say_backtrace(pcs, nr);
}

static void
say_users(const struct slab_bug *bug)
{
	unsigned index = slab_index(bug->cache, bug->slab, bug->pointer);
	const struct slab_note *note = slab_note(bug->cache, bug->slab, index);

	if (note == NULL || !(slab_debug(bug->cache) & SLAB_STORE_USER)) {
		kmem_say("  its users are not known (U is off)");
		return;
	}
	slab_track_print("allocated", &note->alloc);
	slab_track_print(bug->is_free ? "freed" : "freed, before that,",
			 &note->free);
}

void
slab_bug_report(const struct slab_bug *bug)
{
	irq_state_t state = kmem_report_begin("slab: BUG in cache %s: %s",
					      bug->cache->base.name, bug->what);

	if (bug->slab != NULL)
		say_object(bug);
	else
		kmem_say("  pointer %p", bug->pointer);
	say_finder();
	if (bug->slab != NULL) {
		say_users(bug);
		say_bytes(bug);
	}
	kmem_say("  %s", bug->outcome);
	kmem_report_end(state);
}

const char *
slab_debug_letters(unsigned debug, char *buf)
{
	buf[0] = debug & SLAB_CONSISTENCY_CHECKS ? 'F' : '-';
	buf[1] = debug & SLAB_RED_ZONE ? 'Z' : '-';
	buf[2] = debug & SLAB_POISON ? 'P' : '-';
	buf[3] = debug & SLAB_STORE_USER ? 'U' : '-';
	buf[4] = '\0';
	return buf;
}
