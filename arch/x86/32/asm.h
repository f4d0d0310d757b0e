/*
 * i386: numbers that assembly and C share. Only #defines.
 */
#ifndef X86_32_ASM_H
#define X86_32_ASM_H

/* Segment selectors: index in the GDT * 8, plus the ring for user segments. */
#define SEG_KCODE 0x08
#define SEG_KDATA 0x10
#define SEG_UCODE 0x1b
#define SEG_UDATA 0x23
#define SEG_TSS 0x28
#define SEG_TSS_DF 0x30
#define SEG_PERCPU 0x38
#define GDT_ENTRIES 8

/* struct trapframe: offset of fs; bytes of the segments; of trapno and err. */
#define TF_FS 36
#define TF_SEGMENTS_SIZE 16
#define TF_TRAPNO_ERR_SIZE 8

/* struct context. */
#define CTX_EIP 0
#define CTX_ESP 4
#define CTX_EBX 8
#define CTX_ESI 12
#define CTX_EDI 16
#define CTX_EBP 20

/* Stack of the boot CPU's idle thread; a page below it is left unmapped. */
#define BOOT_STACK_SIZE 8192
#define DOUBLE_FAULT_STACK_SIZE 4096

/* The one bit of eflags that is always set. */
#define EFLAGS_ALWAYS 0x2

/* Control registers. */
#define CR0_PE 0x00000001
#define CR0_ET 0x00000010
#define CR0_NE 0x00000020
#define CR0_WP 0x00010000
#define CR0_PG 0x80000000
#define CR4_PSE 0x10
#define CR4_PGE 0x80

/* Page table entries. */
#define PTE_P 0x001
#define PTE_W 0x002
#define PTE_U 0x004
#define PTE_PWT 0x008
#define PTE_PCD 0x010
#define PTE_A 0x020
#define PTE_D 0x040
#define PTE_PS 0x080
#define PTE_G 0x100

/* The direct map: as much RAM as the kernel can use. */
#define DIRECT_MAP_MIB 704
#define DIRECT_MAP_PDES (DIRECT_MAP_MIB / 4)

#define MULTIBOOT_HEADER_MAGIC 0x1BADB002
#define MULTIBOOT_LOADER_MAGIC 0x2BADB002
/* Modules on page boundaries, and memory information please. */
#define MULTIBOOT_HEADER_FLAGS 0x3

/* Exit code for "this machine or this loader will not do". */
#define BOOT_EXIT_CODE 2
#define DEBUG_EXIT_PORT 0xf4

#endif /* X86_32_ASM_H */
