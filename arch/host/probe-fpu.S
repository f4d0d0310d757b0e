/*
 * Floating-point and vector registers full of known values (arch/probe.h).
 *
 * Values are integers: x87 registers hold seed + 0 to seed + 7 exactly, and each
 * vector holds four copies of one. The rounding modes in both control words depend
 * on the seed, too. Arguments come in rdi, rsi, rdx.
 */
#define CONTROL_WORD_START 0x037f
#define MXCSR_START 0x1f80
#define MXCSR_FLAGS 0x3f

/* ebx = seed; (%rsp) to 15(%rsp) are free. */
	.macro fill_control
	fninit
	movl	%ebx, %eax
	andl	$3, %eax
	shll	$10, %eax
	orl	$CONTROL_WORD_START, %eax
	movl	%eax, (%rsp)
	fldcw	(%rsp)
	movl	%ebx, %eax
	andl	$3, %eax
	shll	$13, %eax
	orl	$MXCSR_START, %eax
	movl	%eax, (%rsp)
	ldmxcsr	(%rsp)
	.endm

	.macro fill_values
	movl	%ebx, (%rsp)
	.rept	8
	fildl	(%rsp)
	incl	(%rsp)
	.endr
	movl	%ebx, (%rsp)
	.irp	i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movss	(%rsp), %xmm\i
	shufps	$0, %xmm\i, %xmm\i
	incl	(%rsp)
	.endr
	.endm

/* Both go on at 8f if anything is missing. */
	.macro inspect_control
	movl	%ebx, %eax
	andl	$3, %eax
	shll	$10, %eax
	orl	$CONTROL_WORD_START, %eax
	fnstcw	(%rsp)
	cmpw	%ax, (%rsp)
	jne	8f
	movl	%ebx, %eax
	andl	$3, %eax
	shll	$13, %eax
	orl	$MXCSR_START, %eax
	stmxcsr	(%rsp)
	andl	$~MXCSR_FLAGS, (%rsp)
	cmpl	%eax, (%rsp)
	jne	8f
	.endm

	.macro inspect_values
	leal	8(%rbx), %ecx
	.rept	8
	decl	%ecx
	fistpl	(%rsp)
	cmpl	%ecx, (%rsp)
	jne	8f
	.endr
	movl	%ebx, %ecx
	.irp	i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movups	%xmm\i, (%rsp)
	.irp	offset, 0, 4, 8, 12
	cmpl	%ecx, \offset(%rsp)
	jne	8f
	.endr
	incl	%ecx
	.endr
	.endm

/* eax = 1, or at 8f 0. Leaves the unit as libc expects it. */
	.macro finish
	movl	$1, %eax
	jmp	9f
8:	xorl	%eax, %eax
9:	fninit
	movl	$MXCSR_START, (%rsp)
	ldmxcsr	(%rsp)
	addq	$16, %rsp
	popq	%r12
	popq	%rbx
	ret
	.endm

	.text

/* bool arch_probe_fpu_touch(uintptr_t address, uint32_t seed, unsigned long rounds) */
	.globl	arch_probe_fpu_touch
	.type	arch_probe_fpu_touch, @function
arch_probe_fpu_touch:
	pushq	%rbx
	pushq	%r12
	subq	$16, %rsp
	movl	%esi, %ebx
	fill_control
	fill_values
	incl	(%rdi)
1:	decq	%rdx
	jnz	1b
	inspect_control
	inspect_values
	finish
	.size	arch_probe_fpu_touch, . - arch_probe_fpu_touch

/* bool arch_probe_fpu_call(void (*fn)(void), uint32_t seed): a called function
 * keeps the control words only. */
	.globl	arch_probe_fpu_call
	.type	arch_probe_fpu_call, @function
arch_probe_fpu_call:
	pushq	%rbx
	pushq	%r12
	subq	$24, %rsp
	movl	%esi, %ebx
	fill_control
	call	*%rdi
	addq	$8, %rsp
	inspect_control
	finish
	.size	arch_probe_fpu_call, . - arch_probe_fpu_call

	.section .note.GNU-stack, "", @progbits
