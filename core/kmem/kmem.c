/*
 * Instances of the object allocators: their start and end, walks over all of them, and
 * what is asked of the kernel's own as a whole.
 *
 * AN INSTANCE is a struct kmem and the back end's state. The kernel's are static, so that
 * kmalloc's table lies at a constant address; those of others lie in pages of their own,
 * whence nothing of one instance is an object of another.
 *
 *	struct kmem  table  ops  caches
 *	   state --> slab: chain of caches, layer, general caches, failslab ...
 *		     slob: lists of blocks
 *
 * What is the same for all: the closed stack, reports, settings (which say what an
 * instance becomes if its arguments do not), and the table of debugging's functions.
 *
 * THE END.  Walkers (kmem_shrink, kmem_reap) pin the instance they stand at. The end
 * first makes them pass over it and waits for those that are there. Then it asks the
 * back end whether objects are out: if so, everything goes on as before.
 *
 * LOCKING.  instances_lock guards the list and the pins; nothing is called under it.
 */
#include "front.h"

#include <kernel/error.h>
#include <kernel/printk.h>
#include <kernel/string.h>

static struct spinlock instances_lock = ENV_LOCK_INIT("kmem instances");
static struct list instances GUARDED_BY(instances_lock) = LIST_INIT(instances);

/* -- all instances --------------------------------------------------------------- */

/* Pins the next one, unpins kmem (NULL: begins). NULL: there is no other. */
static struct kmem *
instances_next(struct kmem *kmem)
{
	irq_state_t state = env_lock(&instances_lock);
	struct list *pos = kmem != NULL ? kmem->link.next : instances.next;
	struct kmem *next = NULL;

	for (; pos != &instances && next == NULL; pos = pos->next) {
		next = list_entry(pos, struct kmem, link);
		if (next->is_ending)
			next = NULL;
	}
	if (next != NULL)
		next->nr_pins++;
	if (kmem != NULL)
		kmem->nr_pins--;
	env_unlock(&instances_lock, state);
	return next;
}

static void
instance_link(struct kmem *kmem)
{
	irq_state_t state = env_lock(&instances_lock);

	list_add_tail(&instances, &kmem->link);
	env_unlock(&instances_lock, state);
}

static void
instance_unlink(struct kmem *kmem)
{
	irq_state_t state = env_lock(&instances_lock);

	list_del(&kmem->link);
	env_unlock(&instances_lock, state);
}

/* No walker comes here any more, and none is here. */
static void
instance_close(struct kmem *kmem)
{
	irq_state_t state = env_lock(&instances_lock);

	kmem->is_ending = true;
	while (kmem->nr_pins > 0) {
		env_unlock(&instances_lock, state);
		env_nap();
		state = env_lock(&instances_lock);
	}
	env_unlock(&instances_lock, state);
}

static void
instance_reopen(struct kmem *kmem)
{
	irq_state_t state = env_lock(&instances_lock);

	kmem->is_ending = false;
	env_unlock(&instances_lock, state);
}

size_t
kmem_shrink(void)
{
	size_t nr_pages = 0;
	struct kmem *kmem;

	for (kmem = NULL; (kmem = instances_next(kmem)) != NULL;)
		nr_pages += kmem->ops->shrink(kmem);
	return nr_pages;
}

void
kmem_reap(void)
{
	struct kmem *kmem;

	for (kmem = NULL; (kmem = instances_next(kmem)) != NULL;)
		if (kmem->ops->reap != NULL)
			kmem->ops->reap(kmem);
}

void
kmem_print(void)
{
	struct kmem *kmem;

	for (kmem = NULL; (kmem = instances_next(kmem)) != NULL;)
		kmem_print_one(kmem);
}

/* -- one of them ------------------------------------------------------------------- */

size_t
kmem_shrink_one(struct kmem *kmem)
{
	return kmem->ops->shrink(kmem);
}

bool
kmem_validate(struct kmem *kmem)
{
	return kmem->ops->validate(kmem);
}

void
kmem_print_one(struct kmem *kmem)
{
	if (kmem != &kmem_kernel)
		printk("kmem: instance %s\n", kmem->name);
	kmem->ops->print(kmem);
}

/* -- beginning and end --------------------------------------------------------------- */

/* What kmalloc finds in the table of a back end without caches: nothing. */
static struct kmem_cache no_cache;

/* kmem and its state are zeroed. 0, or an error and nothing is left of it. */
static int
instance_start(struct kmem *kmem, const struct kmem_args *args)
{
	int err;

	(void)strlcpy(kmem->name, args->name, sizeof(kmem->name));
	kmem->kfree = kmem->ops->kfree;
	env_lock_init(&kmem->caches_lock, "caches");
	list_init(&kmem->caches);
	err = kmem->ops->start(kmem, args);
	if (err != 0)
		return err;
	for (unsigned i = 0; i < KMEM_TABLE_NR; i++)
		if (kmem->table[i] == NULL)
			kmem->table[i] = &no_cache;
	instance_link(kmem);
	return 0;
}

int
kmem_create(const struct kmem_args *args, struct kmem **kmem)
{
	const struct kmem_ops *ops = kmem_backend_named(args->kmalloc);
	size_t nr_pages, made_at;
	struct kmem *made;
	struct page *page;
	char *state;
	int err;

	if (ops == NULL) {
		kmem_complain("kmem: instance %s: there is no kmalloc=%s\n",
			      args->name, args->kmalloc);
		return -E_INVAL;
	}
	/* The state first: it may be aligned to more than a line. */
	made_at = ALIGN_UP(ops->state_size, CACHE_LINE);
	nr_pages = ALIGN_UP(made_at + sizeof(*made), PAGE_SIZE) / PAGE_SIZE;
	page = env_pages_get(GFP_KERNEL, nr_pages);
	if (page == NULL)
		return -E_NO_MEM;
	state = env_page_address(page);
	memset(state, 0, nr_pages * PAGE_SIZE);
	made = (struct kmem *)(void *)(state + made_at);
	made->ops = ops;
	made->state = state;
	made->nr_pages = nr_pages;
	err = instance_start(made, args);
	if (err != 0) {
		env_pages_put(page, nr_pages);
		return err;
	}
	*kmem = made;
	return 0;
}

