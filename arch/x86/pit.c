/*
 * 8254 timer, channel 0: the clock interrupt.
 */
#include "x86.h"

#define PIT_HZ 1193182u
#define PIT_CHANNEL0 0x40
#define PIT_MODE 0x43
/* Channel 0, both bytes, rate generator. */
#define PIT_MODE_RATE 0x34

void
arch_clock_init(void)
{
	unsigned divisor = (PIT_HZ + TICKS_PER_SECOND / 2) / TICKS_PER_SECOND;

	outb(PIT_MODE, PIT_MODE_RATE);
	outb(PIT_CHANNEL0, divisor & 0xff);
	outb(PIT_CHANNEL0, divisor >> 8);
	pic_unmask(IRQ_TIMER);
}
