/*
 * The kernel log: formatted lines into a ring and onto the console.
 */
#ifndef KERNEL_PRINTK_H
#define KERNEL_PRINTK_H

#include <kernel/types.h>

/*
 * Formats like printf: %d %i %u %x %X %o %c %s %p %% with flags "-+ 0#", width,
 * precision (also *), and lengths hh h l ll z t j. Returns the length that the whole text
 * has; writes at most size bytes, NUL included (size 0 writes nothing).
 */
int vsnprintf(char *buf, size_t size, const char *format, va_list ap)
	__printf(3, 0);
int snprintf(char *buf, size_t size, const char *format, ...) __printf(3, 4);

/*
 * Prints to the log and to the console. Any context, also inside traps and
 * under any lock; never sleeps. One call is one unit: lines of two CPUs do not
 * mix. One fact a line for what the kernel prints by itself.
 */
void printk(const char *format, ...) __printf(1, 2);
void vprintk(const char *format, va_list ap) __printf(1, 0);

/* printk without a place in the log: what a person types and command output. */
void console_write(const char *text, size_t n);

/* Prints the last `nr_lines` lines of the log straight to the console,
 * without taking a lock. For panic and the monitor. */
void log_print_last(unsigned nr_lines);

/* From here on locks of the log and the console are not taken any more. */
void printk_panic(void);

#endif /* KERNEL_PRINTK_H */
