/*
 * GDT, TSS, IDT, and the double-fault task.
 *
 * The i386 finds its way through three tables. The GDT names segments: flat
 * ones of 4 GiB for the kernel and for user mode, the two task state segments,
 * and one that starts at this CPU's struct cpu, so that %fs:0 is `current`.
 * The IDT names for each trap number where to go: interrupt gates, which turn
 * interrupts off, into vectors.S. The TSS names the stack to start on when a
 * trap comes from user mode.
 *
 * A double fault is different. It happens when the CPU cannot even deliver
 * an exception, nearly always because the kernel stack has run into its unmapped
 * guard: pushing the page fault's frame faults again. An interrupt gate
 * would push onto that same stack, and three faults reset the machine. So vector
 * 8 is a task gate: the CPU stores all registers into the TSS of what it was
 * doing, and loads all of them, esp included, from a second TSS. That task
 * makes a trap frame from the first TSS and reports it; it never returns. cr2
 * still holds the address whose access failed.
 *
 * Everything here is static and needs no other part of the kernel, because it
 * has to work before anything that can fault.
 */
#include "desc.h"
#include "../x86.h"

BUILD_ASSERT(offsetof(struct cpu, thread) == CPU_OFF_CURRENT);
BUILD_ASSERT(offsetof(struct cpu, id) == CPU_OFF_ID);
BUILD_ASSERT(offsetof(struct cpu, tss.esp0) == CPU_OFF_ESP0);
BUILD_ASSERT(sizeof(struct tss) == 104);

struct cpu boot_cpu;

struct table_pointer {
	uint16_t limit;
	uint32_t base;
} __attribute__((packed));

/* Access byte and flag nibble of a descriptor, as the CPU's manual has them. */
enum descriptor_type {
	CODE_RING0 = 0xc9a,
	DATA_RING0 = 0xc92,
	CODE_RING3 = 0xcfa,
	DATA_RING3 = 0xcf2,
	DATA_BYTES_RING0 = 0x492, /* limit in bytes, not pages */
	TSS_AVAILABLE = 0x089,
};

/* High half of an IDT entry's second word: present, ring 0, and the kind. */
#define GATE_INTERRUPT 0x8e00u
#define GATE_INTERRUPT_USER 0xee00u /* user code may execute int for it */
#define GATE_TASK 0x8500u

#define NR_IDT_ENTRIES 256
#define TRAP_ENTRY_SIZE 16
#define NR_TRAP_ENTRIES 48
#define FLAT_LIMIT 0xfffffu

extern char trap_entries[], trap_entry_syscall[];

static uint64_t idt[NR_IDT_ENTRIES];
static char double_fault_stack[DOUBLE_FAULT_STACK_SIZE] __aligned(16);

static uint64_t
descriptor(uintptr_t base, uint32_t limit, enum descriptor_type type)
{
	uint32_t low = (limit & 0xffff) | (base << 16);
	uint32_t high = ((base >> 16) & 0xff) | (type & 0xffu) << 8 |
			(limit & 0xf0000) | (type & 0xf00u) << 12 |
			(base & 0xff000000);

	return (uint64_t)high << 32 | low;
}

static uint64_t
gate(uint16_t selector, uintptr_t entry, uint32_t kind)
{
	uint32_t low = (uint32_t)selector << 16 | (entry & 0xffff);
	uint32_t high = (entry & 0xffff0000) | kind;

	return (uint64_t)high << 32 | low;
}

/* What the double-fault task runs, on a stack of its own, interrupts off. */
static void __noreturn
double_fault_task(void)
{
	const struct tss *was = &boot_cpu.tss;
	struct trapframe tf = {
		.regs = { .edi = was->edi,
			  .esi = was->esi,
			  .ebp = was->ebp,
			  .oesp = was->esp,
			  .ebx = was->ebx,
			  .edx = was->edx,
			  .ecx = was->ecx,
			  .eax = was->eax },
		.gs = was->gs,
		.fs = was->fs,
		.es = was->es,
		.ds = was->ds,
		.trapno = TRAP_DOUBLE_FAULT,
		.eip = was->eip,
		.cs = was->cs,
		.eflags = was->eflags,
		.esp = was->esp,
		.ss = was->ss,
	};

	trap_double_fault(&tf, read_cr2());
}

