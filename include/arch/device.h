/*
 * Port contract: the devices every machine has, a console and a clock.
 */
#ifndef ARCH_DEVICE_H
#define ARCH_DEVICE_H

#include <kernel/types.h>

/* The clock interrupts this often. */
#define TICKS_PER_SECOND 100

/*
 * Writes n bytes to every console there is. Any context; never sleeps. Before
 * arch_devices_init() and after arch_console_panic() it polls; in between
 * the port may buffer and send by interrupt, but loses nothing. The caller
 * (printk) serialises.
 */
void arch_console_write(const char *text, size_t n);

/* From here on output is polled and synchronous: the kernel is dying. */
void arch_console_panic(void);

/* Sets up interrupt controllers and the console's input and output by
 * interrupt. Interrupts off; called once on the boot CPU. */
void arch_devices_init(void);

/* Starts the periodic clock interrupt on the calling CPU; every one of them
 * makes the upcall timer_tick(). Interrupts off. */
void arch_clock_init(void);

/* Upcall, interrupts off, inside a trap: a clock tick on this CPU. */
void timer_tick(void);

/* Upcall, interrupts off, inside a trap or in arch_devices_init(): a byte was
 * typed, perhaps before the kernel was there (CONSOLE_EOF: input has ended and no
 * more will come). */
#define CONSOLE_EOF (-1)
void console_input(int c);

#endif /* ARCH_DEVICE_H */
