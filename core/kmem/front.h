/*
 * What a back end and the front (kmalloc.c, cache.c) give each other.
 */
#ifndef KMEM_FRONT_H
#define KMEM_FRONT_H

#include <kernel/kmem.h>
#include <kernel/list.h>

#include "env.h"

/* 23 characters and a NUL. */
#define KMEM_NAME_LEN 23

/* Largest object of a named cache; kmalloc has no limit but memory. */
#define KMEM_CACHE_SIZE_MAX ((size_t)4 << 20)

/*
 * What the front knows of a cache. A back end's own cache structure begins
 * with it. All is constant from creation to destruction, but for
 *   (b)  the back end's: it lets stack[n] lead to an open stack or the closed one, on
 *	  CPU n with interrupts off; the front reads it in restartable ranges
 *   (k)  under the instance's caches_lock
 */
struct kmem_cache {
	/* Free objects, a stack for each CPU, which the front uses before it asks
	 * the back end, (b). Nothing goes through one that is closed. */
	struct cpu_stack *stack[MAX_CPUS];
	char name[KMEM_NAME_LEN + 1];
	size_t object_size; /* what was asked for */
	size_t align;	    /* a power of two, at least the word's */
	unsigned flags;	    /* enum slab_flags */
	void (*ctor)(void *);
	void (*dtor)(void *);
	const struct kmem_ops *ops; /* of the back end */
	struct kmem *kmem;	    /* the instance that it belongs to */
	struct list link;	    /* (k) in the instance's list of caches */
};

/* No object comes out of it, and none goes in. */
extern struct cpu_stack kmem_closed_stack;
/* All operations on this cache go to the back end. */
void kmem_stacks_close(struct kmem_cache *cache);

/*
 * A sheaf: objects in an array that goes from hand to hand as a whole. They are
 * entry[1 .. nr]; entry[0] is the NULL below them. One owner at a time.
 */
struct kmem_sheaf {
	struct kmem_sheaf *next; /* in a list of the back end's */
	unsigned nr;
	unsigned capacity; /* (c) */
	void *entry[];
};

/* Sizes up to this are served by a table of caches, in steps. */
#define KMEM_TABLE_MAX 2048
#define KMEM_TABLE_STEP 32
#define KMEM_TABLE_NR (KMEM_TABLE_MAX / KMEM_TABLE_STEP)

/*
 * An instance: a back end and all its state. It is constant from its start to its end,
 * but for what has a key:
 *   (k)  caches_lock
 *   (a)  instances_lock (kmem.c)
 */
struct kmem {
	/* Which cache kmalloc takes objects from, by (size - 1) / KMEM_TABLE_STEP; one
	 * whose stacks are closed where the back end has none. NULL while it starts:
	 * there is none yet. */
	struct kmem_cache *table[KMEM_TABLE_NR];
	const struct kmem_ops *ops;
	void (*kfree)(struct kmem *kmem, void *ptr); /* ops->kfree, at hand */
	void *state;				     /* the back end's */
	char name[KMEM_NAME_LEN + 1];
	size_t nr_pages; /* that this structure and the state lie in */

	struct spinlock caches_lock;
	struct list caches; /* (k) named ones */

	struct list link; /* (a) all instances */
	unsigned nr_pins; /* (a) walkers that stand here */
	bool is_ending;	  /* (a) walkers pass over it */
};

/*
 * A back end: one entry of the table in backends.c. The front has checked the
 * arguments: no size is 0, no pointer NULL or ZERO_SIZE_PTR. Each function
 * takes its own locks; any context, but for gfp, start, stop and creation.
 */
struct kmem_ops {
	const char *name;
	const char *description;
	size_t state_size;
	void *kernel_state; /* the kernel's instance has this; zeroed */

	/* Makes a zeroed kmem->state a back end; pages work. Fills kmem->table with
	 * caches for kmalloc(KMEM_TABLE_STEP * i + 1) and so on, if it has caches with
	 * stacks: an object of theirs lies in pages of kind PAGE_SLAB, with
	 * owner.cache. (All other pages that objects lie in are of kind PAGE_SLOB or
	 * PAGE_BIG, and owner.cache is the instance.) 0, -E_INVAL or -E_NO_MEM; then
	 * every page is back. May sleep. */
	int (*start)(struct kmem *kmem, const struct kmem_args *args);
	/* Whether objects are out that are not the back end's own. Nobody uses the
	 * instance meanwhile. May sleep. */
	bool (*is_used)(struct kmem *kmem);
	/* Gives every page back. Nothing is used, and named caches have ended. May
	 * sleep. */
	void (*stop)(struct kmem *kmem);

	/* Aligned to KMALLOC_ALIGN; obeys __GFP_ZERO. NULL: no memory. Called
	 * when the stack of a table's cache is empty, too. */
	void *(*kmalloc_in)(struct kmem *kmem, size_t size, gfp_t gfp);
	/* The same, in the kernel's instance: its addresses are constants. */
	void *(*kmalloc)(size_t size, gfp_t gfp);
	void (*kfree)(struct kmem *kmem, void *ptr);
	size_t (*ksize)(struct kmem *kmem, const void *ptr);
	/* The caller goes on with size bytes at ptr, no more than ksize said.
	 * May be NULL: nobody wants to know. */
	void (*kresize)(void *ptr, size_t size);

