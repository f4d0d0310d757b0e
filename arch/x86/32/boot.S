/*
 * The kernel's first instructions: from a Multiboot loader to x86_start().
 *
 * A Multiboot loader (QEMU's -kernel, GRUB, a browser emulator) has put the
 * segments of the ELF file to their physical addresses and jumps to _start:
 * protected mode, flat segments, paging off, interrupts off, eax = a magic
 * number, ebx = physical address of its information block. Nothing else is
 * relied on: no stack, no GDT of ours, no BIOS, no cleared bss, no flags.
 *
 * This file is linked where it is loaded (1 MiB), all the rest KERNBASE
 * higher. What happens here, in order:
 *
 *   1. Is this a Multiboot loader, and does the CPU have what C code and
 *      the page tables need? If not: a line on the serial port that says what is
 *      missing, and the end.
 *   2. Clear bss.
 *   3. Fill boot_pgdir: the direct map in 4 MiB pages at KERNBASE, and its first
 *      entry once more at 0, because the instruction behind the one that
 *      turns paging on is still fetched from here.
 *   4. Paging on, with write protection for the kernel too; jump up, take the
 *      boot stack, call x86_start(info).
 */
#include "asm.h"

#define KERNBASE 0xC0000000
#define PHYS(x) ((x) - KERNBASE)
#define COM1 0x3f8

	.section .boot, "ax", @progbits
	.balign 4
multiboot_header:
	.long MULTIBOOT_HEADER_MAGIC
	.long MULTIBOOT_HEADER_FLAGS
	.long -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_HEADER_FLAGS)

	.globl _start
	.type _start, @function
_start:
	cli
	cld
	movl $PHYS(bootstacktop), %esp
	pushl $EFLAGS_ALWAYS	/* nested task, alignment check... all off */
	popfl
	movl %ebx, %ebp
	movl $no_multiboot, %esi
	cmpl $MULTIBOOT_LOADER_MAGIC, %eax
	jne boot_fail

	/* A CPU has CPUID if bit 21 of eflags can be changed. */
	movl $no_cpuid, %esi
	pushfl
	popl %eax
	movl %eax, %ecx
	xorl $0x200000, %eax
	pushl %eax
	popfl
	pushfl
	popl %eax
	xorl %ecx, %eax
	testl $0x200000, %eax
	jz boot_fail
	movl $1, %eax
	cpuid
	movl $no_pse, %esi
	testl $(1 << 3), %edx
	jz boot_fail
	movl $no_tsc, %esi
	testl $(1 << 4), %edx
	jz boot_fail
	movl $no_pge, %esi
	testl $(1 << 13), %edx
	jz boot_fail
	movl $no_cmov, %esi
	testl $(1 << 15), %edx
	jz boot_fail

	movl $PHYS(bss_start), %edi
	movl $PHYS(image_end), %ecx
	subl %edi, %ecx
	shrl $2, %ecx
	xorl %eax, %eax
	rep stosl

	movl $(PTE_P | PTE_W | PTE_PS), %eax
	movl %eax, PHYS(boot_pgdir)
	orl $PTE_G, %eax
	movl $PHYS(boot_pgdir + (KERNBASE >> 22) * 4), %edi
	movl $DIRECT_MAP_PDES, %ecx
1:	stosl
	addl $(4 << 20), %eax
	decl %ecx
	jnz 1b

	movl $(CR4_PSE | CR4_PGE), %eax
	movl %eax, %cr4
	movl $PHYS(boot_pgdir), %eax
	movl %eax, %cr3
	movl $(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_PE), %eax
	movl %eax, %cr0
	movl $boot_high, %eax
	jmp *%eax

/* esi = what to say. Says it on COM1, which may be in any state. */
boot_fail:
	movw $(COM1 + 3), %dx
	movb $0x80, %al		/* divisor latch */
	outb %al, %dx
	movw $COM1, %dx
	movb $1, %al		/* 115200 */
	outb %al, %dx
	movw $(COM1 + 1), %dx
	xorl %eax, %eax
	outb %al, %dx
	movw $(COM1 + 3), %dx
	movb $3, %al		/* 8N1 */
	outb %al, %dx
2:	lodsb
	testb %al, %al
	jz 4f
	movb %al, %bl
	movl $0x10000, %ecx	/* patience, should there be no COM1 */
	movw $(COM1 + 5), %dx
3:	inb %dx, %al
	testb $0x20, %al
	loopz 3b
	movb %bl, %al
	movw $COM1, %dx
	outb %al, %dx
	jmp 2b
4:	movl $BOOT_EXIT_CODE, %eax
	movw $DEBUG_EXIT_PORT, %dx
	outl %eax, %dx
5:	cli
	hlt
	jmp 5b

#define NEEDS \
	"; this kernel needs CPUID, PSE, TSC, PGE and CMOV (a Pentium Pro or later); halted with code 2\n"

no_multiboot:
	.asciz "boot: not started by a Multiboot 1 loader; halted with code 2\n"
no_cpuid:
	.ascii "boot: CPU lacks CPUID"
	.asciz NEEDS
no_pse:
	.ascii "boot: CPU lacks PSE"
	.asciz NEEDS
no_tsc:
	.ascii "boot: CPU lacks TSC"
	.asciz NEEDS
no_pge:
	.ascii "boot: CPU lacks PGE"
	.asciz NEEDS
no_cmov:
	.ascii "boot: CPU lacks CMOV"
	.asciz NEEDS

	.text
	.type boot_high, @function
boot_high:
	movl $bootstacktop, %esp
	movl %ebp, %eax		/* x86_start(info), first argument in eax */
	xorl %ebp, %ebp		/* the oldest frame of all */
	call x86_start
	ud2

	/* An unmapped page, then the stack, which idle keeps. */
	.section .bss.page_aligned, "aw", @nobits
	.balign 4096
	.globl bootstack_guard, bootstack, bootstacktop, boot_pgdir
bootstack_guard:
	.skip 4096
bootstack:
	.skip BOOT_STACK_SIZE
bootstacktop:
boot_pgdir:
	.skip 4096
