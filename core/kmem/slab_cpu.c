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
 *	failslab	allocations fail on purpose (slab_fail.c)
 *	reaping		for one operation: who comes by opens it again, and has
 *			thereby said that the cache is in use (slab_cpu_touch)
 *
 * FREES on a machine of several nodes have to be looked at: is the object of
 * this CPU's node? There only the way in is closed (stack.end is NULL).
 *
 * CONTEXT.  A CPU's pointer and part are changed on that CPU with interrupts off;
 * an operation of the front that was under way begins anew (kernel/restart.h).
 */
#include <kernel/error.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#include "slab.h"

struct slab_stats slab_boot_stats[MAX_CPUS];

/* -- cpu=, fast= ------------------------------------------------------------------------ */

/* The first one is the default. */
static const struct slab_cpu_layer *const layers[] = {
	&slab_cpu_sheaf,
	&slab_cpu_array,
};

const struct slab_cpu_layer *slab_cpu = &slab_cpu_sheaf;

static const char *
layer_choice(unsigned i)
{
	return i < ARRAY_SIZE(layers) ? layers[i]->name : NULL;
}

static int
layer_set(const char *value)
{
	for (unsigned i = 0; i < ARRAY_SIZE(layers); i++) {
		if (strcmp(layers[i]->name, value) == 0) {
			slab_cpu = layers[i];
			return 0;
		}
	}
	return -E_INVAL;
}

static const char *
layer_get(void)
{
	return slab_cpu->name;
}

const struct boot_option slab_cpu_option = {
	.name = "cpu",
	.help = "what keeps slab's free objects near the CPUs",
	.choice = layer_choice,
	.set = layer_set,
	.get = layer_get,
};

static const char *const fast_names[] = { "restartable", "plain" };
static bool is_plain;

static const char *
fast_choice(unsigned i)
{
	return i < ARRAY_SIZE(fast_names) ? fast_names[i] : NULL;
}

static int
fast_set(const char *value)
{
	for (unsigned i = 0; i < ARRAY_SIZE(fast_names); i++) {
		if (strcmp(fast_names[i], value) == 0) {
			is_plain = i == 1;
			return 0;
		}
	}
	return -E_INVAL;
}

static const char *
fast_get(void)
{
	return fast_names[is_plain];
}

const struct boot_option slab_fast_option = {
	.name = "fast",
	.help = "slab's usual path: restartable, or with interrupts off",
	.choice = fast_choice,
	.set = fast_set,
	.get = fast_get,
};

unsigned
slab_closed_default(void)
{
	return is_plain ? SLAB_CLOSED_PLAIN : 0;
}

/* -- sizes ------------------------------------------------------------------------------- */

unsigned
slab_limit_of(const struct slab_limit limits[], size_t size)
{
	while (size <= limits->above)
		limits++;
	return limits->limit;
}

bool
slab_tunables_ok(const struct slab_tunables *tunables)
{
	return tunables->batchcount >= 1 &&
	       tunables->batchcount <= tunables->limit &&
	       slab_cpu->accepts(tunables);
}

/* CPUs whose node this is. */
static unsigned
node_nr_cpus(unsigned nodeid)
{
	unsigned nr = 0;

	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		nr += node_of_cpu[cpu] == nodeid;
	return nr;
}

size_t
slab_node_free_limit(const struct slab_cache *cache, unsigned nodeid,
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
	stack_point(cache, arch_cpu_id());
}

void
slab_close(struct slab_cache *cache, unsigned reasons)
{
	(void)atomic_or(&cache->closed, reasons);
	slab_on_each_cpu(stack_point_here, cache);
}

void
slab_open(struct slab_cache *cache, unsigned reasons)
{
	(void)atomic_and(&cache->closed, ~reasons);
	slab_on_each_cpu(stack_point_here, cache);
}

void
slab_cpu_install(struct slab_cache *cache, unsigned id, struct slab_cpu *cpu)
{
	cache->cpu[id] = cpu;
	stack_point(cache, id);
}

void
slab_cpu_set(struct slab_cpu *cpu, void **bottom, unsigned avail,
	     unsigned limit)
{
	bottom[0] = NULL;
	cpu->bottom = bottom;
	cpu->last = bottom + limit;
	cpu->stack.top = bottom + avail;
	cpu->stack.end = nr_page_nodes == 1 ? cpu->last : NULL;
}

void
slab_cpu_touched(struct slab_cache *cache, struct slab_cpu *cpu)
{
	cpu->touched = true;
	stack_point(cache, arch_cpu_id());
}

bool
slab_cpu_was_touched(struct slab_cache *cache, struct slab_cpu *cpu)
{
	bool was_touched = cpu->touched;

	cpu->touched = false;
	cache->base.stack[arch_cpu_id()] = &kmem_closed_stack;
	return was_touched;
}

/* -- all of a CPU's ----------------------------------------------------------------------- */

void
slab_cpu_drain(struct slab_cache *cache)
{
	irq_state_t state = arch_irq_save();
	struct slab_cpu *cpu = cache->cpu[arch_cpu_id()];

	if (cpu != NULL)
		slab_cpu->drain_cpu(cache, cpu);
	arch_irq_restore(state);
}

void
slab_cpu_visit(struct slab_cache *cache, slab_visit_fn *fn, void *arg)
{
	irq_state_t state = arch_irq_save();
	struct slab_cpu *cpu = cache->cpu[arch_cpu_id()];

	if (cpu != NULL)
		slab_cpu->visit_cpu(cache, cpu, fn, arg);
	arch_irq_restore(state);
}
