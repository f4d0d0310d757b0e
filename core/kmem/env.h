/*
 * All that the object allocators see of the world.
 *
 * The front, slob/ and slab/ (with percpu/ and debug/) use of the kernel only these
 * functions, and headers that are arithmetic: lists, strings, atomics, errors. Who wants
 * the allocators elsewhere, in another kernel or in a program, writes this page anew.
 * (show/ prints for the monitor, and settings are the kernel's: these two see more.)
 *
 * SHARED PRECONDITIONS, which the functions do not repeat:
 *
 *   [here]  Interrupts are off, or the caller is bound to its CPU. What the function says
 *	     about "this CPU" is true until that ends.
 *   [any]   Any context: also in an interrupt, under a lock, with interrupts off.
 *   [sleep] The caller may sleep: env_may_sleep() is true.
 *
 * A function without a mark is [any]. Locks are of one rank: two of them are never held
 * at once, and nothing is allocated, freed or called back under one. (The lock of
 * reports is of a higher rank, and may be taken under any of the others.)
 */
#ifndef KMEM_ENV_H
#define KMEM_ENV_H

#include <kernel/failpoint.h>
#include <kernel/lock.h>
#include <kernel/page.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/thread.h>
#include <kernel/timer.h>
#include <arch/boot.h>
#include <arch/cpu_stack.h>

/* -- interrupts and locks --------------------------------------------------------- */

/* Nothing else runs on this CPU until the state is handed back. In a program: whatever
 * keeps a thread's part of a cache its own. */
static __always_inline irq_state_t
env_irqs_off(void)
{
	return arch_irq_save();
}

static __always_inline void
env_irqs_restore(irq_state_t state)
{
	arch_irq_restore(state);
}

#define ENV_LOCK_INIT(name) SPINLOCK_INIT(LOCK_RANK_KMEM, name)
#define ENV_REPORT_LOCK_INIT SPINLOCK_INIT(LOCK_RANK_REPORT, "kmem report")

/* name: a constant, for messages. */
static inline void
env_lock_init(struct spinlock *lock, const char *name)
{
	spin_init(lock, LOCK_RANK_KMEM, name);
}

/* Turns interrupts off and takes the lock; returns what env_unlock wants back. */
static __always_inline irq_state_t
env_lock(struct spinlock *lock) ACQUIRES(lock)
NO_THREAD_SAFETY
{
	return spin_lock_irqsave(lock);
}

static __always_inline void
env_unlock(struct spinlock *lock, irq_state_t state) RELEASES(lock)
NO_THREAD_SAFETY
{
	spin_unlock_irqrestore(lock, state);
}

/* The same where interrupts are off already. [here] */
static __always_inline void
env_lock_here(struct spinlock *lock) ACQUIRES(lock)
NO_THREAD_SAFETY
{
	spin_lock(lock);
}

static __always_inline void
env_unlock_here(struct spinlock *lock) RELEASES(lock)
NO_THREAD_SAFETY
{
	spin_unlock(lock);
}

/* -- CPUs and nodes ---------------------------------------------------------------- */

/* CPUs are 0 .. env_nr_cpus() - 1, fewer than MAX_CPUS + 1; constant from the start on. */
static __always_inline unsigned
env_nr_cpus(void)
{
	return nr_cpus;
}

/* This CPU. [here] */
static __always_inline unsigned
env_cpu(void)
{
	return arch_cpu_id();
}

/* Memory nodes are 0 .. env_nr_nodes() - 1; constant. */
static __always_inline unsigned
env_nr_nodes(void)
{
	return nr_page_nodes;
}

static __always_inline unsigned
env_node_of(unsigned cpu)
{
	return node_of_cpu[cpu];
}

/* This CPU's node. [here] */
static __always_inline unsigned
env_node(void)
{
	return env_node_of(env_cpu());
}

/* The node that is the i-th nearest to `home`; i = 0 is that itself. */
static inline unsigned
env_node_nearest(unsigned home, unsigned i)
{
	return page_node_nearest(home, i);
}

/* Runs fn(arg) on that CPU, interrupts off there, and waits for it. [sleep] */
static inline void
env_call_cpu(unsigned cpu, void (*fn)(void *arg), void *arg)
{
	cpu_call(cpu, fn, arg);
}

