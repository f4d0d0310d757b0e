/*
 * 8254 timer, channel 0: the clock interrupt.
 */
#include "x86.h"

#define PIT_HZ 1193182u
#define PIT_CHANNEL0 0x40
#define PIT_MODE 0x43
/* Channel 0, both bytes, rate generator. */
#define PIT_MODE_RATE 0x34
#define PIT_MODE_ONCE 0x30

static void
pit_set(unsigned mode, unsigned count)
{
	outb(PIT_MODE, (uint8_t)mode);
	outb(PIT_CHANNEL0, count & 0xff);
	outb(PIT_CHANNEL0, (uint8_t)(count >> 8));
}

static void
pit_set_rate(void)
{
	pit_set(PIT_MODE_RATE,
		(PIT_HZ + TICKS_PER_SECOND / 2) / TICKS_PER_SECOND);
}

void
arch_clock_init(void)
{
	pit_set_rate();
	pic_unmask(IRQ_TIMER);
}

void
pit_tick_now(void)
{
	pit_set(PIT_MODE_ONCE, 1);
	pic_wait(IRQ_TIMER);
	pit_set_rate();
}
