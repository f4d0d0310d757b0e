/*
 * Control blocks, and the stacks that come with them.
 *
 * A control block and its mapped stack are one constructed object, from the cache
 * "proc_struct". In its free state, all fields that are the same in each life are
 * set (lists empty, the kernel's space, nothing held), the others have their start value, and
 * the stack of the last life is still there, mapped:
 *
 *	memory of a slab	ctor: start values, no stack
 *	  first alloc_proc	do_fork maps a stack
 *	    life ... end	free_proc: start values, the stack stays
 *	  next alloc_proc	nothing to do
 *	    life ... end
 *	memory given back	dtor: unmaps the stack, frees its pages
 *
 * WHY THE FIRST BIRTH MAPS THE STACK, not the constructor. A constructor runs for
 * all objects of a slab at once, and cannot fail; a stack is many times the size
 * of its control block, and can fail. So objects that nobody ever used own none,
 * and what fails is one birth, with an error, not the growth of a cache.
 *
 * GIVING BACK. A slab goes back only when all of its objects are free, so one
 * living thread would hold the stacks of its dead neighbours for ever. Hence
 * proc_release_kept() takes stacks from free objects too: it allocates them, one
 * after the other, until a fresh one says that there are no more, and frees them
 * bare. A count of constructions tells which one was fresh; in a back end that
 * constructs each time it is the first, and there are no idle stacks. What lies on
 * another CPU at that moment, or dies there next, is missed: do_fork asks again. This is
 * done under pressure (reclaimer), when there is no stack slot left, and by the reaper
 * every few seconds if more than IDLE_STACKS_MAX lie idle. Not by free_proc: it
 * would have to strip the object that is freed, which is the one that the next
 * birth takes.
 *
 * LOCKING. None of its own. Everything here runs in threads, without a lock.
 */
#include <kernel/page.h>
#include <kernel/string.h>
#include <kernel/tlb.h>
#include "internal.h"

#define IDLE_STACKS_MAX 64

static struct kmem_cache *proc_cache;
static unsigned nr_constructed;
static size_t nr_stripped; /* stacks given back since the start */

/* -- the object ----------------------------------------------------------------- */

/* Whatever a life changes: back to its start value. The stack stays. What must
 * be in order for a thread to end (nothing held, no children, not waiting) is. */
static inline void
set_start_values(struct proc_struct *proc)
{
	proc->tf = NULL;
	proc->mm = NULL;
	proc->nr_traps = 0; /* a thread may end in a system call */
	atomic_store_relaxed(&proc->state, (enum proc_state)PROC_UNINIT);
	atomic_store_relaxed(&proc->cpu, 0u);
	proc->bound_cpu = CPU_ANY;
	proc->time_slice = 0;
	proc->runs = 0;
	proc->cycles = 0;
	proc->pid = -1;
	proc->flags = 0;
	proc->exit_code = 0;
	proc->parent = NULL;
	__builtin_memset(proc->name, 0, sizeof(proc->name));
}

static void
proc_ctor(void *object)
{
	struct proc_struct *proc = object;

	memset(proc, 0, sizeof(*proc));
	proc->space = &kernel_space;
	list_init(&proc->children);
	list_init(&proc->zombies);
	set_start_values(proc);
	(void)atomic_add(&nr_constructed, 1u);
}

static void
strip(struct proc_struct *proc)
{
	if (proc->kstack == 0)
		return;
	kstack_free(proc->kstack);
	proc->kstack = 0;
	(void)atomic_add(&nr_stripped, 1);
}

static void
proc_dtor(void *object)
{
	strip(object);
}

struct proc_struct *
alloc_proc(void)
{
	return kmem_cache_alloc(proc_cache, GFP_KERNEL);
}

void
free_proc(struct proc_struct *proc)
{
	debug_assert(proc->wait_state == WT_NONE && proc->child_wait == NULL);
	debug_assert(proc->space == &kernel_space);
	debug_assert(proc->fpu == NULL);
	arch_thread_discard(&proc->context);
	set_start_values(proc);
	kmem_cache_free(proc_cache, proc);
}

void
set_proc_name(struct proc_struct *proc, const char *name)
{
	memset(proc->name, 0, sizeof(proc->name));
	strlcpy(proc->name, name, sizeof(proc->name));
}

/* -- idle stacks ------------------------------------------------------------------ */

/* Takes the stacks of free objects of this node. */
static void
strip_node(unsigned node)
{
	struct list bare;
	unsigned nr_before;
	bool had_stack;

	list_init(&bare);
	do {
		struct proc_struct *proc;

		nr_before = atomic_load(&nr_constructed);
		proc = kmem_cache_alloc_node(
			proc_cache, __GFP_THISNODE | __GFP_NOWARN, node);
		if (proc == NULL)
			break;
		had_stack = proc->kstack != 0;
		strip(proc);
		list_add(&bare, &proc->list_link);
		/* Others construct too: a stack says that this one is not fresh. */
	} while (had_stack || atomic_load(&nr_constructed) == nr_before);
	while (!list_empty(&bare)) {
		struct proc_struct *proc =
			list_first_entry(&bare, struct proc_struct, list_link);

		list_unlink(&proc->list_link);
		kmem_cache_free(proc_cache, proc);
	}
}

size_t
proc_release_kept(void)
{
	size_t before = atomic_load(&nr_stripped);

	/* All free objects into their slabs, and as many slabs as possible
	 * away; then what lies between living threads. */
	(void)kmem_cache_shrink(proc_cache);
	for (unsigned node = 0; node < nr_page_nodes && proc_nr_kept() > 0;
	     node++)
		strip_node(node);
	(void)kmem_cache_shrink(proc_cache);
	/* Not fewer stacks than before: others may have mapped as many. */
	return (atomic_load(&nr_stripped) - before) * ARCH_KSTACK_PAGES;
}

void
proc_reap_kept(void)
{
	if (proc_nr_kept() > IDLE_STACKS_MAX)
		(void)proc_release_kept();
}

static size_t
kept_reclaim(size_t nr_wanted, gfp_t gfp)
{
	return proc_release_kept();
}

static struct reclaimer kept_reclaimer = {
	.name = "idle kernel stacks",
	.reclaim = kept_reclaim,
};

void
control_block_init(void)
{
	const struct kmem_cache_args args = {
		.align = CACHE_LINE,
		.ctor = proc_ctor,
		.dtor = proc_dtor,
	};

	proc_cache = kmem_cache_create_args(
		"proc_struct", sizeof(struct proc_struct), &args, SLAB_PANIC);
	reclaimer_register(&kept_reclaimer);
}
