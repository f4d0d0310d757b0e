/*
 * Calls to another CPU: run this there, and wait until it is done.
 *
 * Per-CPU lists (hot pages, caches) belong to their CPU alone; who wants
 * something done to them asks that CPU. The request lies on the caller's stack;
 * it is put on the target's list, the target is kicked, takes the whole list in its
 * interrupt and marks each request done, which is the last it touches of it.
 *
 * LOCKING. One lock per CPU's list, rank CPU_CALL, interrupts off. The caller
 * waits with interrupts on and no spinlock: two CPUs may call each other. Debug
 * builds insist (assert_may_wait_for_cpus) on every call, also on one to the own
 * CPU, so that a wrong caller is found on a machine with one CPU too.
 */
#include "internal.h"

struct cpu_call {
	void (*fn)(void *arg);
	void *arg;
	struct list link;
	unsigned done;
};

struct cpu_calls {
	struct spinlock lock; /* guards the list */
	struct list pending;
} __cacheline_aligned;

static struct cpu_calls cpu_calls[MAX_CPUS];

void
cpu_calls_init(void)
{
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
		spin_init(&cpu_calls[cpu].lock, LOCK_RANK_CPU_CALL, "cpu_call");
		list_init(&cpu_calls[cpu].pending);
	}
}

void
cpu_calls_run(void)
{
	struct cpu_calls *calls = &cpu_calls[arch_cpu_id()];
	struct list batch, *pos, *next;
	irq_state_t irqs;

	list_init(&batch);
	irqs = spin_lock_irqsave(&calls->lock);
	list_splice_tail(&batch, &calls->pending);
	spin_unlock_irqrestore(&calls->lock, irqs);
	list_for_each_safe(pos, next, &batch) {
		struct cpu_call *call = list_entry(pos, struct cpu_call, link);

		call->fn(call->arg);
		atomic_store(&call->done, 1u);
	}
}

void
sched_check_wait_for_cpus(void)
{
	const struct proc_struct *self = current;
	irq_state_t irqs = arch_irq_save();
	bool online = atomic_load(&run_queues[arch_cpu_id()].online);

	arch_irq_restore(irqs);
	if (!online)
		return;
	if (self->irq_depth > 0)
		panic("a wait for other CPUs, in an interrupt");
	if (self->held != NULL)
		panic("a wait for other CPUs, under spinlock %s",
		      self->held->name);
	if (self->preempt_count > 0)
		panic("a wait for other CPUs, with preemption off");
	if (!irqs)
		panic("a wait for other CPUs, with interrupts off");
}

void
cpu_call(unsigned cpu, void (*fn)(void *), void *arg)
{
	struct cpu_call call = { .fn = fn, .arg = arg };
	struct cpu_calls *calls = &cpu_calls[cpu];
	irq_state_t irqs;
	bool started;

	assert(cpu < nr_cpus);
	assert_may_wait_for_cpus();
	local_intr_save(irqs); /* stay on this CPU while asking which it is */
	if (cpu == arch_cpu_id()) {
		fn(arg);
		local_intr_restore(irqs);
		return;
	}
	started = atomic_load(&run_queues[arch_cpu_id()].online);
	local_intr_restore(irqs);
	while (!atomic_load(&run_queues[cpu].online)) {
		if (!started)
			return; /* the boot CPU, before there are others */
		arch_cpu_relax();
	}
	assert(arch_irqs_on() && current->preempt_count == 0);
	irqs = spin_lock_irqsave(&calls->lock);
	list_add_tail(&calls->pending, &call.link);
	spin_unlock_irqrestore(&calls->lock, irqs);
	arch_cpu_kick(cpu);
	while (atomic_load(&call.done) == 0)
		arch_cpu_relax();
}