/* Its caches end; no object is out. */
static void
caches_end(struct kmem *kmem)
{
	irq_state_t state = env_lock(&kmem->caches_lock);

	while (!list_empty(&kmem->caches)) {
		struct kmem_cache *cache = list_first_entry(
			&kmem->caches, struct kmem_cache, link);
		size_t nr_live;
		int err;

		list_del(&cache->link);
		env_unlock(&kmem->caches_lock, state);
		err = cache->ops->cache_destroy(cache, &nr_live);
		assert(err == 0);
		state = env_lock(&kmem->caches_lock);
	}
	env_unlock(&kmem->caches_lock, state);
}

int
kmem_destroy(struct kmem *kmem)
{
	assert(kmem != &kmem_kernel);
	instance_close(kmem);
	if (kmem->ops->is_used(kmem)) {
		instance_reopen(kmem);
		kmem_complain("kmem: cannot destroy instance %s: objects are "
			      "out\n",
			      kmem->name);
		return -E_BUSY;
	}
	caches_end(kmem);
	kmem->ops->stop(kmem);
	instance_unlink(kmem);
	env_pages_put(env_page_of(kmem->state), kmem->nr_pages);
	return 0;
}

/* -- the kernel's ---------------------------------------------------------------------- */

static size_t
kmem_reclaim(size_t nr_wanted, gfp_t gfp)
{
	return kmem_shrink();
}

static struct reclaimer kmem_reclaimer = {
	.name = "kmem",
	.reclaim = kmem_reclaim,
};

static int
failslab_missing(void)
{
	printk("failslab: kmalloc=%s has no object caches that could fail; "
	       "kmalloc=slab has\n",
	       kmem_kernel.ops->name);
	return -E_NOT_FOUND;
}

void
kmem_init(void)
{
	static const struct kmem_args as_set = { .name = "kernel" };
	const struct kmem_ops *ops = kmem_backend_chosen();
	int err;

	kmem_stacks_close(&no_cache);
	kmem_kernel.ops = ops;
	kmem_kernel.state = ops->kernel_state;
	if (slab_fail_at_boot() && ops->failslab_write == NULL)
		(void)failslab_missing();
	err = instance_start(&kmem_kernel, &as_set);
	if (err != 0)
		panic("kmem: %s cannot start: %s", ops->name, error_name(err));
	reclaimer_register(&kmem_reclaimer);
	printk("kmem: %s serves kmalloc: %s\n", ops->name, ops->description);
}

int
kmem_slabinfo_read(void (*fn)(const char *line, void *arg), void *arg,
		   bool statistics)
{
	if (kmem_kernel.ops->slabinfo_read == NULL)
		return -E_NOT_FOUND;
	return kmem_kernel.ops->slabinfo_read(&kmem_kernel, fn, arg,
					      statistics);
}

int
kmem_slabinfo_write(const char *text)
{
	if (kmem_kernel.ops->slabinfo_write == NULL)
		return -E_NOT_FOUND;
	return kmem_kernel.ops->slabinfo_write(&kmem_kernel, text);
}

int
kmem_failslab_write(const char *text)
{
	if (kmem_kernel.ops->failslab_write == NULL)
		return failslab_missing();
	return kmem_kernel.ops->failslab_write(&kmem_kernel, text);
}

void
kmem_failslab_print(void)
{
	if (kmem_kernel.ops->failslab_print == NULL)
		(void)failslab_missing();
	else
		kmem_kernel.ops->failslab_print(&kmem_kernel);
}

int
kmem_debug_set(const char *name, const char *letters)
{
	if (kmem_kernel.ops->debug_set == NULL)
		return -E_NOT_FOUND;
	return kmem_kernel.ops->debug_set(&kmem_kernel, name, letters);
}

int
kmem_debug_read(void (*fn)(const char *line, void *arg), void *arg)
{
	if (kmem_kernel.ops->debug_read == NULL)
		return -E_NOT_FOUND;
	return kmem_kernel.ops->debug_read(&kmem_kernel, fn, arg);
}

int
kmem_debug_scan(const char *name)
{
	if (kmem_kernel.ops->debug_scan == NULL)
		return -E_NOT_FOUND;
	return kmem_kernel.ops->debug_scan(&kmem_kernel, name);
}

void
kmem_debug_say_unknown(void)
{
	if (kmem_kernel.ops->debug_report_unknown != NULL)
		kmem_kernel.ops->debug_report_unknown(&kmem_kernel);
	else
		slab_debug_report_unserved(kmem_kernel.ops->name);
}

int
kmem_leaks_begin(void)
{
	if (kmem_kernel.ops->leaks_begin == NULL)
		return -E_NOT_FOUND;
	return kmem_kernel.ops->leaks_begin(&kmem_kernel);
}

int
kmem_leaks_scan(void (*roots)(void))
{
	return kmem_kernel.ops->leaks_scan(roots);
}

void
kmem_leaks_root(const void *from, const void *to)
{
	kmem_kernel.ops->leaks_root(from, to);
}

size_t
kmem_leaks_end(bool print)
{
	return kmem_kernel.ops->leaks_end(print);
}
