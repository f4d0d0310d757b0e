/*
 * Injected failures: which allocations fail on purpose.
 *
 * PROBLEM.  Error paths run only when something is short, which is seldom, and
 * then all at once. So they are made to run: one allocation fails although there
 * is memory, and whoever asked for it has to cope.
 *
 * MODEL.  An attr says which ones, in the words of the field's fault injection.
 * ("Fault" alone is left to page faults; here everything is named inject_*.)
 * inject_should_fail() asks, in this order:
 *
 *	armed?  the thread that is meant?  `space` bytes served?	else no
 *	this is number n of those that came so far
 *	  n >= nth, and every interval-th of them			else no
 *	  probability: a hash of seed and n				else no
 *	  times: one less						else no
 *	it fails: counted, its site noted, said as `verbose` wants
 *
 *	nth=7				the 7th one, once
 *	nth=7,times=-1			the 7th one and all after it
 *	probability=10,seed=1234	one in ten; the same ones with this seed
 *	interval=100,times=3		the 100th, the 200th, the 300th
 *	100,10,0,-1			the field's order: interval, probability,
 *					space, times
 *
 * Chance is a function of seed and n: nothing is drawn that another CPU could
 * have drawn, so the n-th fails again if it failed once.
 *
 * A SITE is where it failed: the last INJECT_SITE_DEPTH return addresses, since the
 * last one alone would only name the allocator. A walk (test/check/check_failures.c)
 * lets number 1, 2, 3 ... fail until nothing failed any more, and then the
 * sites are the list of what it went through.
 *
 * LOCKING.  None: words, read and written atomically; a new site is claimed by an
 * exchange of its key. An attr is set while it is disarmed; who was in
 * inject_should_fail() then may decide by a mix of old and new settings, once.
 *
 * COST when it is not armed: one load.
 *
 * TO ADD a setting: a field, a row in `words`, a line in inject_should_fail().
 */
#include <kernel/error.h>
#include <kernel/inject.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include <kernel/thread.h>

#define TEXT_MAX 160
#define SITE_TEXT_MAX 240
#define BACKTRACE_MAX 16
#define NR_POSITIONAL 4
#define TIMES_UNSAID (-2)

/* -- words ---------------------------------------------------------------------- */

struct word {
	const char *name;
	size_t offset; /* in struct inject_settings */
	long min, max;
	const char *what;
};

#define WORD(field, min, max, what)                                            \
	{                                                                      \
#field, offsetof(struct inject_settings, field), min, max,     \
			what                                                   \
	}

/* The first NR_POSITIONAL are in the field's order. */
static const struct word words[] = {
	WORD(interval, 1, INT32_MAX, "a number from 1 on"),
	WORD(probability, 0, 100, "a percentage, 0 to 100"),
	WORD(space, 0, INT32_MAX, "a number of bytes"),
	WORD(times, -1, INT32_MAX, "a number, or -1 for ever"),
	WORD(nth, 1, INT32_MAX, "a number from 1 on"),
	WORD(verbose, 0, 2, "0, 1 or 2"),
	WORD(seed, 0, INT32_MAX, "a number"),
	WORD(pid, 0, INT32_MAX, "a process's number"),
};

static long *
word_field(const struct word *word, struct inject_settings *settings)
{
	return (long *)((char *)settings + word->offset);
}

static const struct word *
word_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i].name, name) == 0)
			return &words[i];
	return NULL;
}

static int
word_set(const struct word *word, const char *value,
	 struct inject_settings *settings)
{
	long number;

	if (parse_int(value, &number) != 0 || number < word->min ||
	    number > word->max)
		return -E_INVAL;
	*word_field(word, settings) = number;
	return 0;
}

static void
complain(const char *name, const char *text, const char *what)
{
	printk("%s: \"%s\": %s\n", name, text, what);
}

static void
complain_unknown(const char *name, const char *text)
{
	printk("%s: \"%s\": there is no such word; there are:", name, text);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		printk(" %s", words[i].name);
	printk("\n");
}

/* "NAME=VALUE", or the value number `position`. */
static int
parse_word(const char *name, char *text, unsigned position,
	   struct inject_settings *settings, inject_word_fn *other, void *arg)
{
	char *equals = strchr(text, '=');
	const struct word *word = NULL;
	int err = -E_NOT_FOUND;

	if (equals != NULL) {
		*equals = '\0';
		word = word_find(text);
	} else if (position < NR_POSITIONAL) {
		word = &words[position];
	}
	if (word != NULL)
		err = word_set(word, equals != NULL ? equals + 1 : text,
			       settings);
	else if (equals != NULL && other != NULL)
		err = other(text, equals + 1, arg);
	if (equals != NULL)
		*equals = '=';
	if (err == -E_NOT_FOUND)
		complain_unknown(name, text);
	else if (err != 0)
		complain(name, text,
			 word != NULL ? word->what : "not a value it can have");
	return err == 0 ? 0 : -E_INVAL;
}

