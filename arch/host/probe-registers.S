/*
 * Registers full of known values, around an instruction that traps
 * (arch/probe.h). Arguments come in rdi, rsi, rdx.
 */
	.text

/* bool arch_probe_touch(uintptr_t address, uintptr_t seed). The 128 bytes below the
 * stack pointer must stay, too. */
	.globl	arch_probe_touch
	.type	arch_probe_touch, @function
arch_probe_touch:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushq	%rdi
	pushq	%rsi
	movq	%rsi, -8(%rsp)
	movq	%rsi, -128(%rsp)
	leaq	1(%rsi), %rax
	leaq	2(%rsi), %rbx
	leaq	3(%rsi), %rcx
	leaq	4(%rsi), %rdx
	leaq	5(%rsi), %rbp
	leaq	6(%rsi), %r8
	leaq	7(%rsi), %r9
	leaq	8(%rsi), %r10
	leaq	9(%rsi), %r11
	leaq	10(%rsi), %r12
	leaq	11(%rsi), %r13
	leaq	12(%rsi), %r14
	leaq	13(%rsi), %r15
	stc			/* incl leaves the carry alone */
	incl	(%rdi)
	jnc	1f
	cmpq	%rsi, (%rsp)
	jne	1f
	cmpq	%rsi, -8(%rsp)
	jne	1f
	cmpq	%rsi, -128(%rsp)
	jne	1f
	cmpq	%rdi, 8(%rsp)
	jne	1f
	.macro expect register, plus
	subq	$\plus, \register
	cmpq	\register, %rsi
	jne	1f
	.endm
	expect	%rax, 1
	expect	%rbx, 2
	expect	%rcx, 3
	expect	%rdx, 4
	expect	%rbp, 5
	expect	%r8, 6
	expect	%r9, 7
	expect	%r10, 8
	expect	%r11, 9
	expect	%r12, 10
	expect	%r13, 11
	expect	%r14, 12
	expect	%r15, 13
	movl	$1, %eax
	jmp	2f
1:	xorl	%eax, %eax
2:	addq	$16, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret
	.size	arch_probe_touch, . - arch_probe_touch

	.section .note.GNU-stack, "", @progbits
