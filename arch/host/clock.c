/*
 * The clock: a device that ticks.
 *
 * A pthread that belongs to no CPU sleeps from tick to tick and posts the
 * interrupt to each CPU that has started its clock. With ticks=manual there is no
 * such pthread, and a test calls host_tick().
 */
#include "host.h"
#include <arch/device.h>
#include <port/unit.h>
#include <time.h>

#define NS_PER_SECOND 1000000000l
#define NS_PER_TICK (NS_PER_SECOND / TICKS_PER_SECOND)

static void
tick_all(void)
{
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
		if (atomic_load(&host_cpus[cpu].clock_on) != 0)
			host_irq_post(cpu, HOST_IRQ_TICK);
}

static void *
clock_thread(void *arg)
{
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (;;) {
		next.tv_nsec += NS_PER_TICK;
		if (next.tv_nsec >= NS_PER_SECOND) {
			next.tv_nsec -= NS_PER_SECOND;
			next.tv_sec++;
		}
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next,
				       NULL) != 0)
			;
		tick_all();
	}
	return NULL;
}

void
arch_clock_init(void)
{
	static unsigned started;
	int error;

	atomic_store(&host_cpus[arch_cpu_id()].clock_on, 1u);
	if (host_machine.ticks == HOST_TICKS_MANUAL ||
	    atomic_exchange(&started, 1u) != 0)
		return;
	error = host_device_start(clock_thread);
	if (error != 0)
		host_cannot("a thread for the clock", error);
}

void
host_tick(unsigned cpu)
{
	irq_state_t irqs = arch_irq_save();

	host_irq_post(cpu, HOST_IRQ_TICK);
	arch_irq_restore(irqs);
}

void
host_tick_all(void)
{
	irq_state_t irqs = arch_irq_save();

	tick_all();
	arch_irq_restore(irqs);
}