int
inject_parse(const char *name, const char *text,
	     struct inject_settings *settings, inject_word_fn *other, void *arg)
{
	char buf[TEXT_MAX], *word = buf, *end;

	*settings = (struct inject_settings)INJECT_SETTINGS_DEFAULT;
	settings->verbose = 1;
	settings->times = TIMES_UNSAID;
	if (strlcpy(buf, text, sizeof(buf)) >= sizeof(buf)) {
		complain(name, text, "too long");
		return -E_INVAL;
	}
	for (unsigned i = 0; word != NULL; i++, word = end) {
		end = strchr(word, ',');
		if (end != NULL)
			*end++ = '\0';
		if (parse_word(name, word, i, settings, other, arg) != 0)
			return -E_INVAL;
	}
	if (settings->times == TIMES_UNSAID)
		settings->times = settings->nth > 0 ? 1 : INJECT_ALWAYS;
	return 0;
}

bool
inject_text_is_off(const char *text)
{
	return strcmp(text, "off") == 0;
}

const char *
inject_text(const struct inject_attr *attr, char *buf, size_t size)
{
	struct inject_settings settings = attr->settings;
	size_t length = 0;

	if (atomic_load(&attr->is_armed) == 0)
		return "off";
	buf[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		long value = *word_field(&words[i], &settings);
		int n;

		/* nth=0, pid=-1: not a word that can be said. */
		if (value < words[i].min)
			continue;
		n = snprintf(buf + length, size - length, "%s%s=%ld",
			     length > 0 ? "," : "", words[i].name, value);
		if (n < 0 || (size_t)n >= size - length)
			break;
		length += (size_t)n;
	}
	return buf;
}

/* -- sites ------------------------------------------------------------------------ */

/* The calls that led to `caller`, it first; the others are 0. */
static void
site_find(uintptr_t caller, uintptr_t pcs[INJECT_SITE_DEPTH])
{
	uintptr_t all[BACKTRACE_MAX];
	unsigned nr = arch_backtrace(NULL, all, ARRAY_SIZE(all)), first = 0;

	while (first < nr && all[first] != caller)
		first++;
	memset(pcs, 0, INJECT_SITE_DEPTH * sizeof(pcs[0]));
	pcs[0] = caller;
	for (unsigned i = 1; i < INJECT_SITE_DEPTH && first + i < nr; i++)
		pcs[i] = all[first + i];
}

/* Never 0. */
static uintptr_t
site_key(const uintptr_t pcs[INJECT_SITE_DEPTH])
{
	uint32_t key = 2166136261u;

	for (unsigned i = 0; i < INJECT_SITE_DEPTH; i++)
		key = (key ^ (uint32_t)pcs[i]) * 16777619u;
	return key | 1;
}

/* Counts it. Where there is no room for a site any more, it is not noted. */
static void
site_count(struct inject_attr *attr, const uintptr_t pcs[INJECT_SITE_DEPTH])
{
	uintptr_t key = site_key(pcs);

	for (unsigned i = 0; i < INJECT_SITES_MAX; i++) {
		struct inject_site *site = &attr->sites[i];
		uintptr_t is = 0;

		if (atomic_load(&site->key) == 0 &&
		    atomic_compare_exchange(&site->key, &is, key)) {
			for (unsigned k = 0; k < INJECT_SITE_DEPTH; k++)
				atomic_store_relaxed(&site->pcs[k], pcs[k]);
			is = key;
		}
		if (atomic_load(&site->key) == key) {
			(void)atomic_add(&site->nr_failed, 1);
			return;
		}
	}
}

/* "alloc_page+0x12 < slob_grow+0x40 < ..." */
static const char *
site_text(const uintptr_t pcs[INJECT_SITE_DEPTH], char *buf, size_t size)
{
	size_t length = 0;
	char name[SYMBOL_SIZE];

	buf[0] = '\0';
	for (unsigned i = 0; i < INJECT_SITE_DEPTH && pcs[i] != 0; i++) {
		/* The call, not what follows it. */
		int n = snprintf(buf + length, size - length, "%s%s",
				 i > 0 ? " < " : "",
				 symbol_name(pcs[i] - 1, name, sizeof(name)));

		if (n < 0 || (size_t)n >= size - length)
			break;
		length += (size_t)n;
	}
	return buf;
}

unsigned
inject_nr_sites(const struct inject_attr *attr)
{
	unsigned nr = 0;

	while (nr < INJECT_SITES_MAX && atomic_load(&attr->sites[nr].key) != 0)
		nr++;
	return nr;
}

void
inject_sites_clear(struct inject_attr *attr)
{
	for (unsigned i = 0; i < INJECT_SITES_MAX; i++) {
		atomic_store_relaxed(&attr->sites[i].nr_failed, 0ul);
		atomic_store(&attr->sites[i].key, (uintptr_t)0);
	}
}

