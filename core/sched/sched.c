/*
 * The scheduler: who runs next on each CPU.
 *
 * PROBLEM. Many threads, few CPUs. Threads come (fork, wake-up), go (sleep,
 * exit) and are taken off (the clock), on any CPU, at any moment an interrupt
 * may choose; each thread runs on at most one CPU, none is forgotten, and what
 * a decision costs does not depend on how many threads there are.
 *
 * MODEL. Each CPU has a run queue. It holds the threads that want this CPU;
 * the one that has it (`curr`) is outside the class's queue:
 *
 *	wakeup_proc ---> [ queue: c b a ] ---pick_next---> curr
 *	                      ^                             |
 *	                      +---- still RUNNABLE ---------+---> sleeps, ends
 *
 * The order inside is the class's affair (fifo, rr, ...: a const table of
 * functions, policies.c). When the queue is empty the idle thread runs, which
 * is never queued. A CPU that would idle takes a thread from another CPU's
 * queue, the fullest first; a wake-up prefers the CPU where the thread ran
 * last, or an idle one.
 *
 * STATES. A thread makes itself SLEEPING, then looks whether what it waits for
 * has come already, then calls schedule(). Only schedule() itself, under the
 * run-queue lock, takes it off (on_rq = false). wakeup_proc (wake.c), under the same
 * lock, makes it RUNNABLE, and queues it only if it is off: a wake-up that
 * comes between the two simply cancels the sleep. A thread that is *preempted*
 * between the two stays queued, SLEEPING or not: it has not looked yet.
 *
 * THE SWITCH. proc_run() leaves one stack and continues on another with the
 * run-queue lock held throughout:
 *
 *	prev: schedule() { lock; ...; switch_to(prev, next) -- gone --
 *	next:     -- here --> finish_switch(): prev->on_cpu = 0; unlock }
 *
 * so nobody who holds the lock of p->cpu ever sees p half saved, and a thread
 * that a wake-up moves to another CPU is complete. A new thread does the second
 * half in sched_finish_switch(), called by forkret. Only who holds no run-queue
 * lock (do_wait, about to free a dead thread's stack) waits for on_cpu == 0.
 * After switch_to nothing that was known before it about "this CPU" is true.
 *
 * THE END. sched_exit() is the last switch of a thread. It names the thread that
 * waits for this end; if that one's CPU is this one and nobody else wants it, it
 * goes on at once, without the way through the queue.
 *
 * PREEMPTION. The tick (or a wake-up for an idle CPU) sets need_resched. It is
 * acted upon where the last obstacle ends: at the end of the outermost interrupt
 * (core/trap; no spinlock held, interrupts on in its frame), when the last spinlock
 * is released, or when interrupts come on again - preempt_schedule().
 *
 * LOCKING. rq->lock, rank RUN_QUEUE, interrupts off; nearly the innermost, so that
 * anyone may wake anyone. proc->cpu says which lock guards a thread; it changes
 * only under the old one. Two run queues are held at once only for stealing,
 * and the second is only tried.
 *
 * COST. schedule() and wakeup_proc(): constant in the number of threads;
 * the choice of an idle CPU is linear in the number of CPUs.
 *
 * TO CHANGE the order in which threads run: add a class (one file, one line in
 * policies.c). To change where they run: select_rq() in wake.c, and steal() below.
 */
#include <kernel/string.h>
#include <kernel/timer.h>
#include <kernel/tlb.h>
#include <arch/fpu.h>
#include "internal.h"

struct run_queue run_queues[MAX_CPUS];
struct proc_struct idle_threads[MAX_CPUS];
unsigned nr_cpus = 1;

/* The idle thread's CPU is already running on it; it becomes an ordinary
 * current thread whose process fields proc_init() and alloc_proc() know. */
static void
init_idle_thread(unsigned cpu)
{
	struct proc_struct *idle = &idle_threads[cpu];

	idle->state = PROC_RUNNABLE;
	idle->flags = PF_IDLE;
	idle->cpu = cpu;
	idle->bound_cpu = cpu;
	idle->on_cpu = 1;
	idle->on_rq = true;
	idle->need_resched = 1;
	idle->space = &kernel_space;
	list_init(&idle->children);
	list_init(&idle->zombies);
	list_init(&idle->list_link);
	list_init(&idle->sibling);
	strlcpy(idle->name, "idle", sizeof(idle->name));
}

void
sched_init(unsigned nr)
{
	nr_cpus = nr;
	cpu_calls_init();
	timers_init();
	for (unsigned cpu = 0; cpu < nr; cpu++) {
		struct run_queue *rq = &run_queues[cpu];

		spin_init(&rq->lock, LOCK_RANK_RUN_QUEUE, "run_queue");
		rq->cpu = cpu;
		rq->class = sched_class_chosen();
		rq->idle = &idle_threads[cpu];
		rq->curr = rq->idle;
		rq->class->init(rq);
		init_idle_thread(cpu);
	}
}

