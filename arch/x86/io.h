/*
 * x86: ports, and what else needs an instruction of its own.
 */
#ifndef X86_IO_H
#define X86_IO_H

#include <kernel/types.h>

static inline uint8_t
inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint16_t
inw(uint16_t port)
{
	uint16_t value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline void
outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void
outw(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void
outl(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

/* About a microsecond on a PC: a write to a port that nobody listens to. */
static inline void
io_delay(void)
{
	outb(0x80, 0);
}

static inline uintptr_t
read_cr2(void)
{
	uintptr_t value;

	__asm__ volatile("mov %%cr2, %0" : "=r"(value));
	return value;
}

static inline uintptr_t
read_cr3(void)
{
	uintptr_t value;

	__asm__ volatile("mov %%cr3, %0" : "=r"(value));
	return value;
}

#endif /* X86_IO_H */