void
inject_sites_print(const struct inject_attr *attr, const char *prefix)
{
	unsigned nr = inject_nr_sites(attr);

	for (unsigned i = 0; i < nr; i++) {
		const struct inject_site *site = &attr->sites[i];
		uintptr_t pcs[INJECT_SITE_DEPTH];
		char text[SITE_TEXT_MAX];

		for (unsigned k = 0; k < INJECT_SITE_DEPTH; k++)
			pcs[k] = atomic_load_relaxed(&site->pcs[k]);
		printk("%s%6lu  %s\n", prefix, atomic_load(&site->nr_failed),
		       site_text(pcs, text, sizeof(text)));
	}
	if (nr == INJECT_SITES_MAX)
		printk("%sno room to note more\n", prefix);
}

void
inject_print(const struct inject_attr *attr)
{
	char text[TEXT_MAX];

	printk("%s: %s\n", attr->name, inject_text(attr, text, sizeof(text)));
	printk("%s: %lu of %lu failed, at %u sites\n", attr->name,
	       atomic_load(&attr->nr_failed), atomic_load(&attr->nr_seen),
	       inject_nr_sites(attr));
	inject_sites_print(attr, "  ");
}

/* -- arming ------------------------------------------------------------------------- */

void
inject_disarm(struct inject_attr *attr)
{
	atomic_store(&attr->is_armed, 0u);
}

void
inject_arm(struct inject_attr *attr, const struct inject_settings *settings)
{
	struct inject_settings from = *settings;

	inject_disarm(attr);
	if (from.seed == 0)
		from.seed = (long)(arch_cycles() & INT32_MAX) | 1;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		atomic_store_relaxed(word_field(&words[i], &attr->settings),
				     *word_field(&words[i], &from));
	atomic_store_relaxed(&attr->space_left, from.space);
	atomic_store_relaxed(&attr->times_left, from.times);
	atomic_store_relaxed(&attr->nr_seen, 0ul);
	atomic_store_relaxed(&attr->nr_failed, 0ul);
	atomic_store(&attr->is_armed, 1u);
}

/* -- deciding ------------------------------------------------------------------------ */

#define setting(attr, field) atomic_load_relaxed(&(attr)->settings.field)

static bool
is_meant(const struct inject_attr *attr)
{
	long pid = setting(attr, pid);

	return pid == INJECT_ALL ||
	       (current->pid == pid && current->irq_depth == 0);
}

/* Whether these bytes come out of those that do not fail. */
static bool
space_take(struct inject_attr *attr, size_t size)
{
	long left = atomic_load_relaxed(&attr->space_left);

	if (left <= 0)
		return false;
	(void)atomic_sub(&attr->space_left, (long)MIN(size, (size_t)left));
	return true;
}

/* One of a hundred equally likely numbers. */
static long
percentile(long seed, unsigned long n)
{
	uint32_t x = (uint32_t)seed + (uint32_t)n * 0x9e3779b9u;

	x = (x ^ (x >> 16)) * 0x85ebca6bu;
	x = (x ^ (x >> 13)) * 0xc2b2ae35u;
	return (long)((x ^ (x >> 16)) % 100);
}

static bool
is_chosen(const struct inject_attr *attr, unsigned long n)
{
	unsigned long interval = (unsigned long)setting(attr, interval);
	unsigned long first = (unsigned long)setting(attr, nth);

	if (first == 0)
		first = interval;
	return n >= first && (n - first) % interval == 0 &&
	       percentile(setting(attr, seed), n) < setting(attr, probability);
}

static bool
times_take(struct inject_attr *attr)
{
	long left = atomic_load_relaxed(&attr->times_left);

	while (left > 0)
		if (atomic_compare_exchange(&attr->times_left, &left, left - 1))
			return true;
	return left < 0;
}

static void
report(struct inject_attr *attr, unsigned long n, uintptr_t caller)
{
	uintptr_t pcs[INJECT_SITE_DEPTH];
	long verbose = setting(attr, verbose);
	char text[SITE_TEXT_MAX];

	(void)atomic_add(&attr->nr_failed, 1);
	site_find(caller, pcs);
	site_count(attr, pcs);
	if (verbose > 0)
		printk("%s: allocation %lu fails: %s\n", attr->name, n,
		       site_text(pcs, text, sizeof(text)));
	if (verbose > 1)
		backtrace_print();
}

bool
inject_should_fail(struct inject_attr *attr, size_t size, uintptr_t caller)
{
	unsigned long n;

	if (likely(atomic_load(&attr->is_armed) == 0) || !is_meant(attr) ||
	    space_take(attr, size))
		return false;
	n = atomic_add(&attr->nr_seen, 1);
	if (!is_chosen(attr, n) || !times_take(attr))
		return false;
	report(attr, n, caller);
	return true;
}
