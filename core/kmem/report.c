/*
 * Reports of more than one line, by whichever back end: the lines of one stay
 * together, and a test can look at them.
 *
 * LOCKING.  report_lock, interrupts off, taken under any lock of the allocators.
 */
#include "front.h"

#include <kernel/error.h>
#include <kernel/printk.h>

#define LINE_MAX 160
#define SYMBOL_SIZE 80
#define DEPTH 12

void (*kmem_report_observer)(const char *line);

static unsigned long nr_reports;

static struct spinlock report_lock = ENV_REPORT_LOCK_INIT;

void
kmem_report(const char *what, const void *ptr)
{
	(void)atomic_add(&nr_reports, 1);
	printk("kmem: %s: %p\n", what, ptr);
	backtrace_print();
}

void
kmem_complain(const char *format, ...)
{
	va_list args;

	(void)atomic_add(&nr_reports, 1);
	va_start(args, format);
	vprintk(format, args);
	va_end(args);
}

unsigned long
kmem_nr_reports(void)
{
	return atomic_load(&nr_reports);
}

int
kmem_no_such_value(const struct kmem *kmem, const char *setting,
		   const char *value)
{
	kmem_complain("kmem: instance %s: there is no %s=%s\n", kmem->name,
		      setting, value);
	return -E_INVAL;
}

/* -- of several lines ------------------------------------------------------------- */

static void
observe(const char *line)
{
	if (kmem_report_observer != NULL)
		kmem_report_observer(line);
}

irq_state_t
kmem_report_begin(const char *format, ...) NO_THREAD_SAFETY
{
	irq_state_t state = env_lock(&report_lock);
	char line[LINE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	kmem_complain("%s\n", line);
	observe(line);
	return state;
}

void
kmem_report_end(irq_state_t state) NO_THREAD_SAFETY
{
	env_unlock(&report_lock, state);
}

void
kmem_say(const char *format, ...)
{
	char line[LINE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	printk("%s\n", line);
	observe(line);
}

void
kmem_say_backtrace(const uintptr_t *pcs, size_t nr)
{
	for (size_t i = 0; i < nr && pcs[i] != 0; i++) {
		char name[SYMBOL_SIZE];

		/* Return addresses: the call lies before. */
		kmem_say("  #%zu 0x%08lx %s", i, (unsigned long)pcs[i],
			 symbol_name(pcs[i] - 1, name, sizeof(name)));
	}
}

void
kmem_check_context(gfp_t gfp, const char *cache)
{
	const char *why;
	uintptr_t pcs[DEPTH];
	irq_state_t state;
	unsigned nr;

	if (!(gfp & __GFP_WAIT))
		return;
	why = env_why_not_sleep();
	if (why == NULL)
		return;
	nr = env_backtrace(pcs, ARRAY_SIZE(pcs));
	state = kmem_report_begin(
		"kmem: BUG in cache %s: an allocation that may sleep, %s",
		cache != NULL ? cache : "of kmalloc", why);
	kmem_say("  by thread %s, pid %d, on CPU %u", env_thread_name(),
		 env_thread_pid(), env_cpu());
	kmem_say_backtrace(pcs, nr);
	kmem_report_end(state);
}
