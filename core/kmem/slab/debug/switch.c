/*
 * Which caches are debugged, and how: at boot, and while they run.
 *
 *	slab_debug			all letters, all caches
 *	slab_debug=FZ			these, all caches
 *	slab_debug=PU,proc,kmalloc-*	these, caches of these names
 *	slab_debug=F;PU,proc;-,inode	several; the last that fits a cache by name
 *					counts, else the last without names
 *
 * Each unknown letter, and each name that no cache has, is reported.
 *
 * AT BOOT a cache is made with what it is to have: nobody knows it yet.
 *
 * WHILE IT RUNS.  Debugging wants every operation to come to the slabs, and free
 * objects to be what free objects have to be (ops.c). So, in this order:
 *	1. nobody walks to the cache any more, none tunes it (slab_chain_hold)
 *	2. each CPU puts its part aside, on that CPU, after bringing its objects
 *	   home: from then on its operations go straight to the slabs
 *	3. what nodes hold goes home; now every free object is in a slab
 *	4. P: what is freed is poisoned already (SLAB_POISON_FILL was set before 2);
 *	   every free object is, under its node's lock; only then is
 *	   poison expected to be there
 * Off again: the letters go, then each CPU takes its part up again.
 *
 * Red zones, notes and checksums want another layout: then there must be no slab
 * at all. The cache does not grow (slab_freeze), gives back what is free, and if
 * nothing is left it gets its new layout. If objects are out, or slabs still on
 * their way back to the page allocator: -E_BUSY, and all is as before.
 */
#include <kernel/option.h>
#include <kernel/error.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#include "../cache.h"
#include "../chain.h"
#include "../percpu/layer.h"
#include "../slabs.h"
#include "debug.h"
#include "switch.h"
#include "validate.h"

#define ALL_LETTERS "FZPU"

/* -- slab_debug= ------------------------------------------------------------------------ */

static unsigned
letter_flag(char letter)
{
	switch (letter) {
	case 'F':
	case 'f':
		return SLAB_CONSISTENCY_CHECKS;
	case 'Z':
	case 'z':
		return SLAB_RED_ZONE;
	case 'P':
	case 'p':
		return SLAB_POISON;
	case 'U':
	case 'u':
		return SLAB_STORE_USER;
	default:
		return 0;
	}
}

static bool
ends_word(char c)
{
	return c == '\0' || c == ',' || c == ';';
}

/* A word of the setting, up to its , or ; or end. Returns that. */
static const char *
word_end(const char *word)
{
	while (!ends_word(*word))
		word++;
	return word;
}

/* Adds up the letters of a word; the unknown ones are said (if `loud`), and
 * counted. */
static unsigned
parse_letters(const char *word, const char *end, unsigned *nr_unknown,
	      bool loud)
{
	unsigned flags = 0;

	for (; word < end; word++) {
		unsigned flag = letter_flag(*word);

		flags |= flag;
		if (flag != 0 || *word == '-')
			continue;
		(*nr_unknown)++;
		if (loud)
			printk("slab_debug: there is no letter \"%c\"; there "
			       "are F, Z, P, U, or - for none\n",
			       *word);
	}
	return flags;
}

/* Whether the name fits the word; * at its end stands for anything. */
static bool
name_fits(const char *name, const char *word, const char *end)
{
	size_t length = (size_t)(end - word);

	if (length > 0 && end[-1] == '*')
		return strncmp(name, word, length - 1) == 0;
	return strlen(name) == length && strncmp(name, word, length) == 0;
}

/* One block, "LETTERS,NAME,NAME", at `at`: its letters, whether it has names,
 * whether the cache's is among them. Returns where the next block begins; NULL:
 * nowhere. */
static const char *
block_read(const char *at, const char *name, unsigned *flags, bool *has_names,
	   bool *fits)
{
	const char *end = word_end(at);
	unsigned nr_unknown = 0;

	*flags = parse_letters(at, end, &nr_unknown, false);
	*has_names = *end == ',';
	*fits = false;
	while (*end == ',') {
		at = end + 1;
		end = word_end(at);
		*fits |= name_fits(name, at, end);
	}
	return *end == ';' ? end + 1 : NULL;
}

