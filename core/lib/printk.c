/*
 * The kernel log: lines from everywhere, into a ring and onto the console.
 *
 * PROBLEM. Everyone prints: threads, interrupts, several CPUs at once, a kernel
 * that is dying. Lines must not mix, nothing may sleep, and the last lines
 * must still be known when a panic wants to show them.
 *
 * MODEL. A line is formatted into a buffer on the caller's stack, without
 * any lock; then, under the log's lock, it is appended to a ring of
 * LOG_SIZE bytes and written to the console, in one piece:
 *
 *	printk -> [stack buffer] --lock--> ring     (log_print_last)
 *	                              '--> arch_console_write
 *
 * console_write is the same without the ring: what a person typed and what a
 * command answers is no news for a log.
 *
 * INVARIANTS. `log_end` counts all bytes ever logged; the ring holds the last
 * LOG_SIZE of them. A text longer than the buffer is cut, and says so at its end.
 *
 * LOCKING. log_lock, the innermost of all (rank LOG), interrupts off. After
 * printk_panic() no lock is taken: its holder may be the one that died.
 */
#include <kernel/lock.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include <arch/device.h>

#define LOG_SIZE 16384
#define PRINT_MAX 512
BUILD_ASSERT(IS_POWER_OF_2(LOG_SIZE));

static struct spinlock log_lock = SPINLOCK_INIT(LOCK_RANK_LOG, "log");
static char log_ring[LOG_SIZE];
static size_t log_end;
static bool panicking;

static void
log_append(const char *text, size_t n)
{
	size_t at = log_end & (LOG_SIZE - 1);
	size_t until_wrap = MIN(n, LOG_SIZE - at);

	memcpy(log_ring + at, text, until_wrap);
	memcpy(log_ring, text + until_wrap, n - until_wrap);
	log_end += n;
}

static void
emit(const char *text, size_t n, bool logged) NO_THREAD_SAFETY
{
	bool locked = !atomic_load_relaxed(&panicking);
	irq_state_t irqs = false;

	if (locked)
		irqs = spin_lock_irqsave(&log_lock);
	if (logged)
		log_append(text, n);
	arch_console_write(text, n);
	if (locked)
		spin_unlock_irqrestore(&log_lock, irqs);
}

void
vprintk(const char *format, va_list ap)
{
	static const char cut[] = "...\n";
	char text[PRINT_MAX];
	size_t length = (size_t)vsnprintf(text, sizeof(text), format, ap);

	if (length >= sizeof(text)) {
		length = sizeof(text) - 1;
		memcpy(text + sizeof(text) - sizeof(cut), cut, sizeof(cut));
	}
	emit(text, length, true);
}

void
printk(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vprintk(format, ap);
	va_end(ap);
}

void
console_write(const char *text, size_t n)
{
	emit(text, n, false);
}

void
printk_panic(void)
{
	atomic_store(&panicking, true);
}

/* Where the last nr lines of the ring begin. */
static size_t
log_find_last(unsigned nr)
{
	size_t oldest = log_end > LOG_SIZE ? log_end - LOG_SIZE : 0;
	size_t at = log_end;

	/* The newline that ends the last line does not begin another. */
	if (at > oldest)
		at--;
	while (at > oldest) {
		if (log_ring[(at - 1) & (LOG_SIZE - 1)] == '\n' && --nr == 0)
			break;
		at--;
	}
	return at;
}

void
log_print_last(unsigned nr_lines)
{
	size_t end = log_end, at;

	if (nr_lines == 0)
		return;
	for (at = log_find_last(nr_lines); at != end;) {
		size_t offset = at & (LOG_SIZE - 1);
		size_t n = MIN(end - at, LOG_SIZE - offset);

		arch_console_write(log_ring + offset, n);
		at += n;
	}
}
