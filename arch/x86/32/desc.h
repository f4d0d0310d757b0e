/*
 * i386: per-CPU data and the tables that the CPU reads (GDT, TSS, IDT).
 */
#ifndef X86_32_DESC_H
#define X86_32_DESC_H

#include <kernel/types.h>
#include <kernel/thread.h>
#include "asm.h"

/* Task state segment: the CPU takes the kernel stack from it, and for a double
 * fault saves and loads a whole task. */
struct tss {
	uint32_t link;
	uintptr_t esp0;
	uint32_t ss0;
	uint32_t unused[4];
	uint32_t cr3;
	uintptr_t eip;
	uint32_t eflags;
	uint32_t eax, ecx, edx, ebx;
	uintptr_t esp, ebp;
	uint32_t esi, edi;
	uint32_t es, cs, ss, ds, fs, gs;
	uint32_t ldt;
	uint16_t trap;
	uint16_t io_map;
};

/* What %fs points to. <port/cpu.h> and <port/thread.h> know the offsets of the
 * first words. Aligned so that the TSS never crosses a page. */
struct cpu {
	struct proc_struct *thread; /* current */
	unsigned id;
	struct tss tss;
	struct tss double_fault_tss;
	uint64_t gdt[GDT_ENTRIES];
} __aligned(512);

extern struct cpu boot_cpu;

/* Loads GDT, TSS and IDT of the boot CPU; from here on exceptions arrive in
 * trap(), %fs works and current is idle_threads[0]. */
void desc_init(void);

extern char bootstack_guard[], bootstack[], bootstacktop[];
extern char image_start[], text_start[], text_end[], rodata_start[];
extern char data_start[], image_end[];

#endif /* X86_32_DESC_H */