/* A stack of free objects for each CPU, without a lock: arch/cpu_stack.h says what these
 * promise. */
static __always_inline void *
env_stack_pop(struct cpu_stack *const stacks[])
{
	return arch_cpu_stack_pop(stacks);
}

static __always_inline bool
env_stack_push(struct cpu_stack *const stacks[], void *object)
{
	return arch_cpu_stack_push(stacks, object);
}

/* -- pages --------------------------------------------------------------------------- */

/* nr contiguous pages near this CPU; NULL: no memory. Sleeps if gfp says that it may. */
static __always_inline struct page *
env_pages_get(gfp_t gfp, size_t nr)
{
	return alloc_pages_gfp(gfp, nr);
}

/* The same, by preference of that node. */
static __always_inline struct page *
env_pages_get_at(unsigned node, gfp_t gfp, size_t nr)
{
	return alloc_pages_node(node, gfp, nr);
}

/* Their kind is PAGE_PLAIN again. */
static __always_inline void
env_pages_put(struct page *base, size_t nr)
{
	free_pages(base, nr);
}

/* The same for one page, which is what is wanted most. */
static __always_inline struct page *
env_page_get(gfp_t gfp)
{
	return alloc_page(gfp);
}

static __always_inline void
env_page_put(struct page *page)
{
	free_page(page);
}

/* Pages that are free, and all there are. */
static inline size_t
env_nr_pages_free(void)
{
	return nr_free_pages();
}

static inline size_t
env_nr_pages(void)
{
	return nr_managed_pages();
}

/* The page that an address lies in, whose owner words say which slab and cache that is;
 * NULL: it is no memory's. */
static __always_inline struct page *
env_page_of(const void *address)
{
	return phys_to_page(arch_virt_to_phys(address));
}

static __always_inline void *
env_page_address(const struct page *page)
{
	return page_to_virt(page);
}

/* The i-th page of all memory; NULL behind the last. */
static inline struct page *
env_page_at(size_t i)
{
	return i < mem_map_nr ? &mem_map[i] : NULL;
}

/* -- time and threads ------------------------------------------------------------------ */

static inline bool
env_may_sleep(void)
{
	return may_sleep();
}

/* Waits a little for what another thread or CPU is about to do: sleeps, where that is
 * possible. No lock held. */
static inline void
env_nap(void)
{
	if (env_may_sleep())
		(void)sleep_ticks(1);
	else
		arch_cpu_relax();
}

/* Time in ticks, TICKS_PER_SECOND of them; it wraps around. */
static inline unsigned long
env_ticks(void)
{
	return ticks_now();
}

/* Who runs here, for reports. */
static inline const char *
env_thread_name(void)
{
	return current->name;
}

static inline int
env_thread_pid(void)
{
	return current->pid;
}

static inline bool
env_in_interrupt(void)
{
	return current->irq_depth != 0;
}

/* Why nobody may sleep here; NULL: one may. The idle thread has interrupts off while it
 * starts the kernel, and nobody to wait for. */
static inline const char *
env_why_not_sleep(void)
{
	const struct proc_struct *self = current;
	bool is_idle = self >= idle_threads && self < idle_threads + MAX_CPUS;

	if (self->irq_depth > 0)
		return "in an interrupt";
	if (self->preempt_count > 0 || self->held != NULL)
		return "under a spinlock";
	if (!arch_irqs_on() && !is_idle)
		return "with interrupts off";
	return NULL;
}

/* -- trouble, real and made ------------------------------------------------------------- */

/* Debug builds: whether this allocation is to fail, for a test. */
static __always_inline bool
env_fails(void)
{
	return KERNEL_DEBUG && failpoint();
}

/* Return addresses of the callers, newest first; returns how many. */
static __always_inline unsigned
env_backtrace(uintptr_t *pcs, size_t most)
{
	return arch_backtrace(NULL, pcs, most);
}

/* The i-th range of the image's data, where pointers to objects may lie; false: none. */
static inline bool
env_data_range(unsigned i, const void **from, const void **to)
{
	return arch_data_range(i, from, to);
}

#endif /* KMEM_ENV_H */
