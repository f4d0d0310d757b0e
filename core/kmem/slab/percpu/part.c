/*
 * What a CPU has of a slab cache: the stack of free objects in front, whether
 * the front may use it, and the layers that keep it filled.
 *
 *	kmem_cache_alloc, kfree ...		 the front, without asking us
 *	      |   base.stack[cpu]
 *	      +--------------------> cache->cpu[cpu]->stack	open
 *	      +--------------------> kmem_closed_stack		closed
 *
 * A stack is *closed* by letting the front's pointer lead to one that is empty
 * and full at once. Then every operation comes to slab_alloc or slab_free, which
 * use the CPU's stack with interrupts off. So whatever wants to see each
 * operation costs nothing where it is not wanted: there is no flag to test.
 * Reasons to be closed:
 *	fast=plain	the classic way, for comparison; hits are counted then
 *	failslab	allocations fail on purpose (fail.c)
 *	reaping		for one operation: who comes by opens it again, and has
 *			thereby said that the cache is in use (percpu_touch)
 *
 * FREES on a machine of several nodes have to be looked at: is the object of
 * this CPU's node? There only the way in is closed (stack.end is NULL).
 *
 * CONTEXT.  A CPU's pointer and part are changed on that CPU with interrupts off;
 * an operation of the front that was under way begins anew (kernel/restart.h).
 */

#include "layer.h"

/* -- sizes ------------------------------------------------------------------------------- */

unsigned
percpu_limit_of(const struct slab_limit limits[], size_t size)
{
	while (size <= limits->above)
		limits++;
	return limits->limit;
}

bool
percpu_tunables_ok(const struct slab_layer *layer,
		   const struct slab_tunables *tunables)
{
	return tunables->batchcount >= 1 &&
	       tunables->batchcount <= tunables->limit &&
	       layer->accepts(tunables);
}

/* CPUs whose node this is. */
static unsigned
node_nr_cpus(unsigned nodeid)
{
	unsigned nr = 0;

	for (unsigned cpu = 0; cpu < env_nr_cpus(); cpu++)
		nr += env_node_of(cpu) == nodeid;
	return nr;
}

size_t
percpu_free_limit(const struct slab_cache *cache, unsigned nodeid,
		  const struct slab_tunables *tunables)
{
	return (size_t)(1 + node_nr_cpus(nodeid)) * tunables->batchcount +
	       cache->layout.num;
}

/* -- open and closed --------------------------------------------------------------------- */

/* Lets the front go where it may. Here. */
static void
stack_point(struct slab_cache *cache, unsigned id)
{
	struct slab_cpu *cpu = cache->cpu[id];
	bool is_open = cpu != NULL && atomic_load_relaxed(&cache->closed) == 0;

	cache->base.stack[id] = is_open ? &cpu->stack : &kmem_closed_stack;
}

static void
stack_point_here(void *cache)
{
	stack_point(cache, env_cpu());
}

void
percpu_close(struct slab_cache *cache, unsigned reasons)
{
	(void)atomic_or(&cache->closed, reasons);
	percpu_on_each(stack_point_here, cache);
}

void
percpu_open(struct slab_cache *cache, unsigned reasons)
{
	(void)atomic_and(&cache->closed, ~reasons);
	percpu_on_each(stack_point_here, cache);
}

void
percpu_install(struct slab_cache *cache, unsigned id, struct slab_cpu *cpu)
{
	cache->cpu[id] = cpu;
	stack_point(cache, id);
}

void
percpu_set(struct slab_cpu *cpu, void **bottom, unsigned avail, unsigned limit)
{
	bottom[0] = NULL;
	cpu->bottom = bottom;
	cpu->last = bottom + limit;
	cpu->stack.top = bottom + avail;
	cpu->stack.end = env_nr_nodes() == 1 ? cpu->last : NULL;
}

void
percpu_touched(struct slab_cache *cache, struct slab_cpu *cpu)
{
	cpu->touched = true;
	stack_point(cache, env_cpu());
}

bool
percpu_was_touched(struct slab_cache *cache, struct slab_cpu *cpu)
{
	bool was_touched = cpu->touched;

	cpu->touched = false;
	cache->base.stack[env_cpu()] = &kmem_closed_stack;
	return was_touched;
}

/* -- all of a CPU's ----------------------------------------------------------------------- */

void
percpu_drain(struct slab_cache *cache)
{
	irq_state_t state = env_irqs_off();
	struct slab_cpu *cpu = cache->cpu[env_cpu()];

	if (cpu != NULL)
		cache->layer->drain_cpu(cache, cpu);
	env_irqs_restore(state);
}

void
percpu_visit(struct slab_cache *cache, slab_visit_fn *fn, void *arg)
{
	irq_state_t state = env_irqs_off();
	struct slab_cpu *cpu = cache->cpu[env_cpu()];

	if (cpu != NULL)
		cache->layer->visit_cpu(cache, cpu, fn, arg);
	env_irqs_restore(state);
}

/* -- on each CPU -------------------------------------------------------------------------- */

void
percpu_on_each(void (*fn)(void *), void *arg)
{
	irq_state_t state;

	if (env_may_sleep()) {
		for (unsigned cpu = 0; cpu < env_nr_cpus(); cpu++)
			env_call_cpu(cpu, fn, arg);
		return;
	}
	state = env_irqs_off();
	fn(arg);
	env_irqs_restore(state);
}
