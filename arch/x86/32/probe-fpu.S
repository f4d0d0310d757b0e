/*
 * Floating-point and vector registers full of known values (arch/probe.h).
 *
 * Values are integers: x87 registers hold seed + 0 to seed + 7 exactly, and each
 * vector holds four copies of one. The rounding modes in both control words depend
 * on the seed, too. Arguments come in eax, edx, ecx.
 */
#define CONTROL_WORD_START 0x037f
#define MXCSR_START 0x1f80
#define MXCSR_FLAGS 0x3f

/* ebx = seed; (%esp) to 15(%esp) are free. */
	.macro fill
	fninit
	movl %ebx, %eax
	andl $3, %eax
	shll $10, %eax
	orl $CONTROL_WORD_START, %eax
	movl %eax, (%esp)
	fldcw (%esp)
	movl %ebx, (%esp)
	.rept 8
	fildl (%esp)
	incl (%esp)
	.endr
	cmpb $0, fpu_has_sse
	je 3f
	movl %ebx, %eax
	andl $3, %eax
	shll $13, %eax
	orl $MXCSR_START, %eax
	movl %eax, (%esp)
	ldmxcsr (%esp)
	movl %ebx, (%esp)
	.irpc i, 01234567
	movss (%esp), %xmm\i
	shufps $0, %xmm\i, %xmm\i
	incl (%esp)
	.endr
3:
	.endm

/* eax = 1 if everything is there, else 0. Leaves the unit as a program finds it. */
	.macro inspect
	movl %ebx, %eax
	andl $3, %eax
	shll $10, %eax
	orl $CONTROL_WORD_START, %eax
	fnstcw (%esp)
	cmpw %ax, (%esp)
	jne 8f
	leal 8(%ebx), %ecx
	.rept 8
	decl %ecx
	fistpl (%esp)
	cmpl %ecx, (%esp)
	jne 8f
	.endr
	cmpb $0, fpu_has_sse
	je 7f
	movl %ebx, %eax
	andl $3, %eax
	shll $13, %eax
	orl $MXCSR_START, %eax
	stmxcsr (%esp)
	andl $~MXCSR_FLAGS, (%esp)
	cmpl %eax, (%esp)
	jne 8f
	movl %ebx, %ecx
	.irpc i, 01234567
	movups %xmm\i, (%esp)
	.irp offset, 0, 4, 8, 12
	cmpl %ecx, \offset(%esp)
	jne 8f
	.endr
	incl %ecx
	.endr
7:	movl $1, %eax
	jmp 9f
8:	xorl %eax, %eax
9:	fninit
	cmpb $0, fpu_has_sse
	je 6f
	movl $MXCSR_START, (%esp)
	ldmxcsr (%esp)
6:
	.endm

	.text

/* bool arch_probe_fpu_touch(uintptr_t address, uint32_t seed, unsigned long rounds) */
	.globl arch_probe_fpu_touch
	.type arch_probe_fpu_touch, @function
arch_probe_fpu_touch:
	pushl %ebx
	pushl %esi
	pushl %edi
	subl $16, %esp
	movl %eax, %esi
	movl %edx, %ebx
	movl %ecx, %edi
	fill
	incl (%esi)
1:	decl %edi
	jnz 1b
	inspect
	addl $16, %esp
	popl %edi
	popl %esi
	popl %ebx
	ret
	.size arch_probe_fpu_touch, . - arch_probe_fpu_touch

/* bool arch_probe_fpu_call(void (*fn)(void), uint32_t seed) */
	.globl arch_probe_fpu_call
	.type arch_probe_fpu_call, @function
arch_probe_fpu_call:
	pushl %ebx
	pushl %esi
	subl $16, %esp
	movl %eax, %esi
	movl %edx, %ebx
	fill
	call *%esi
	inspect
	addl $16, %esp
	popl %esi
	popl %ebx
	ret
	.size arch_probe_fpu_call, . - arch_probe_fpu_call

	.section .note.GNU-stack, "", @progbits