static unsigned
setting_for(const struct slab_root *root, const char *name)
{
	unsigned by_name = 0, for_all = 0, flags;
	const char *at = root->debug;
	bool named = false, has_names, fits;

	while (at != NULL) {
		at = block_read(at, name, &flags, &has_names, &fits);
		if (!has_names) {
			for_all = flags;
		} else if (fits) {
			by_name = flags;
			named = true;
		}
	}
	return named ? by_name : for_all;
}

int
slab_debug_take_setting(struct slab_root *root, const char *value)
{
	unsigned nr_unknown = 0;

	if (strlen(value) >= sizeof(root->debug))
		return -E_INVAL;
	(void)strlcpy(root->debug, value[0] != '\0' ? value : ALL_LETTERS,
		      sizeof(root->debug));
	for (const char *at = root->debug;;) {
		const char *end = word_end(at);

		(void)parse_letters(at, end, &nr_unknown, true);
		while (*end == ',')
			end = word_end(end + 1);
		if (*end == '\0')
			return 0;
		at = end + 1;
	}
}

static int
debug_set(const char *value)
{
	return slab_debug_take_setting(&slab_kernel_root, value);
}

static const char *
debug_get(void)
{
	return slab_kernel_root.debug;
}

const struct boot_option slab_debug_option = {
	.name = "slab_debug",
	.help = "looks at operations of slab caches: F lists, Z red zones, "
		"P poison, U users",
	.values = "LETTERS[,CACHE...][;LETTERS,CACHE...], letters of FZPU or -",
	.alone = ALL_LETTERS,
	.set = debug_set,
	.get = debug_get,
};

static bool
some_cache_fits(struct slab_root *root, const char *word, const char *end)
{
	struct slab_cache *cache;

	for (cache = NULL; (cache = slab_chain_next(root, cache)) != NULL;) {
		if (name_fits(cache->base.name, word, end)) {
			slab_chain_unpin(cache);
			return true;
		}
	}
	return false;
}

void
slab_debug_report_unserved(const char *backend)
{
	if (strcmp(slab_kernel_root.debug, "-") != 0)
		printk("slab_debug: only kmalloc=slab can be debugged, not "
		       "%s\n",
		       backend);
}

void
slab_debug_report_unknown(struct kmem *kmem)
{
	struct slab_root *root = slab_root_of(kmem);
	const char *at = root->debug, *end = word_end(at);
	char name[SLAB_DEBUG_SETTING_MAX];

	for (; *end != '\0'; at = end + 1, end = word_end(at)) {
		const char *word = end + 1;

		if (*end == ';')
			continue;
		if (some_cache_fits(root, word, word_end(word)))
			continue;
		(void)strlcpy(name, word, (size_t)(word_end(word) - word) + 1);
		printk("slab_debug: no cache is called %s so far\n", name);
	}
}

/* -- what a cache gets ---------------------------------------------------------------------- */

static unsigned
wanted(const struct slab_root *root, const struct kmem_cache *wanted)
{
	return (wanted->flags & SLAB_DEBUG_FLAGS) |
	       setting_for(root, wanted->name);
}

static unsigned
layout_flags(const struct kmem_cache *base, unsigned debug)
{
	unsigned flags = base->flags & ~(unsigned)SLAB_DEBUG_FLAGS;

	flags |= debug & (SLAB_RED_ZONE | SLAB_STORE_USER);
	/* Checksums are kept in notes. */
	if ((debug & SLAB_POISON) && base->ctor != NULL)
		flags |= SLAB_STORE_USER;
	return flags;
}

/* Of these letters, those that want another layout. */
static unsigned
wants_layout(const struct slab_cache *cache, unsigned debug)
{
	unsigned flags = SLAB_RED_ZONE | SLAB_STORE_USER;

	if (cache->base.ctor != NULL)
		flags |= SLAB_POISON;
	return debug & flags;
}

/* -- parts aside and back --------------------------------------------------------------------- */

static void
park_one(struct slab_cache *cache, unsigned id)
{
	cache->parked[id] = cache->cpu[id];
	percpu_install(cache, id, NULL);
}