void
sched_cpu_online(void)
{
	struct run_queue *rq = this_rq();

	rq->idle->cycles -= arch_cycles();
	tlb_cpu_online();
	atomic_store(&rq->online, true);
}

/* -- the switch ------------------------------------------------------------- */

/* First thing after switch_to, on the new thread's stack: the one that was
 * here before is complete now. Returns the run queue of *this* CPU. */
static inline struct run_queue *
finish_switch(void)
{
	struct run_queue *rq = this_rq();

	atomic_store(&rq->prev->on_cpu, 0u);
	return rq;
}

/* At least one of the two threads has a space or an FPU state of its own. Out of
 * line: kernel threads have neither. */
static __noinline void
switch_user_state(struct proc_struct *prev, struct proc_struct *next)
{
	if (next->space != prev->space)
		space_switch(prev->space, next->space);
	if (prev->fpu != NULL)
		arch_fpu_save(prev->fpu);
	if (next->fpu != NULL)
		arch_fpu_load(next->fpu);
}

/* Interrupts off, run-queue lock held; returns when `prev` runs again, with
 * the lock of the CPU it then runs on. */
static inline struct run_queue *
proc_run(struct run_queue *rq, struct proc_struct *prev,
	 struct proc_struct *next) NO_THREAD_SAFETY
{
	uint64_t now = arch_cycles();

	/* While a thread runs, its account lacks the moment it began at. */
	prev->cycles += now;
	next->cycles -= now;
	atomic_count(&rq->nr_switches, 1);
	rq->prev = prev;
	atomic_store_relaxed(&rq->curr, next);
	next->on_cpu = 1;
	arch_set_current(next);
	arch_set_kernel_stack((char *)next->kstack +
			      ARCH_KSTACK_PAGES * PAGE_SIZE);
	if (unlikely((prev->has_user_state | next->has_user_state) != 0))
		switch_user_state(prev, next);
	if (KERNEL_DEBUG)
		lock_debug_hand_over(&rq->lock, prev, next);
	switch_to(&prev->context, &next->context);
	return finish_switch();
}

void
sched_finish_switch(void) NO_THREAD_SAFETY
{
	struct run_queue *rq = finish_switch();

	spin_release(&rq->lock);
}

/* -- choosing --------------------------------------------------------------- */

/* A thread from the fullest other queue, for this CPU that has none. Our lock
 * is held and stays held (prev may be half asleep under it), so the other one
 * is only tried: two CPUs may want to steal from each other. */
static struct proc_struct *
steal_from(struct run_queue *rq, struct run_queue *victim) NO_THREAD_SAFETY
{
	struct proc_struct *proc;

	if (!spin_try_acquire(&victim->lock)) {
		rq->steal_again = true;
		return NULL;
	}
	proc = victim->class->pick_migrant(victim);
	if (proc != NULL) {
		atomic_store_relaxed(&victim->nr_running,
				     victim->nr_running - 1);
		atomic_store_relaxed(&proc->cpu, rq->cpu);
		atomic_count(&rq->nr_migrations_in, 1);
	}
	spin_release(&victim->lock);
	return proc;
}

static struct proc_struct *
steal(struct run_queue *rq)
{
	struct run_queue *fullest = NULL;
	struct proc_struct *proc;
	unsigned most = 0;

	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		unsigned nr = atomic_load_relaxed(&run_queues[cpu].nr_running);

		if (cpu != rq->cpu && nr > most) {
			most = nr;
			fullest = &run_queues[cpu];
		}
	}
	if (fullest == NULL)
		return NULL;
	proc = steal_from(rq, fullest);
	/* It may hold nothing but bound threads. */
	for (unsigned cpu = 0; cpu < nr_cpus && proc == NULL; cpu++) {
		struct run_queue *victim = &run_queues[cpu];

		if (victim != rq && victim != fullest &&
		    atomic_load_relaxed(&victim->nr_running) > 0)
			proc = steal_from(rq, victim);
	}
	return proc;
}

static inline struct proc_struct *
pick_next(struct run_queue *rq)
{
	struct proc_struct *next = NULL;

	if (likely(rq->nr_running > 0)) {
		atomic_store_relaxed(&rq->nr_running, rq->nr_running - 1);
		return rq->class->pick_next(rq);
	}
	if (nr_cpus > 1)
		next = steal(rq);
	return next != NULL ? next : rq->idle;
}

/*
 * Interrupts off. preempted: the thread did not ask for it, so it stays queued
 * whatever it was about to do.
 */
