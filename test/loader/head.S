/*
 * The loader's first and last instructions.
 */
#include "multiboot.h"

#define HEADER_FLAGS (MULTIBOOT_ALIGN_MODULES | MULTIBOOT_WANTS_MEMORY)

	.section .multiboot, "a"
	.balign 4
	.long MULTIBOOT_HEADER_MAGIC
	.long HEADER_FLAGS
	.long -(MULTIBOOT_HEADER_MAGIC + HEADER_FLAGS)

	.text
	.globl loader_start
loader_start:
	mov $stack_top, %esp
	push %ebx
	push %eax
	call loader_main
1:	hlt
	jmp 1b

/*
 * void loader_leave(uint32_t entry, uint32_t info, uint32_t magic): into the
 * kernel with nothing but what Multiboot promises.  CS and the data segments stay as they
 * are (flat) but their table is gone; CR0 has PE and not PG, EFLAGS has neither
 * IF, TF nor VM; everything else that may be anything is something awkward:
 * the string direction is down, NT is set, %esp points nowhere.
 */
#define AWKWARD_CR0 0x0005002a		/* AM WP NE TS MP */
#define AWKWARD_EFLAGS 0x00047cd7	/* AC NT IOPL=3 OF DF SF ZF AF PF CF */

	.globl loader_leave
loader_leave:
	mov 4(%esp), %eax
	mov %eax, entry
	mov 8(%esp), %ebx
	mov 12(%esp), %edx
	lgdt no_table
	lidt no_table
	mov %cr0, %eax
	or $AWKWARD_CR0, %eax
	mov %eax, %cr0
	push $AWKWARD_EFLAGS
	popf
	mov %edx, %eax
	mov $0xdeadbee1, %ecx
	mov $0xdeadbee2, %edx
	mov $0xdeadbee3, %esi
	mov $0xdeadbee4, %edi
	mov $0xdeadbee5, %ebp
	mov $0xdeadbee6, %esp
	jmp *entry

/* void loader_triple_fault(void) */
	.globl loader_triple_fault
loader_triple_fault:
	lidt no_table
	ud2

	.data
	.balign 4
entry:	.long 0
no_table:
	.word 0
	.long 0xdeadb000

	.bss
	.balign 16
	.skip 16384
stack_top:

	.section .note.GNU-stack, "", @progbits
