/*
 * Two 8259A interrupt controllers: IRQ 0-7 on the first, 8-15 on the second,
 * which hangs on the first one's input 2. They deliver as trap 32 and up.
 *
 * A spurious interrupt: the request went away before the CPU asked for its
 * number. The controller then answers 7 without marking it in service; for
 * the second controller (15) the first one does not know, and is acknowledged.
 */
#include "x86.h"

enum pic_port {
	PIC1_COMMAND = 0x20,
	PIC1_DATA = 0x21,
	PIC2_COMMAND = 0xa0,
	PIC2_DATA = 0xa1,
};

#define ICW1_INIT_ICW4 0x11
#define ICW4_8086 0x01
#define OCW2_EOI 0x20
#define OCW3_READ_IRR 0x0a
#define OCW3_READ_ISR 0x0b
#define CASCADE_IRQ 2
#define LAST_OF_PIC 7

static uint16_t masked = (uint16_t) ~(1u << CASCADE_IRQ);
static unsigned long nr_spurious;

static void
pic_write_masks(void)
{
	outb(PIC1_DATA, masked & 0xff);
	outb(PIC2_DATA, masked >> 8);
}

void
pic_init(void)
{
	outb(PIC1_COMMAND, ICW1_INIT_ICW4);
	outb(PIC2_COMMAND, ICW1_INIT_ICW4);
	outb(PIC1_DATA, TRAP_IRQ0);
	outb(PIC2_DATA, TRAP_IRQ0 + 8);
	outb(PIC1_DATA, 1 << CASCADE_IRQ);
	outb(PIC2_DATA, CASCADE_IRQ);
	outb(PIC1_DATA, ICW4_8086);
	outb(PIC2_DATA, ICW4_8086);
	pic_write_masks();
}

void
pic_unmask(unsigned irq)
{
	masked &= ~(1u << irq);
	pic_write_masks();
}

static bool
pic_in_service(uint16_t command_port)
{
	outb(command_port, OCW3_READ_ISR);
	return inb(command_port) & (1 << LAST_OF_PIC);
}

bool
pic_acknowledge(unsigned irq)
{
	bool real = true;

	if (unlikely(irq == LAST_OF_PIC) && !pic_in_service(PIC1_COMMAND)) {
		nr_spurious++;
		return false;
	}
	if (irq >= 8) {
		if (irq == 8 + LAST_OF_PIC && !pic_in_service(PIC2_COMMAND)) {
			nr_spurious++;
			real = false;
		} else {
			outb(PIC2_COMMAND, OCW2_EOI);
		}
	}
	outb(PIC1_COMMAND, OCW2_EOI);
	return real;
}

void
pic_wait(unsigned irq)
{
	outb(PIC1_COMMAND, OCW3_READ_IRR);
	while (!(inb(PIC1_COMMAND) & (1u << irq)))
		arch_cpu_relax();
}

unsigned long
pic_nr_spurious(void)
{
	return nr_spurious;
}
