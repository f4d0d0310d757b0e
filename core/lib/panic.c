/*
 * How the kernel ends when it must: panics, failed assertions, traps that nobody
 * can handle.
 *
 * From the moment someone panics nothing is trusted: no lock is taken, nothing
 * is allocated, output is polled. One CPU reports; another that panics
 * meanwhile keeps quiet, and a panic inside the report halts at once. The
 * report is
 *
 *	panic: REASON
 *	thread: NAME, pid N, CPU N
 *	registers of the trap, if we are in one
 *	backtrace, newest call first, by name
 *	the last lines of the log before it
 *
 * and the machine ends with PANIC_EXIT_CODE.
 */
#include <kernel/lock.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include <kernel/thread.h>
#include <arch/boot.h>
#include <arch/device.h>
#include <arch/trap.h>

#define BACKTRACE_MAX 24
#define LOG_LINES 8

/* The thread that panicked first. */
static struct proc_struct *reporter;

static void
print_backtrace(const struct trapframe *tf)
{
	uintptr_t pcs[BACKTRACE_MAX];
	unsigned nr = arch_backtrace(tf, pcs, ARRAY_SIZE(pcs));

	for (unsigned i = 0; i < nr; i++) {
		char name[SYMBOL_SIZE];
		/* A return address may lie behind the end of a function whose
		 * last act was the call; only a trap's own is exact. */
		uintptr_t back = tf != NULL && i == 0 ? 0 : 1;

		printk("  #%u 0x%08lx %s\n", i, (unsigned long)pcs[i],
		       symbol_name(pcs[i] - back, name, sizeof(name)));
	}
}

void
backtrace_print(void)
{
	print_backtrace(NULL);
}

/* Returns to the only one who may report. */
static void
panic_begin(void)
{
	struct proc_struct *nobody = NULL, *self = current;

	arch_irq_disable();
	if (atomic_compare_exchange(&reporter, &nobody, self)) {
		arch_console_panic();
		printk_panic();
		return;
	}
	if (nobody == self) /* while reporting */
		arch_halt(PANIC_EXIT_CODE);
	for (;;) /* another CPU reports, and ends the machine */
		arch_cpu_relax();
}

static void
print_raw(const char *text)
{
	arch_console_write(text, strlen(text));
}

/* First, while the panic itself is not in the log yet. Raw, or the ring would
 * grow while it is printed. */
static void
print_before(void)
{
	print_raw("-- the end of the log:\n");
	log_print_last(LOG_LINES);
	print_raw("-- and then:\n");
}

static void __noreturn
panic_end(const struct trapframe *tf)
{
	const struct proc_struct *self = current;

	printk("thread: %s, pid %d, CPU %u\n", self->name, self->pid,
	       arch_cpu_id());
	if (tf != NULL)
		arch_frame_print(tf);
	printk("backtrace:\n");
	print_backtrace(tf);
	printk("halting with code %d\n", PANIC_EXIT_CODE);
	arch_halt(PANIC_EXIT_CODE);
}

void
panic(const char *format, ...)
{
	va_list ap;

	panic_begin();
	print_before();
	printk("panic: ");
	va_start(ap, format);
	vprintk(format, ap);
	va_end(ap);
	printk("\n");
	if (current->nr_traps > 0) {
		printk("backtrace inside the trap:\n");
		print_backtrace(NULL);
		panic_end(current->tf);
	}
	panic_end(NULL);
}

void
assert_failed(const char *condition, const char *file, int line,
	      const char *function)
{
	panic("%s:%d: %s: assertion failed: %s", file, line, function,
	      condition);
}

void
trap_fatal(const struct trapframe *tf, const char *what)
{
	panic_begin();
	print_before();
	printk("panic: %s\n", what);
	panic_end(tf);
}
