/*
 * Registers full of known values, around an instruction that traps
 * (arch/probe.h). Arguments come in eax, edx, ecx.
 */
	.text

/* bool arch_probe_touch(uintptr_t address, uintptr_t seed) */
	.globl arch_probe_touch
	.type arch_probe_touch, @function
arch_probe_touch:
	pushl %ebx
	pushl %esi
	pushl %edi
	pushl %ebp
	pushl %eax
	pushl %edx
	leal 1(%edx), %ebx
	leal 2(%edx), %ecx
	leal 3(%edx), %esi
	leal 4(%edx), %edi
	leal 5(%edx), %ebp
	stc			/* incl leaves the carry alone */
	incl (%eax)
	jnc 1f
	cmpl %edx, (%esp)
	jne 1f
	cmpl %eax, 4(%esp)
	jne 1f
	decl %ebx
	cmpl %ebx, %edx
	jne 1f
	subl $2, %ecx
	cmpl %ecx, %edx
	jne 1f
	subl $3, %esi
	cmpl %esi, %edx
	jne 1f
	subl $4, %edi
	cmpl %edi, %edx
	jne 1f
	subl $5, %ebp
	cmpl %ebp, %edx
	jne 1f
	movl $1, %eax
	jmp 2f
1:	xorl %eax, %eax
2:	addl $8, %esp
	popl %ebp
	popl %edi
	popl %esi
	popl %ebx
	ret
	.size arch_probe_touch, . - arch_probe_touch

/* bool arch_probe_syscall(const struct syscall *call, long *result): the number and
 * six arguments lie at *call, one word each. */
	.globl arch_probe_syscall
	.type arch_probe_syscall, @function
arch_probe_syscall:
	pushl %ebx
	pushl %esi
	pushl %edi
	pushl %ebp
	pushl %edx
	pushl %eax
	movl 4(%eax), %ebx
	movl 8(%eax), %ecx
	movl 12(%eax), %edx
	movl 16(%eax), %esi
	movl 20(%eax), %edi
	movl 24(%eax), %ebp
	movl (%eax), %eax
	stc
	int $0x80
	pushl %eax		/* the result; below it: call, result's place */
	jnc 1f
	movl 4(%esp), %eax
	cmpl %ebx, 4(%eax)
	jne 1f
	cmpl %ecx, 8(%eax)
	jne 1f
	cmpl %edx, 12(%eax)
	jne 1f
	cmpl %esi, 16(%eax)
	jne 1f
	cmpl %edi, 20(%eax)
	jne 1f
	cmpl %ebp, 24(%eax)
	jne 1f
	movl $1, %eax
	jmp 2f
1:	xorl %eax, %eax
2:	popl %ecx
	movl 4(%esp), %edx
	movl %ecx, (%edx)
	addl $8, %esp
	popl %ebp
	popl %edi
	popl %esi
	popl %ebx
	ret
	.size arch_probe_syscall, . - arch_probe_syscall

	.section .note.GNU-stack, "", @progbits
