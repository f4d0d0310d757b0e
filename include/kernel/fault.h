/*
 * Faults: allocations that fail on purpose, chosen by the attributes that the
 * field's fault injection has. Who can fail keeps a struct fault_attr and asks
 * should_fail; core/sync/fault.c says what the attributes mean.
 */
#ifndef KERNEL_FAULT_H
#define KERNEL_FAULT_H

#include <kernel/types.h>

/* Which ones of those that are asked about. All are of one type: fault.c has a
 * table of them. */
struct fault_settings {
	long interval;	  /* each so manieth */
	long probability; /* of these, so many in a hundred */
	long space;	  /* but not before so many bytes were served */
	long times;	  /* and not more often than that; -1: no limit */
	long nth;	  /* counted from the nth one on; 0: from the first */
	long verbose;	  /* 0 says nothing, 1 a line, 2 a backtrace, too */
	long seed;	  /* of probability; 0: takes one that is new */
	long pid;	  /* only this thread's, not in traps; FAULT_ALL: all */
};

#define FAULT_ALL (-1)
#define FAULT_ALWAYS (-1)

/* A place that failed: the return addresses that led there. */
#define FAULT_SITE_DEPTH 5
#define FAULT_SITES_MAX 128

struct fault_site {
	uintptr_t key; /* of the addresses; 0: unused */
	unsigned long nr_failed;
	uintptr_t pcs[FAULT_SITE_DEPTH];
};

/* Everything is read and written atomically, without a lock. */
struct fault_attr {
	const char *name; /* (constant) */
	unsigned is_armed;
	struct fault_settings settings;
	long space_left, times_left;
	unsigned long nr_seen, nr_failed;	  /* since it was armed */
	struct fault_site sites[FAULT_SITES_MAX]; /* until they are cleared */
};

/* Every allocation of every thread, silently. */
#define FAULT_SETTINGS_DEFAULT                                                 \
	{                                                                      \
		.interval = 1, .probability = 100, .times = FAULT_ALWAYS,      \
		.pid = FAULT_ALL,                                              \
	}

/* A word that is not in fault.c's table is offered to one of these: 0,
 * -E_INVAL for its value, -E_NOT_FOUND for its name. */
typedef int fault_word_fn(const char *name, const char *value, void *arg);

/*
 * Reads "NAME=VALUE,..." or the field's four numbers,
 * "INTERVAL,PROBABILITY,SPACE,TIMES". Numbers as in C. -E_INVAL: the word that
 * is wrong was said, with `name` in front. other may be NULL.
 */
int fault_parse(const char *name, const char *text,
		struct fault_settings *settings, fault_word_fn *other,
		void *arg) __must_check;
/* Whether the text says "off". */
bool fault_text_is_off(const char *text);

/* From now on. One at a time for an attr. */
void fault_arm(struct fault_attr *attr, const struct fault_settings *settings);
void fault_disarm(struct fault_attr *attr);

/* Whether an allocation of `size` bytes is to fail here and now; caller is the
 * return address that names it. Any context. */
bool should_fail(struct fault_attr *attr, size_t size, uintptr_t caller);

/* Forgets the sites. */
void fault_sites_clear(struct fault_attr *attr);
/* How many there are. */
unsigned fault_nr_sites(const struct fault_attr *attr);
/* Prints them, one a line, by name; `prefix` begins each line. */
void fault_sites_print(const struct fault_attr *attr, const char *prefix);
/* The settings in force as text that fault_parse reads; "off". */
const char *fault_text(const struct fault_attr *attr, char *buf, size_t size);
/* Settings, counts, sites. */
void fault_print(const struct fault_attr *attr);

#endif /* KERNEL_FAULT_H */
