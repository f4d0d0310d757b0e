/*
 * Typed bytes: from the console's interrupt to the thread that reads.
 *
 * A ring between the interrupt (console_input) and one reading thread
 * (console_getc). When it is full bytes are dropped and counted, and the next
 * read says how many.
 *
 * LOCKING. input_lock (rank INPUT, interrupts off) guards the ring. The reader
 * sleeps on a wait queue of its own, woken outside that lock.
 */
#include <kernel/lock.h>
#include <kernel/monitor.h>
#include <kernel/printk.h>
#include <kernel/wait.h>
#include <arch/device.h>

#define RING_SIZE 8192
BUILD_ASSERT(IS_POWER_OF_2(RING_SIZE));

static struct spinlock input_lock = SPINLOCK_INIT(LOCK_RANK_INPUT, "input");
static struct wait_queue readers = WAIT_QUEUE_INIT(readers);
static unsigned char ring[RING_SIZE] GUARDED_BY(input_lock);
/* Bytes ever put in and taken out; both wrap. */
static unsigned nr_in GUARDED_BY(input_lock), nr_out GUARDED_BY(input_lock);
static unsigned nr_dropped GUARDED_BY(input_lock);
static bool ended GUARDED_BY(input_lock);

void
console_input(int c)
{
	irq_state_t irqs = spin_lock_irqsave(&input_lock);

	if (c == CONSOLE_EOF)
		ended = true;
	else if (nr_in - nr_out == RING_SIZE)
		nr_dropped++;
	else
		ring[nr_in++ & (RING_SIZE - 1)] = (unsigned char)c;
	spin_unlock_irqrestore(&input_lock, irqs);
	wake_up_one(&readers);
}

/* Whether there is an answer in *c: a byte, or the end. */
static bool
input_take(int *c)
{
	irq_state_t irqs = spin_lock_irqsave(&input_lock);
	bool have = true;

	if (nr_in != nr_out)
		*c = ring[nr_out++ & (RING_SIZE - 1)];
	else if (ended)
		*c = CONSOLE_EOF;
	else
		have = false;
	spin_unlock_irqrestore(&input_lock, irqs);
	return have;
}

static void
report_dropped(void)
{
	irq_state_t irqs = spin_lock_irqsave(&input_lock);
	unsigned nr = nr_dropped;

	nr_dropped = 0;
	spin_unlock_irqrestore(&input_lock, irqs);
	if (nr > 0)
		printk("console: %u typed bytes were lost\n", nr);
}

int
console_getc(void)
{
	int c = 0, err;

	err = wait_event_killable(&readers, input_take(&c));
	report_dropped();
	return err != 0 ? err : c;
}