static void
init_double_fault_tss(struct cpu *cpu)
{
	struct tss *tss = &cpu->double_fault_tss;

	tss->cr3 = read_cr3();
	tss->eip = (uintptr_t)double_fault_task;
	/* The word at the top stands for the return address. */
	tss->esp = (uintptr_t)double_fault_stack + sizeof(double_fault_stack) -
		   sizeof(uint32_t);
	tss->eflags = EFLAGS_ALWAYS;
	tss->cs = SEG_KCODE;
	tss->ds = tss->es = tss->ss = SEG_KDATA;
	tss->fs = SEG_PERCPU;
	tss->io_map = sizeof(*tss);
}

static void
init_gdt(struct cpu *cpu)
{
	uint64_t *gdt = cpu->gdt;
	uint32_t tss_limit = sizeof(struct tss) - 1;

	gdt[SEG_KCODE / 8] = descriptor(0, FLAT_LIMIT, CODE_RING0);
	gdt[SEG_KDATA / 8] = descriptor(0, FLAT_LIMIT, DATA_RING0);
	gdt[SEG_UCODE / 8] = descriptor(0, FLAT_LIMIT, CODE_RING3);
	gdt[SEG_UDATA / 8] = descriptor(0, FLAT_LIMIT, DATA_RING3);
	gdt[SEG_TSS / 8] =
		descriptor((uintptr_t)&cpu->tss, tss_limit, TSS_AVAILABLE);
	gdt[SEG_TSS_DF / 8] = descriptor((uintptr_t)&cpu->double_fault_tss,
					 tss_limit, TSS_AVAILABLE);
	gdt[SEG_PERCPU / 8] =
		descriptor((uintptr_t)cpu, sizeof(*cpu) - 1, DATA_BYTES_RING0);
}

static void
load_gdt(struct cpu *cpu)
{
	struct table_pointer pointer = { sizeof(cpu->gdt) - 1,
					 (uintptr_t)cpu->gdt };

	__asm__ volatile("lgdt %0\n\t"
			 "ljmp %1, $1f\n"
			 "1:\tmovl %2, %%ds\n\t"
			 "movl %2, %%es\n\t"
			 "movl %2, %%ss\n\t"
			 "movl %3, %%fs\n\t"
			 "movl %4, %%gs\n\t"
			 "ltr %w5"
			 :
			 : "m"(pointer), "i"(SEG_KCODE), "r"(SEG_KDATA),
			   "r"(SEG_PERCPU), "r"(0), "r"(SEG_TSS)
			 : "memory");
}

static void
load_idt(void)
{
	struct table_pointer pointer = { sizeof(idt) - 1, (uintptr_t)idt };

	for (unsigned i = 0; i < NR_TRAP_ENTRIES; i++) {
		uintptr_t entry = (uintptr_t)trap_entries + i * TRAP_ENTRY_SIZE;

		idt[i] = gate(SEG_KCODE, entry, GATE_INTERRUPT);
	}
	idt[TRAP_SYSCALL] = gate(SEG_KCODE, (uintptr_t)trap_entry_syscall,
				 GATE_INTERRUPT_USER);
	idt[TRAP_DOUBLE_FAULT] = gate(SEG_TSS_DF, 0, GATE_TASK);
	__asm__ volatile("lidt %0" : : "m"(pointer) : "memory");
}

void
desc_init(void)
{
	struct cpu *cpu = &boot_cpu;

	cpu->thread = &idle_threads[0];
	cpu->tss.ss0 = SEG_KDATA;
	cpu->tss.esp0 = (uintptr_t)bootstacktop;
	cpu->tss.io_map = sizeof(cpu->tss);
	init_double_fault_tss(cpu);
	init_gdt(cpu);
	load_gdt(cpu);
	load_idt();
}

void
desc_triple_fault(void)
{
	struct table_pointer none = { 0, 0 };

	__asm__ volatile("lidt %0; int3" : : "m"(none) : "memory");
	__builtin_unreachable();
}