static void
unpark_one(struct slab_cache *cache, unsigned id)
{
	percpu_install(cache, id, cache->parked[id]);
	cache->parked[id] = NULL;
}

static void
park(struct slab_cache *cache)
{
	(void)atomic_or(&cache->closed, (unsigned)SLAB_CLOSED_DEBUG);
	for (unsigned id = 0; id < env_nr_cpus(); id++)
		park_one(cache, id);
}

static void
unpark(struct slab_cache *cache)
{
	(void)atomic_and(&cache->closed, ~(unsigned)SLAB_CLOSED_DEBUG);
	for (unsigned id = 0; id < env_nr_cpus(); id++)
		unpark_one(cache, id);
}

static void
park_here(void *arg)
{
	struct slab_cache *cache = arg;

	percpu_drain(cache);
	park_one(cache, env_cpu());
}

static void
unpark_here(void *arg)
{
	unpark_one(arg, env_cpu());
}

static void
parts_aside(struct slab_cache *cache)
{
	(void)atomic_or(&cache->closed, (unsigned)SLAB_CLOSED_DEBUG);
	percpu_on_each(park_here, cache);
	cache->layer->drain_nodes(cache);
}

static void
parts_back(struct slab_cache *cache)
{
	(void)atomic_and(&cache->closed, ~(unsigned)SLAB_CLOSED_DEBUG);
	percpu_on_each(unpark_here, cache);
}

/* -- on and off, while it runs ------------------------------------------------------------------ */

static void
init_list(struct slab_cache *cache, const struct list *head)
{
	struct list *pos;

	list_for_each(pos, head)
		slab_debug_init(cache, list_entry(pos, struct slab, link));
}

/* Step 4 above. */
static void
init_all(struct slab_cache *cache)
{
	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		struct kmem_cache_node *node = cache->node[i];
		irq_state_t state = env_lock(&node->lock);

		init_list(cache, &node->slabs_partial);
		init_list(cache, &node->slabs_free);
		env_unlock(&node->lock, state);
	}
}

static bool
has_slabs(struct slab_cache *cache)
{
	size_t nr = slab_nr_out(cache);

	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		struct kmem_cache_node *node = cache->node[i];
		irq_state_t state = env_lock(&node->lock);

		nr += node->nr_slabs + node->nr_leaving +
		      !list_empty(&node->retired);
		env_unlock(&node->lock, state);
	}
	return nr > 0;
}

/* The next slab's may be one that only the old layout had. */
static void
colours_restart(struct slab_cache *cache)
{
	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		struct kmem_cache_node *node = cache->node[i];
		irq_state_t state = env_lock(&node->lock);

		node->colour_next = 0;
		env_unlock(&node->lock, state);
	}
}

/* The cache is frozen: with the layout for these letters, if it is empty. */
static int
change_layout(struct slab_cache *cache, unsigned debug)
{
	for (unsigned i = 0; i < env_nr_nodes(); i++)
		(void)drain_freelist(cache, i, SIZE_MAX);
	if (has_slabs(cache))
		return -E_BUSY;
	if (!slab_set_layout(cache, layout_flags(&cache->base, debug),
			     !(cache->base.flags & SLAB_ON_SLAB)))
		return -E_NO_MEM;
	colours_restart(cache);
	atomic_store_relaxed(&cache->debug, debug);
	return 0;
}

static int
turn_layout(struct slab_cache *cache, unsigned debug)
{
	int err;

	slab_freeze(cache);
	err = change_layout(cache, debug);
	slab_thaw(cache);
	return err;
}

static void
do_nothing(void *unused)
{
}

static void
turn_plain(struct slab_cache *cache, unsigned debug)
{
	unsigned old = slab_debug(cache);
	bool is_poison_new = (debug & ~old & SLAB_POISON) != 0;

	/* Not 0 from here on: no sheaf is lent or comes back. */
	if (is_poison_new)
		atomic_store_full(&cache->debug, old | SLAB_POISON_FILL);
	else if (old == 0)
		atomic_store_full(&cache->debug, debug);
	/* Who read the old flags has finished when each CPU was here. */
	if (old == 0)
		parts_aside(cache);
	else
		percpu_on_each(do_nothing, NULL);
	if (is_poison_new)
		init_all(cache);
	atomic_store_full(&cache->debug, debug);
}

