/*
 * The kernel as a library: one virtual CPU, the caller's pthread.
 */
#include "host.h"
#include <arch/boot.h>
#include <port/unit.h>
#include <pthread.h>
#include <stdio.h>

static struct boot_info unit_boot;

void
host_unit_init(size_t ram_bytes)
{
	pthread_attr_t attr;
	void *stack;
	size_t bytes;
	int error;

	arch_irq_disable();
	host_machine = (struct host_machine){
		.ram_bytes = ram_bytes,
		.nr_cpus = 1,
		.nr_nodes = 1,
		.ticks = HOST_TICKS_MANUAL,
	};
	error = host_ram_init(ram_bytes);
	if (error == 0)
		error = pthread_getattr_np(pthread_self(), &attr);
	if (error != 0)
		host_cannot("memory for the arena", error);
	pthread_attr_getstack(&attr, &stack, &bytes);
	pthread_attr_destroy(&attr);
	host_cpu_adopt(0, (uintptr_t)stack, (uintptr_t)stack + bytes);
}

const struct boot_info *
host_unit_boot_info(unsigned nr_nodes)
{
	host_machine.nr_nodes = nr_nodes;
	host_boot_info(&unit_boot, "");
	return &unit_boot;
}

void
host_unit_flush(void)
{
	(void)fflush(stdout);
}
