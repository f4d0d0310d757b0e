/*
 * All consoles at once: what is written appears on the serial port and on the
 * text screen, what is typed on either goes to console_input().
 *
 * Order of life: polled output from console_init_serial() on; arch_devices_init()
 * switches to interrupts; arch_console_panic() goes back to polling for good.
 */
#include "x86.h"

void
console_init_serial(void)
{
	serial_init();
}

void
console_init_screen(void)
{
	vga_init();
}

void
arch_console_write(const char *text, size_t n)
{
	serial_write(text, n);
	vga_write(text, n);
}

void
arch_console_panic(void)
{
	serial_flush();
}

void
arch_devices_init(void)
{
	serial_enable_interrupts();
	keyboard_init();
}
