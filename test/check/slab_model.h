/*
 * What a caller of the object allocator may rely on, written down as data:
 * slab_model.c keeps it, check_slab_model.c acts on it.
 */
#ifndef SLAB_MODEL_H
#define SLAB_MODEL_H

#include <kernel/kmalloc.h>
#include <kernel/timer.h>

/* One object that the test has, or may have. */
struct model_slot {
	unsigned state; /* atomic, enum model_slot_state */
	/* Of the object; by whoever holds the slot. */
	unsigned seed;	/* of its contents */
	unsigned asked; /* bytes asked for */
	unsigned bytes; /* that may be used */
	unsigned char *at;
};

enum model_slot_state {
	SLOT_EMPTY,
	SLOT_FULL,
	SLOT_HELD, /* by one thread or interrupt */
};

/* How objects were asked for. */
struct model_wish {
	size_t size;   /* at least so many bytes */
	size_t align;  /* at least so aligned */
	unsigned node; /* of this node; NODE_ANY: of any */
	bool zeroed;
	bool constructed; /* by model_construct, with this size */
};

/* Memory for nr slots and for the map of all RAM. false: there is none. */
bool model_start(size_t nr_slots) __must_check;
void model_end(void);
/* Constant from model_start to model_end. */
extern struct model_slot *model_slots;

/* Takes the slot unless somebody holds it: SLOT_HELD, then nothing has happened.
 * Else what was in it. Any context; never waits. */
enum model_slot_state model_slot_take(struct model_slot *slot);
/* Gives it back with that in it. */
void model_slot_give(struct model_slot *slot, enum model_slot_state state);

/*
 * An object came: is it what was wished for, and nobody else's? It is filled with
 * contents of this seed from now on. Slot held.
 */
void model_born(struct model_slot *slot, void *object,
		const struct model_wish *wish, unsigned seed);
/* It should be as it was left. Slot held. */
void model_look(const struct model_slot *slot);
/* It goes: looked at, taken out, constructed again if it was. Returns it. */
void *model_dies(struct model_slot *slot, bool constructed);
/* The same object moved (krealloc) after model_dies, and has size bytes now. */
void model_moved(struct model_slot *slot, void *object,
		 const struct model_wish *wish, unsigned seed);

/* What a constructor of the test makes of an object of so many bytes; and what a
 * destructor must find. */
void model_construct(void *object, size_t bytes);
void model_destruct(void *object, size_t bytes);

/* Says and counts that something is not as documented; the first few are
 * printed. Any context. */
void model_wrong(const char *what, const void *object, unsigned long value);
unsigned long model_nr_wrong(void);

/* A failure to allocate is one of the allocator's: so much is free. */
bool model_memory_is_plenty(void);

/* -- slab_model_kinds.c: the caches ------------------------------------------------ */

/* Objects of one cache, or of kmalloc. */
struct model_kind {
	char name[16];
	size_t size;	      /* of each; largest of kmalloc */
	size_t align;	      /* what is asked for; 0: the word's */
	void (*ctor)(void *); /* or NULL */
	void (*dtor)(void *); /* or NULL */
	unsigned flags;
	unsigned nr_slots;

	struct kmem_cache *cache; /* NULL: kmalloc */
	struct model_slot *slots;
	bool comes_and_goes;
	unsigned state; /* atomic, enum model_kind_state */
	unsigned users; /* atomic: who is at work with it, if it comes and goes */
};

enum model_kind_state {
	KIND_CLOSED,
	KIND_OPEN,
	KIND_CHANGES
};

#define MODEL_MAX_KINDS 24
extern struct model_kind model_kinds[MODEL_MAX_KINDS];
extern unsigned model_nr_kinds;

/* The table with its slots and caches, those that come and go closed. false: no
 * memory. */
bool model_kinds_start(void) __must_check;
/* All objects freed, all caches destroyed, all memory back. */
void model_kinds_end(void);

/* Until model_kind_leave the kind stays open. false: it is not. Any context. */
bool model_kind_enter(struct model_kind *kind) __must_check;
void model_kind_leave(struct model_kind *kind);

/* Creates or destroys a cache, tunes one, whichever `dice` says. May sleep. */
void model_kinds_change(unsigned dice);
void model_kinds_tune(unsigned dice);

unsigned model_kind_nr_full(const struct model_kind *kind);

/* -- slab_model_walk.c: a quiet moment ------------------------------------------------ */

/* Looks at everything while nobody touches it: objects, counts, slabinfo.
 * Whether all is well; says what is not. */
bool model_kinds_walk(void) __must_check;

/* -- slab_model_act.c: operations ----------------------------------------------------- */

/* Who acts: a thread, or the interrupts of a CPU. */
struct model_actor {
	unsigned random;
	gfp_t gfp;
	bool is_growing;
	unsigned long nr_ops; /* done */
	unsigned long share;  /* to do in this round */
	struct timer timer;   /* of interrupts */
} __cacheline_aligned;

/* In [0, n), n at most 2^16. */
unsigned model_random(struct model_actor *actor, unsigned n);
/* One operation. Any context; sleeps if gfp says so. */
void model_act(struct model_actor *actor);

#endif /* SLAB_MODEL_H */
