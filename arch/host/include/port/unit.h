/*
 * Host: the kernel as a library, for unit tests and benchmarks.
 *
 * Everything but main.c links into another program, which then calls core's
 * functions directly on its own pthread, with one virtual CPU.
 */
#ifndef PORT_UNIT_H
#define PORT_UNIT_H

#include <kernel/types.h>
#include <arch/boot.h>

/*
 * Makes the calling pthread virtual CPU 0: arch_current() is &idle_threads[0],
 * interrupts are off (and work: host_tick), RAM is a fresh arena of ram_bytes
 * (a multiple of the page size), all zero. Starts no clock and no device. May be
 * called again, for a new machine: nothing of the old one may be used then.
 * Says so and ends the program if Linux gives no memory.
 */
void host_unit_init(size_t ram_bytes);

/* What kernel_main() would be given, for that RAM in so many nodes. */
const struct boot_info *host_unit_boot_info(unsigned nr_nodes);

/* A clock tick on this CPU; on all that started their clock. For ticks=manual,
 * where nothing else makes any; without a real clock until then, that is all
 * there is. Any context of a virtual CPU. */
void host_tick(unsigned cpu);
void host_tick_all(void);

/* Writes out what libc still holds of standard output, so that a child does not write
 * it once more. (A test cannot: <stdio.h> and <kernel/printk.h> declare the same
 * functions.) Any context outside of the kernel. */
void host_unit_flush(void);

#endif /* PORT_UNIT_H */
