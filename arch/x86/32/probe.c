/*
 * An access that may be refused (arch/probe.h).
 */
#include <kernel/fixup.h>
#include <arch/probe.h>

int
arch_probe_load(uintptr_t address, uint32_t *value)
{
	int error;

	__asm__ volatile("xorl %%eax, %%eax\n\t" FIXUP_BEGIN
			 "movl (%[address]), %[value]\n" FIXUP_END("1f") "1:"
			 : "=&a"(error), [value] "=&r"(*value)
			 : [address] "r"(address)
			 : "memory", "cc");
	return error;
}
