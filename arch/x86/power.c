/*
 * Power off and restart, by whichever way the machine understands.
 */
#include <kernel/printk.h>
#include <kernel/string.h>
#include <arch/boot.h>
#include <arch/cpu.h>
#include "32/asm.h"
#include "x86.h"

#define KBD_COMMAND 0x64
#define KBD_STATUS_BUSY 0x02
#define KBD_PULSE_RESET 0xfe
#define RESET_PATIENCE 100000

/*
 * Code 0 powers off. Any other goes to the port where QEMU may have its
 * isa-debug-exit device, which ends with status code * 2 + 1 (tools/run turns
 * it back); elsewhere nobody listens.
 */
void
arch_halt(int code)
{
	char text[40];

	arch_irq_disable();
	arch_console_panic();
	if (code == 0)
		acpi_power_off();
	else
		outl(DEBUG_EXIT_PORT, (uint32_t)code);

	snprintf(text, sizeof(text), "halted with code %d\n", code);
	arch_console_write(text, strlen(text));
	arch_console_panic();
	for (;;)
		__asm__ volatile("cli; hlt");
}

void
arch_reboot(void)
{
	arch_irq_disable();
	arch_console_panic();
	acpi_reset();
	for (int i = 0; i < RESET_PATIENCE; i++)
		if (!(inb(KBD_COMMAND) & KBD_STATUS_BUSY))
			break;
	outb(KBD_COMMAND, KBD_PULSE_RESET);
	for (int i = 0; i < RESET_PATIENCE; i++)
		io_delay();
	desc_triple_fault();
}
