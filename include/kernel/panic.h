/*
 * Panics and assertions: an invariant of the kernel itself is broken. Never for what
 * a caller, a command line or a device can cause.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <kernel/types.h>

/* Exit code of a kernel that panicked. */
#define PANIC_EXIT_CODE 3

/*
 * Prints the reason, current thread, registers (when inside a trap), a symbolised
 * backtrace and the last lines of the log, and halts with PANIC_EXIT_CODE. Any
 * context. A panic inside a panic halts at once.
 */
void panic(const char *format, ...) __printf(1, 2) __noreturn;

void assert_failed(const char *condition, const char *file, int line,
		   const char *function) __noreturn;

/* Always compiled in. The condition has no side effect. */
#define assert(cond)                                                           \
	do {                                                                   \
		if (unlikely(!(cond)))                                         \
			assert_failed(#cond, __FILE__, __LINE__, __func__);    \
	} while (0)

/* Only in debug builds: too dear for hot paths. */
#define debug_assert(cond)                                                     \
	do {                                                                   \
		if (KERNEL_DEBUG)                                              \
			assert(cond);                                          \
	} while (0)

/* Prints "  #0 0xc0101234 do_fork+0x34" lines for the calling thread. */
void backtrace_print(void);

/* "do_fork+0x34" into buf for an address of kernel text; "?" if unknown. Names that are
 * too long for `size` are cut; SYMBOL_SIZE has room for any of ours. */
#define SYMBOL_SIZE 80
const char *symbol_name(uintptr_t pc, char *buf, size_t size);

#endif /* KERNEL_PANIC_H */
