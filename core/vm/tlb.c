/*
 * Which CPU remembers which page tables, and how all of them are made to forget.
 *
 * PROBLEM.  A CPU keeps copies of table entries, its TLB, and goes on using them
 * long after the tables have changed. A page that was unmapped must not get its next
 * owner before every CPU that may have a copy has dropped it. Otherwise a thread of
 * the old owner writes into the new owner's page, and nobody ever finds out why. A CPU
 * can drop its own copies only, so the others must be asked, and waited for; and two
 * CPUs that wait for each other must not wait for ever.
 *
 * MODEL.  A space knows by a mask which CPUs have it loaded. A function that unmaps
 * collects what it takes out of the tables in a batch, under the space's lock. When it
 * has released the lock, it has the whole batch forgotten at once:
 *
 *	this CPU                                  each other CPU in the mask
 *	lock; tables change; batch fills; unlock        (works on)
 *	generation + 1
 *	reads the mask
 *	sets a bit in `from`, kicks -------------> interrupt: takes `from`,
 *	forgets                                      forgets,
 *	waits until outstanding = 0 <--------------  outstanding - 1
 *	drops the references: pages may be free now
 *
 * THE MASK.  A CPU sets its bit before it loads the tables of a space, and clears it
 * after it has loaded others, which makes it forget the old ones. So a CPU whose bit is
 * clear remembers nothing of the space:
 *
 *	flush:  the tables change   | barrier | reads the mask
 *	load:   the CPU sets its bit| barrier | walks the tables
 *
 * If the first does not see the bit, then the second sees the changed tables. Kernel
 * mappings are part of every space and survive a load, so the kernel's mask names all
 * CPUs that are up, and no switch ever changes it.
 *
 * GENERATIONS.  The flushes of a space are numbered. For the space that it has loaded,
 * and for the kernel's, a CPU knows the number up to which it has forgotten everything
 * (`seen`); a CPU that loads a space has seen all flushes until then. When requests
 * pile up, the first one whose predecessor is missing, or which is large, makes the CPU
 * forget the whole space, and with it everything that has a number by then. The other
 * requests find that nothing is left to do. Numbers are compared by their difference,
 * because they wrap.
 *
 * INVARIANTS.
 *   1. A CPU whose bit is clear in space->cpus has nothing of the space in its TLB.
 *   2. A mapping that was taken out of the tables before flush g is in no TLB of a CPU
 *	whose `seen` is g or later.
 *   3. The references in a batch are dropped when 1 or 2 holds for every CPU.
 *
 * LOCKING.  There is no lock. A CPU has one request at a time, because its thread is
 * not preempted while it waits, and interrupts do not flush. The thread waits with
 * interrupts on and without a spinlock, so that its CPU answers others meanwhile: two
 * CPUs that flush each other's TLBs both get on. Debug builds assert that rule
 * (assert_may_wait_for_cpus).
 *
 * COSTS.  A switch between two threads of one space is a comparison (proc_run), between
 * two spaces it is two atomic operations. A flush that concerns no other CPU is one
 * atomic operation and one test. Otherwise all CPUs in the mask are kicked, and work
 * at the same time.
 *
 * FAILURE.  Nothing here can fail: a request lies on the stack of the thread that waits.
 *
 * TO CHANGE how much is flushed page by page: FLUSH_ONE_BY_ONE_MAX. What is unmapped:
 * space.c. Batches with their pages: tlb_batch.c. What it means to forget:
 * arch_tlb_flush_* of the port.
 */
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/tlb.h>

/* A request for more pages than this makes a CPU forget the whole space. */
#define FLUSH_ONE_BY_ONE_MAX 32

struct space kernel_space = {
	.lock = SPINLOCK_INIT(LOCK_RANK_SPACE, "kernel space"),
};

struct tlb_cpu {
	/* This CPU alone, interrupts off. */
	struct space *loaded; /* whose user part it translates by; NULL: none */
	unsigned user_seen, kernel_seen;
	struct tlb_stats stats;

	/* Who asks it to forget something: a bit for each CPU that waits. Atomic. */
	unsigned from;

	/* What it asks of others. Set before its bit is in anyone's `from`. */
	const struct tlb_batch *request;
	unsigned nr_outstanding; /* atomic; CPUs that have not answered */
} __cacheline_aligned;

static struct tlb_cpu tlb_cpus[MAX_CPUS];

/* -- switching ------------------------------------------------------------------ */

void
space_switch(struct space *from, struct space *to)
{
	unsigned id = arch_cpu_id();
	struct tlb_cpu *cpu = &tlb_cpus[id];

	debug_assert(!arch_irqs_on());
	if (to != &kernel_space)
		__atomic_fetch_or(&to->cpus, 1u << id, __ATOMIC_SEQ_CST);
	cpu->user_seen = __atomic_load_n(&to->generation, __ATOMIC_SEQ_CST);
	cpu->loaded = to;
	arch_space_activate(&to->arch);
	if (from != &kernel_space)
		(void)atomic_and(&from->cpus, ~(1u << id));
}