	/* A cache as *wanted describes it (link unset), in wanted->kmem. NULL: no
	 * memory. */
	struct kmem_cache *(*cache_create)(const struct kmem_cache *wanted);
	/* A constructed object; __GFP_ZERO only if there is no ctor. Called
	 * when there is none in the stack. */
	void *(*cache_alloc)(struct kmem_cache *cache, gfp_t gfp);
	/* Called when the stack has no room. */
	void (*cache_free)(struct kmem_cache *cache, void *object);
	/* Debug builds: whether this is an object of the cache. May be NULL. */
	bool (*cache_owns)(const struct kmem_cache *cache, const void *object);
	/* These may be NULL: the front does without. */
	void *(*cache_alloc_node)(struct kmem_cache *cache, gfp_t gfp,
				  unsigned node);
	bool (*cache_alloc_bulk)(struct kmem_cache *cache, gfp_t gfp, size_t nr,
				 void *objects[]);
	void (*cache_free_bulk)(struct kmem_cache *cache, size_t nr,
				void *objects[]);
	/* For kmem_cache_prefill_sheaf: a sheaf with room for nr, as full as it
	 * comes without effort. NULL: none (the front makes one). */
	struct kmem_sheaf *(*sheaf_get)(struct kmem_cache *cache, unsigned nr);
	/* Takes it back with what is in it; false: it is not from here. May be
	 * NULL if sheaf_get is. */
	bool (*sheaf_put)(struct kmem_cache *cache, struct kmem_sheaf *sheaf);
	size_t (*cache_shrink)(struct kmem_cache *cache);
	/* Frees the descriptor too. 0, or -E_BUSY and nothing has changed; then
	 * *nr_live says how many objects are out. */
	int (*cache_destroy)(struct kmem_cache *cache, size_t *nr_live);

	/* Everything that is wholly free goes back; returns pages freed. */
	size_t (*shrink)(struct kmem *kmem);
	/* This CPU's part of what kmem_reap does; may be NULL. */
	void (*reap)(struct kmem *kmem);
	/* As kmem_slabinfo_read and _write; may be NULL. */
	int (*slabinfo_read)(struct kmem *kmem,
			     void (*fn)(const char *line, void *arg), void *arg,
			     bool statistics);
	int (*slabinfo_write)(struct kmem *kmem, const char *text);
	/* kmem_failslab_*; NULL: it has nothing that could. */
	int (*failslab_write)(struct kmem *kmem, const char *text);
	void (*failslab_print)(struct kmem *kmem);
	/* kmem_debug_* and kmem_leaks_*; may be NULL, all of a group. */
	int (*debug_set)(struct kmem *kmem, const char *name,
			 const char *letters);
	int (*debug_read)(struct kmem *kmem,
			  void (*fn)(const char *line, void *arg), void *arg);
	int (*debug_scan)(struct kmem *kmem, const char *name);
	void (*debug_report_unknown)(struct kmem *kmem);
	int (*leaks_begin)(struct kmem *kmem);
	int (*leaks_scan)(void (*roots)(void));
	void (*leaks_root)(const void *from, const void *to);
	size_t (*leaks_end)(bool print);
	/* Whether all structures make sense; says what does not. For tests. */
	bool (*validate)(struct kmem *kmem);
	/* What it holds, one fact a line. */
	void (*print)(struct kmem *kmem);
};

/* All back ends, NULL at the end; the first is the default (backends.c). */
extern const struct kmem_ops *const kmem_backends[];
extern const struct kmem_ops kmem_slob_ops, kmem_slab_ops;

/* The one that `kmalloc=` chose. */
const struct kmem_ops *kmem_backend_chosen(void);

/* The one of this name, or (NULL) the chosen one; NULL: there is none. */
const struct kmem_ops *kmem_backend_named(const char *name);
/* A value of a setting that struct kmem_args names does not exist: reports it, and
 * returns -E_INVAL. */
int kmem_no_such_value(const struct kmem *kmem, const char *setting,
		       const char *value);

/* Whether that is an object of the cache; else reports it. */
bool kmem_cache_owns(const struct kmem_cache *cache, const void *object);

/* Whether failslab= asks for failures; then it is printed. */
bool slab_fail_at_boot(void);
/* slab_debug= asks for debugging, but the back end of this name cannot. */
void slab_debug_report_unserved(const char *backend);

/* Says what is wrong with ptr and who is calling, counts it. Any context. */
void kmem_report(const char *what, const void *ptr);
/* Says that a request was nonsense, counts it. Any context. */
void kmem_complain(const char *format, ...) __printf(1, 2);
/* Reports and complaints since boot. */
unsigned long kmem_nr_reports(void);

/* -- report.c ---------------------------------------------------------- */

/*
 * A report of several lines that stay together: begin, say, ..., end. begin is its
 * first line, and counts.
 */
irq_state_t kmem_report_begin(const char *format, ...) __printf(1, 2);
void kmem_say(const char *format, ...) __printf(1, 2);
/* Return addresses, newest first, up to a 0. */
void kmem_say_backtrace(const uintptr_t *pcs, size_t nr);
void kmem_report_end(irq_state_t state);
/* Gets each line of these reports, too, without its end; for tests. */
extern void (*kmem_report_observer)(const char *line);

/* Reports a gfp that may sleep where nothing may. cache: its name, or NULL. */
void kmem_check_context(gfp_t gfp, const char *cache);

#endif /* KMEM_FRONT_H */