static bool
has_retired(struct slab_cache *cache)
{
	bool has = false;

	for (unsigned i = 0; i < env_nr_nodes(); i++) {
		struct kmem_cache_node *node = cache->node[i];
		irq_state_t state = env_lock(&node->lock);

		has |= !list_empty(&node->retired);
		env_unlock(&node->lock, state);
	}
	return has;
}

/* The cache is held. */
static int
turn(struct slab_cache *cache, unsigned debug)
{
	unsigned old = slab_debug(cache);
	int err = 0;

	/* Its damaged slabs must be known to whoever frees there. */
	if (debug == 0 && has_retired(cache))
		debug = SLAB_CONSISTENCY_CHECKS;
	if (debug == old)
		return 0;
	if (wants_layout(cache, debug & ~old) != 0) {
		if (old == 0)
			parts_aside(cache);
		err = turn_layout(cache, debug);
	} else {
		turn_plain(cache, debug);
	}
	if (slab_debug(cache) == 0)
		parts_back(cache);
	return err;
}

int
slab_debug_set(struct kmem *kmem, const char *name, const char *letters)
{
	struct slab_root *root = slab_root_of(kmem);
	unsigned nr_unknown = 0, debug;
	struct slab_cache *cache;
	int err;

	debug = parse_letters(letters, letters + strlen(letters), &nr_unknown,
			      true);
	if (nr_unknown != 0 || letters[0] == '\0')
		return -E_INVAL;
	cache = slab_chain_find(root, name);
	if (cache == NULL)
		return -E_NOT_FOUND;
	err = slab_chain_hold(cache);
	if (err == 0) {
		err = turn(cache, debug);
		slab_chain_let_go(cache);
	}
	slab_chain_unpin(cache);
	return err;
}

/* -- looking ------------------------------------------------------------------------------------- */

#define LINE_MAX 128

int
slab_debug_read(struct kmem *kmem, void (*fn)(const char *line, void *arg),
		void *arg)
{
	struct slab_root *root = slab_root_of(kmem);
	struct slab_cache *cache;
	char line[LINE_MAX], letters[sizeof(ALL_LETTERS)];
	unsigned nr = 0;

	for (cache = NULL; (cache = slab_chain_next(root, cache)) != NULL;) {
		if (slab_debug(cache) == 0)
			continue;
		snprintf(line, sizeof(line), "%s %s",
			 slab_debug_letters(slab_debug(cache), letters),
			 cache->base.name);
		fn(line, arg);
		nr++;
	}
	if (nr == 0)
		fn("no cache is debugged", arg);
	return 0;
}

static bool
scan_one(struct slab_cache *cache)
{
	return slab_debug(cache) != 0 ? slab_debug_scan(cache)
				      : slab_validate_cache(cache);
}

int
slab_debug_scan_named(struct kmem *kmem, const char *name)
{
	struct slab_root *root = slab_root_of(kmem);
	struct slab_cache *cache;
	int nr_bad = 0;

	if (name != NULL) {
		cache = slab_chain_find(root, name);
		if (cache == NULL)
			return -E_NOT_FOUND;
		nr_bad = scan_one(cache) ? 0 : 1;
		slab_chain_unpin(cache);
		return nr_bad;
	}
	for (cache = NULL; (cache = slab_chain_next(root, cache)) != NULL;)
		nr_bad += scan_one(cache) ? 0 : 1;
	return nr_bad;
}

/* -- for slab/ ---------------------------------------------------------------------------- */

static const struct slab_debug_hooks hooks = {
	.wanted = wanted,
	.layout_flags = layout_flags,
	.park = park,
	.unpark = unpark,
	.take = slab_debug_take,
	.free = slab_debug_free,
	.asked = slab_debug_asked,
	.resize = slab_debug_resize,
	.context = slab_debug_context,
	.init = slab_debug_init,
	.end = slab_debug_end,
	.print_live = slab_debug_print_live,
	.destroy = slab_retire_destroy,
};

void
slab_debug_register(void)
{
	if (slab_debug_hooks == NULL)
		slab_debug_hooks = &hooks;
}
