/*
 * Allocations that fail on purpose, chosen by the attributes that the field's
 * fault injection has. Code that can fail keeps a struct inject_attr and asks
 * inject_should_fail; core/inject/inject.c says what the attributes mean.
 */
#ifndef KERNEL_INJECT_H
#define KERNEL_INJECT_H

#include <kernel/types.h>

/* Which ones of those that are asked about. All are of one type: inject.c has a
 * table of them. */
struct inject_settings {
	long interval;	  /* each so manieth */
	long probability; /* of these, so many in a hundred */
	long space;	  /* but not before so many bytes were served */
	long times;	  /* and not more often than that; -1: no limit */
	long nth;	  /* counted from the nth one on; 0: from the first */
	long verbose;	  /* 0 says nothing, 1 a line, 2 a backtrace, too */
	long seed;	  /* of probability; 0: takes one that is new */
	long pid; /* only this thread's, not in interrupts; INJECT_ALL: all */
};

#define INJECT_ALL (-1)
#define INJECT_ALWAYS (-1)

/* A place that failed: the return addresses that led there. */
#define INJECT_SITE_DEPTH 5
#define INJECT_SITES_MAX 128

struct inject_site {
	uintptr_t key; /* of the addresses; 0: unused */
	unsigned long nr_failed;
	uintptr_t pcs[INJECT_SITE_DEPTH];
};

/* Everything is read and written atomically, without a lock. */
struct inject_attr {
	const char *name; /* (constant) */
	unsigned is_armed;
	struct inject_settings settings;
	long space_left, times_left;
	unsigned long nr_seen, nr_failed;	    /* since it was armed */
	struct inject_site sites[INJECT_SITES_MAX]; /* until they are cleared */
};

/* Every allocation of every thread, silently. */
#define INJECT_SETTINGS_DEFAULT                                                \
	{                                                                      \
		.interval = 1, .probability = 100, .times = INJECT_ALWAYS,     \
		.pid = INJECT_ALL,                                             \
	}

/* A word that is not in inject.c's table is offered to one of these: 0,
 * -E_INVAL for its value, -E_NOT_FOUND for its name. */
typedef int inject_word_fn(const char *name, const char *value, void *arg);

/*
 * Reads "NAME=VALUE,..." or the field's four numbers,
 * "INTERVAL,PROBABILITY,SPACE,TIMES". Numbers as in C. -E_INVAL: the word that
 * is wrong was said, with `name` in front. other may be NULL.
 */
int inject_parse(const char *name, const char *text,
		 struct inject_settings *settings, inject_word_fn *other,
		 void *arg) __must_check;
/* Whether the text says "off". */
bool inject_text_is_off(const char *text);

/* From now on. One at a time for an attr. */
void inject_arm(struct inject_attr *attr,
		const struct inject_settings *settings);
void inject_disarm(struct inject_attr *attr);

/* Whether an allocation of `size` bytes is to fail here and now; caller is the
 * return address that names it. Any context. */
bool inject_should_fail(struct inject_attr *attr, size_t size,
			uintptr_t caller);

/* Forgets the sites. */
void inject_sites_clear(struct inject_attr *attr);
/* How many there are. */
unsigned inject_nr_sites(const struct inject_attr *attr);
/* Prints them, one a line, by name; `prefix` begins each line. */
void inject_sites_print(const struct inject_attr *attr, const char *prefix);
/* The settings in force as text that inject_parse reads; "off". */
const char *inject_text(const struct inject_attr *attr, char *buf, size_t size);
/* Settings, counts, sites. */
void inject_print(const struct inject_attr *attr);

#endif /* KERNEL_INJECT_H */
