/*
 * Address spaces as CPUs see them: which one each CPU has loaded, and how CPUs are
 * made to forget what is in the tables no longer.
 *
 * struct space stands here, below the scheduler, because every switch of threads
 * looks at it. What is mapped in a space is the business of <kernel/space.h>.
 */
#ifndef KERNEL_TLB_H
#define KERNEL_TLB_H

#include <kernel/lock.h>
#include <arch/mmu.h>

struct page;

struct space {
	struct arch_space arch; /* (c) the port's: where the tables are */
	struct spinlock lock;	/* changes to the tables */
	unsigned cpus;	     /* atomic; a bit for each CPU that has it loaded */
	unsigned generation; /* atomic; how often it was flushed, modulo 2^32 */
};
BUILD_ASSERT(MAX_CPUS <= 8 * sizeof(unsigned));

/* The kernel's. It is part of every other, so every CPU has it loaded; a thread that
 * has no other (proc->space) has this one. */
extern struct space kernel_space;

/* -- switching -------------------------------------------------------------------- */

/* This CPU loads `to` instead of `from`, which is another one. Interrupts off; for
 * proc_run(). */
void space_switch(struct space *from, struct space *to);

/* The calling kernel thread borrows a space: it can reach the user memory of it
 * (<arch/user.h>) until space_unuse(). It has none yet, and ends with none. The space
 * must not be destroyed before. Any context of a thread; does not sleep. */
void space_use(struct space *space);
void space_unuse(void);

/* This CPU is about to take interrupts: it is asked from now on to forget kernel
 * mappings. Interrupts off. */
void tlb_cpu_online(void);

/* -- flushing ---------------------------------------------------------------------- */

#define TLB_BATCH_RANGES 8
#define TLB_BATCH_PAGES 32

struct tlb_range {
	uintptr_t va;
	size_t nr; /* pages */
};

/*
 * What was taken out of a space's tables, or lost rights there, and is not yet
 * forgotten by all CPUs: addresses, and pages of which a reference is to be dropped
 * after that. It is filled under the space's lock, and flushed without. On the stack
 * of one thread.
 */
struct tlb_batch {
	struct space *space;
	unsigned generation;   /* of this flush; set by tlb_forget */
	unsigned nr_ranges;    /* one more than fit: all of the space */
	size_t nr_range_pages; /* in all ranges */
	unsigned nr_pages;
	struct tlb_range ranges[TLB_BATCH_RANGES];
	struct page *pages[TLB_BATCH_PAGES];
};

static inline void
tlb_batch_init(struct tlb_batch *batch, struct space *space)
{
	batch->space = space;
	batch->nr_ranges = 0;
	batch->nr_range_pages = 0;
	batch->nr_pages = 0;
}

/* nr pages from va on are to be forgotten. Any context. */
void tlb_batch_add_range(struct tlb_batch *batch, uintptr_t va, size_t nr);

/* The same for one page, whose reference (page may be NULL: there is none) is to be
 * dropped then. The batch is not full. */
void tlb_batch_add_page(struct tlb_batch *batch, uintptr_t va,
			struct page *page);

static inline bool
tlb_batch_is_full(const struct tlb_batch *batch)
{
	return batch->nr_pages == TLB_BATCH_PAGES;
}

/* All CPUs forget what is in the batch, then its references are dropped. It is empty
 * afterwards. Waits for other CPUs: interrupts on, no spinlock
 * (assert_may_wait_for_cpus). */
void tlb_batch_flush(struct tlb_batch *batch);

/* The first half of it, for a caller that frees the pages itself: all CPUs forget.
 * Same context. */
void tlb_forget(struct tlb_batch *batch);

/* Does what other CPUs asked this one to forget. Interrupts off, in a trap. */
void tlb_run_requests(void);

/* What happened on all CPUs so far, about: for tests and the curious. */
struct tlb_stats {
	unsigned long nr_asked;	  /* requests of other CPUs */
	unsigned long nr_ranges;  /* flushes of single ranges, */
	unsigned long nr_whole;	  /* and of whole spaces */
	unsigned long nr_skipped; /* there was nothing to forget any more */
};
struct tlb_stats tlb_stats_take(void);

#endif /* KERNEL_TLB_H */
