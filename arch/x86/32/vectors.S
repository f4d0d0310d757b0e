/*
 * Where every trap enters, and where it returns.
 *
 * The CPU has pushed (ss, esp,) eflags, cs, eip and for some exceptions an
 * error code; an entry adds 0 where there is none, and its number, so that all
 * frames look the same (struct trapframe). Entries are ENTRY_SIZE bytes apart:
 * desc.c computes their addresses.
 *
 * Segments: inside the kernel ds, es and fs never change, so a trap that comes
 * from the kernel neither loads nor restores them. The test is fs itself: on
 * the way in it is loaded last, on the way out restored first, and user code
 * cannot load SEG_PERCPU. So fs == SEG_PERCPU means "all three are the
 * kernel's" even for an NMI or a fault in the middle of these lines, which
 * a test of the interrupted cs would get wrong. gs is the user's alone.
 */
#include "asm.h"

#define ENTRY_SIZE 16
#define NR_ENTRIES 48

	.text
	.globl trap_entries
	.balign ENTRY_SIZE
	.type trap_entries, @function
trap_entries:
	.set n, 0
	.rept NR_ENTRIES
	.balign ENTRY_SIZE
	/* 8 and 10 to 14, 17, 21: the CPU pushes an error code. */
	.if !(n == 8 || (n >= 10 && n <= 14) || n == 17 || n == 21)
	pushl $0
	.endif
	pushl $n
	jmp __alltraps
	.set n, n + 1
	.endr
	.size trap_entries, . - trap_entries

	/* int 0x80, which user code may execute. */
	.globl trap_entry_syscall
	.balign ENTRY_SIZE
	.type trap_entry_syscall, @function
trap_entry_syscall:
	pushl $0
	pushl $0x80
	jmp __alltraps
	.size trap_entry_syscall, . - trap_entry_syscall

	.type __alltraps, @function
__alltraps:
	pushl %ds
	pushl %es
	pushl %fs
	pushl %gs
	pushal
	cld
	movl %fs, %eax
	cmpw $SEG_PERCPU, %ax
	jne 2f
1:	movl %esp, %eax
	call trap
	.globl __trapret
__trapret:
	cmpw $SEG_PERCPU, TF_FS(%esp)
	jne 3f
	popal
	addl $(TF_SEGMENTS_SIZE + TF_TRAPNO_ERR_SIZE), %esp
	iret

2:	movl $SEG_KDATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl $SEG_PERCPU, %eax
	movl %eax, %fs
	jmp 1b

3:	popal
	popl %gs
	popl %fs
	popl %es
	popl %ds
	addl $TF_TRAPNO_ERR_SIZE, %esp
	iret
	.size __alltraps, . - __alltraps
