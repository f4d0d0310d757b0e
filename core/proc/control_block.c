/*
 * Control blocks, and the stacks that come with them.
 *
 * A control block comes from its own object cache, and a stack from kstack.c.
 * But a thread that has ended leaves both warm: up to KEPT_MAX of them wait in
 * a list, last in first out, each with its mapped stack, and the next birth
 * touches neither the object allocator nor a page table. When memory is short
 * (reclaimer), they are given back.
 *
 *	alloc_proc <- kept list, else cache
 *	free_proc  -> kept list if it has a stack and there is room, else cache
 *
 * Whatever the block held before, alloc_proc gives it its start value in every
 * byte; only `kstack` may already name a stack.
 *
 * LOCKING. kept_lock (rank KEPT) guards the list; memory is allocated and freed
 * outside it.
 */
#include <kernel/printk.h>
#include <kernel/string.h>
#include "internal.h"

#define KEPT_MAX 64

static struct kmem_cache *proc_cache;
static struct spinlock kept_lock = SPINLOCK_INIT(LOCK_RANK_KEPT, "kept");
static struct list kept_list = LIST_INIT(kept_list); /* by list_link */
static size_t nr_kept;

static struct proc_struct *
take_kept(void)
{
	struct proc_struct *proc = NULL;

	spin_lock(&kept_lock);
	if (!list_empty(&kept_list)) {
		proc = list_first_entry(&kept_list, struct proc_struct,
					list_link);
		list_del(&proc->list_link);
		nr_kept--;
	}
	spin_unlock(&kept_lock);
	return proc;
}

/* Whether it was kept: there was room. */
static bool
keep(struct proc_struct *proc)
{
	bool room;

	spin_lock(&kept_lock);
	room = nr_kept < KEPT_MAX;
	if (room) {
		list_add(&kept_list, &proc->list_link);
		nr_kept++;
	}
	spin_unlock(&kept_lock);
	return room;
}

struct proc_struct *
alloc_proc(void)
{
	struct proc_struct *proc = take_kept();
	uintptr_t kstack = 0;

	if (likely(proc != NULL))
		kstack = proc->kstack;
	else
		proc = kmem_cache_alloc(proc_cache, GFP_KERNEL);
	if (proc == NULL)
		return NULL;
	/* State UNINIT, no flags, the whole name cleared, and so on. */
	memset(proc, 0, sizeof(*proc));
	proc->kstack = kstack;
	proc->pid = -1;
	proc->cr3 = boot_cr3;
	proc->bound_cpu = CPU_ANY;
	list_init(&proc->children);
	list_init(&proc->zombies);
	return proc;
}

static void
release(struct proc_struct *proc)
{
	if (proc->kstack != 0)
		kstack_free(proc->kstack);
	kmem_cache_free(proc_cache, proc);
}

void
free_proc(struct proc_struct *proc)
{
	if (proc->kstack == 0 || !keep(proc))
		release(proc);
}

void
set_proc_name(struct proc_struct *proc, const char *name)
{
	memset(proc->name, 0, sizeof(proc->name));
	strlcpy(proc->name, name, sizeof(proc->name));
}

size_t
proc_nr_kept(void)
{
	size_t nr;

	spin_lock(&kept_lock);
	nr = nr_kept;
	spin_unlock(&kept_lock);
	return nr;
}

size_t
proc_release_kept(void)
{
	struct proc_struct *proc;
	size_t nr_freed = 0;

	while ((proc = take_kept()) != NULL) {
		release(proc);
		nr_freed += ARCH_KSTACK_PAGES;
	}
	return nr_freed;
}

static size_t
kept_reclaim(size_t nr_wanted, gfp_t gfp)
{
	return proc_release_kept();
}

static struct reclaimer kept_reclaimer = {
	.name = "kept threads",
	.reclaim = kept_reclaim,
};

void
control_block_init(void)
{
	proc_cache = kmem_cache_create("proc_struct",
				       sizeof(struct proc_struct), CACHE_LINE,
				       SLAB_PANIC, NULL);
	reclaimer_register(&kept_reclaimer);
}