static void
change_space(struct space *from, struct space *to)
{
	struct proc_struct *self = current;
	irq_state_t irqs;

	local_intr_save(irqs);
	assert(self->space == from && from != to);
	self->space = to;
	sched_note_user_state();
	space_switch(from, to);
	local_intr_restore(irqs);
}

void
space_use(struct space *space)
{
	change_space(&kernel_space, space);
}

void
space_unuse(void)
{
	change_space(current->space, &kernel_space);
}

void
tlb_cpu_online(void)
{
	unsigned id = arch_cpu_id();

	__atomic_fetch_or(&kernel_space.cpus, 1u << id, __ATOMIC_SEQ_CST);
	tlb_cpus[id].kernel_seen =
		__atomic_load_n(&kernel_space.generation, __ATOMIC_SEQ_CST);
	arch_tlb_flush_all();
}

/* -- forgetting ------------------------------------------------------------------- */

static inline bool
is_before(unsigned generation, unsigned other)
{
	return (int)(generation - other) < 0;
}

static bool
is_large(const struct tlb_batch *batch)
{
	return batch->nr_ranges > TLB_BATCH_RANGES ||
	       batch->nr_range_pages > FLUSH_ONE_BY_ONE_MAX;
}

/* This CPU forgets what the batch says, unless it has already. Interrupts off. */
static void
forget_here(struct tlb_cpu *cpu, const struct tlb_batch *batch)
{
	struct space *space = batch->space;
	bool is_kernel = space == &kernel_space;
	unsigned *seen = is_kernel ? &cpu->kernel_seen : &cpu->user_seen;

	if ((!is_kernel && cpu->loaded != space) ||
	    !is_before(*seen, batch->generation)) {
		atomic_count(&cpu->stats.nr_skipped, 1);
		return;
	}
	if (*seen + 1 == batch->generation && !is_large(batch)) {
		for (unsigned i = 0; i < batch->nr_ranges; i++)
			arch_tlb_flush_range(batch->ranges[i].va,
					     batch->ranges[i].nr);
		*seen = batch->generation;
		atomic_count(&cpu->stats.nr_ranges, 1);
		return;
	}
	/* Read first: what comes after may be remembered again. */
	*seen = atomic_load(&space->generation);
	atomic_count(&cpu->stats.nr_whole, 1);
	if (is_kernel)
		arch_tlb_flush_all();
	else
		arch_tlb_flush_user();
}

void
tlb_run_requests(void)
{
	struct tlb_cpu *cpu = &tlb_cpus[arch_cpu_id()];
	unsigned from;

	if (atomic_load_relaxed(&cpu->from) == 0)
		return;
	for (from = atomic_exchange(&cpu->from, 0u); from != 0;
	     from &= from - 1) {
		struct tlb_cpu *asker = &tlb_cpus[__builtin_ctz(from)];

		atomic_count(&cpu->stats.nr_asked, 1);
		forget_here(cpu, asker->request);
		/* The last that is touched of it. */
		(void)atomic_sub(&asker->nr_outstanding, 1u);
	}
}

/* Asks the CPUs of this mask. Preemption is off. */
static void
ask(unsigned self, unsigned others, const struct tlb_batch *batch)
{
	struct tlb_cpu *cpu = &tlb_cpus[self];
	unsigned nr = 0;

	for (unsigned left = others; left != 0; left &= left - 1)
		nr++;
	cpu->request = batch;
	atomic_store(&cpu->nr_outstanding, nr);
	for (; others != 0; others &= others - 1) {
		unsigned other = (unsigned)__builtin_ctz(others);

		(void)atomic_or(&tlb_cpus[other].from, 1u << self);
		arch_cpu_kick(other);
	}
}

void
tlb_forget(struct tlb_batch *batch)
{
	struct space *space = batch->space;
	unsigned self, others;
	irq_state_t irqs;

	assert_may_wait_for_cpus();
	if (batch->nr_ranges == 0)
		return;
	preempt_disable();
	self = arch_cpu_id();
	/* A full barrier: the tables have changed before the mask is read. */
	batch->generation =
		__atomic_add_fetch(&space->generation, 1u, __ATOMIC_SEQ_CST);
	others = __atomic_load_n(&space->cpus, __ATOMIC_SEQ_CST) &
		 ~(1u << self);
	if (unlikely(others != 0))
		ask(self, others, batch);
	irqs = arch_irq_save();
	forget_here(&tlb_cpus[self], batch);
	arch_irq_restore(irqs);
	while (unlikely(others != 0) &&
	       atomic_load(&tlb_cpus[self].nr_outstanding) != 0)
		arch_cpu_relax();
	preempt_enable();
}

struct tlb_stats
tlb_stats_take(void)
{
	struct tlb_stats sum = { 0, 0, 0, 0 };

	for (unsigned i = 0; i < nr_cpus; i++) {
		const struct tlb_stats *stats = &tlb_cpus[i].stats;

		sum.nr_asked += atomic_load_relaxed(&stats->nr_asked);
		sum.nr_ranges += atomic_load_relaxed(&stats->nr_ranges);
		sum.nr_whole += atomic_load_relaxed(&stats->nr_whole);
		sum.nr_skipped += atomic_load_relaxed(&stats->nr_skipped);
	}
	return sum;
}
