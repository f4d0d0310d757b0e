/*
 * x86: what the files of the port offer each other.
 */
#ifndef X86_H
#define X86_H

#include <kernel/types.h>
#include <arch/boot.h>
#include <arch/device.h>
#include <arch/mmu.h>
#include <arch/thread.h>
#include "io.h"

/* -- trap.c -- */

/* Exceptions that someone asks for by name; the CPU's manual has all. */
enum trap_number {
	TRAP_DEBUG = 1,
	TRAP_NMI = 2,
	TRAP_BREAKPOINT = 3,
	TRAP_DOUBLE_FAULT = 8,
	TRAP_PAGE_FAULT = 14,
	NR_EXCEPTIONS = 32,
	TRAP_IRQ0 = 32,
	NR_IRQS = 16,
	TRAP_SYSCALL = 0x80,
};

enum irq_number {
	IRQ_TIMER = 0,
	IRQ_KEYBOARD = 1,
	IRQ_COM1 = 4,
};

/* Upcall from vectors.S, interrupts off. */
void trap(struct trapframe *tf);
/* Upcall from the double-fault task. */
void trap_double_fault(const struct trapframe *tf, uintptr_t fault_address)
	__noreturn;

/* -- desc.c -- */

/* The last resort to start the machine again. */
void desc_triple_fault(void) __noreturn;

/* -- fpu.c -- */

/* Whether there are vector registers. */
extern bool fpu_has_sse;
/* Makes the unit usable: once, before arch_fpu_init and the like. */
void fpu_setup(void);

/* -- mmu.c -- */

/* Final permissions for the image, no identity map. */
void mmu_init_early(void);
/* Beyond the end of RAM nothing is mapped any more. */
void mmu_cut_direct_map(uint32_t ram_end);

/* Reads physical memory anywhere below 4 GiB, through the direct map or a
 * window of its own, which the next call reuses. NULL: too large for it. */
#define MMU_WINDOW_SIZE 0x40000u
const void *mmu_peek(uint32_t pa, size_t size);

/* -- start.c -- */

/* Upcall from boot.S: physical address of the loader's information block. */
void x86_start(uint32_t multiboot_info) __noreturn;

/* -- pic.c, pit.c -- */

/* All lines are masked until someone asks for one. */
void pic_init(void);
void pic_unmask(unsigned irq);
/* Ends an interrupt. false: it was a spurious one, nobody asked for it. */
bool pic_acknowledge(unsigned irq);
/* Until this one (of the first PIC) is waiting to be taken. Interrupts off. */
void pic_wait(unsigned irq);
unsigned long pic_nr_spurious(void);

/* pit.c: the clock's interrupt is waiting to be taken, at once; the next one is
 * due a tick later. Interrupts off. */
void pit_tick_now(void);

/* step.c: a debug trap that was asked for; false: it was not. */
bool step_trap(struct trapframe *tf);

/* -- consoles: console.c, serial.c, vga.c, keyboard.c -- */

void console_init_serial(void);
void console_init_screen(void);

void serial_init(void);
void serial_enable_interrupts(void);
void serial_interrupt(void);
void serial_write(const char *text, size_t n);
/* Waits until everything has left, polling; from then on only polls. */
void serial_flush(void);

void vga_init(void);
void vga_write(const char *text, size_t n);

void keyboard_init(void);
void keyboard_interrupt(void);

/* -- acpi.c -- */

/* Return only if that is not possible on this machine. Any context. */
void acpi_power_off(void);
void acpi_reset(void);

#endif /* X86_H */