static __always_inline void
schedule_as(bool preempted) NO_THREAD_SAFETY
{
	struct proc_struct *prev = current, *next;
	struct run_queue *rq = this_rq();

	debug_assert(prev->preempt_count == 0 && prev->held == NULL);
	spin_acquire(&rq->lock, true);
	atomic_store_relaxed(&prev->need_resched, 0);
	if (prev == rq->idle) {
		next = pick_next(rq);
	} else if (preempted ||
		   atomic_load_relaxed(&prev->state) == PROC_RUNNABLE) {
		/* One in, one out: nr_running stays. */
		rq->class->enqueue(rq, prev);
		next = rq->class->pick_next(rq);
	} else {
		prev->on_rq = false;
		next = pick_next(rq);
	}
	if (next == prev) {
		spin_release(&rq->lock);
		return;
	}
	next->runs++;
	/* Idle gives way to whoever comes; that is no loss. */
	if (preempted && prev != rq->idle)
		atomic_count(&rq->nr_preemptions, 1);
	rq = proc_run(rq, prev, next);
	spin_release(&rq->lock);
}

void
schedule(void)
{
	irq_state_t irqs;

	debug_assert(current->irq_depth == 0);
	local_intr_save(irqs); /* nothing may move us between CPUs in here */
	schedule_as(false);
	arch_irq_restore(irqs);
}

void
schedule_irqs_off(void)
{
	debug_assert(!arch_irqs_on() && current->irq_depth == 0);
	schedule_as(false);
}

/* Whether `heir`, who sleeps and is to be woken, may go on here at once: it is
 * what waking and then choosing would come to. */
static inline bool
may_take_over(const struct run_queue *rq, const struct proc_struct *heir)
{
	return rq->nr_running == 0 &&
	       atomic_load_relaxed(&heir->cpu) == rq->cpu &&
	       atomic_load_relaxed(&heir->state) == PROC_SLEEPING;
}

void
sched_exit(struct proc_struct *heir) NO_THREAD_SAFETY
{
	struct proc_struct *self = current, *next;
	struct run_queue *rq = this_rq();

	debug_assert(!arch_irqs_on() && self->irq_depth == 0);
	debug_assert(self->preempt_count == 0 && self->held == NULL);
	spin_acquire(&rq->lock, true);
	if (heir != NULL && likely(may_take_over(rq, heir))) {
		atomic_store(&heir->state, (enum proc_state)PROC_RUNNABLE);
		heir->on_rq = true;
		next = heir;
	} else {
		if (heir != NULL) {
			spin_release(&rq->lock);
			wakeup_proc(heir);
			spin_acquire(&rq->lock, true);
		}
		next = pick_next(rq);
	}
	atomic_store_relaxed(&self->need_resched, 0);
	self->on_rq = false;
	next->runs++;
	(void)proc_run(rq, self, next);
	panic("zombie %d was scheduled", self->pid);
}

__noinline void
sched_preempt(void)
{
	schedule_as(true);
}

void
preempt_schedule(void)
{
	struct proc_struct *self = current;
	irq_state_t irqs;

	if (self->preempt_count > 0 || self->irq_depth > 0 || !arch_irqs_on())
		return;
	do {
		local_intr_save(irqs);
		if (need_resched(self))
			sched_preempt();
		arch_irq_restore(irqs);
	} while (need_resched(self));
}

void
sched_note_user_state(void)
{
	struct proc_struct *self = current;

	self->has_user_state = self->fpu != NULL ||
			       self->space != &kernel_space;
}

void
sched_set_fpu(struct fpu_state *state)
{
	struct proc_struct *self = current;
	irq_state_t irqs;

	local_intr_save(irqs);
	if (self->fpu != NULL)
		arch_fpu_save(self->fpu);
	self->fpu = state;
	sched_note_user_state();
	if (state != NULL)
		arch_fpu_load(state);
	local_intr_restore(irqs);
}

/* -- the clock, idle ------------------------------------------------- */

void
sched_tick(void) NO_THREAD_SAFETY
{
	struct run_queue *rq = this_rq();

	spin_acquire(&rq->lock, true);
	if (rq->curr != rq->idle)
		rq->class->tick(rq, rq->curr);
	else
		set_need_resched(rq->idle); /* look for work elsewhere */
	spin_release(&rq->lock);
}

void
cpu_kicked(void)
{
	cpu_calls_run();
	tlb_run_requests();
}

void
cpu_idle(void)
{
	struct run_queue *rq = this_rq();

	for (;;) {
		rq->steal_again = false;
		schedule();
		/* From here to the halt an interrupt can only become pending,
		 * and then ends the halt: no wake-up is lost. */
		arch_irq_disable();
		if (need_resched(current) || rq->steal_again)
			arch_irq_enable();
		else
			arch_idle();
	}
}
