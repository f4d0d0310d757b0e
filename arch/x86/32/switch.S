/*
 * From one thread to another, and a thread's first steps.
 *
 * C passes the first arguments in eax, edx, ecx (-mregparm=3), on both sides.
 */
#include "asm.h"

	.text

/*
 * void switch_to(struct context *prev, struct context *next)
 *
 * It comes back by `ret`, not by a jump: all threads but new ones sleep
 * under the same call of this function, so the CPU's return predictor, which
 * remembers our caller, is right whoever comes next.
 */
	.globl switch_to
	.type switch_to, @function
switch_to:
	popl CTX_EIP(%eax)
	movl %esp, CTX_ESP(%eax)
	movl %ebx, CTX_EBX(%eax)
	movl %esi, CTX_ESI(%eax)
	movl %edi, CTX_EDI(%eax)
	movl %ebp, CTX_EBP(%eax)

	movl CTX_EBP(%edx), %ebp
	movl CTX_EDI(%edx), %edi
	movl CTX_ESI(%edx), %esi
	movl CTX_EBX(%edx), %ebx
	movl CTX_ESP(%edx), %esp
	pushl CTX_EIP(%edx)
	ret
	.size switch_to, . - switch_to

/*
 * Where a new thread's context points: esp is its forged frame, interrupts
 * are off, and the switch that came here is not finished.
 */
	.globl forkret
	.type forkret, @function
forkret:
	call sched_finish_switch
	movl %esp, %eax
	.size forkret, . - forkret
	/* and on into forkrets(tf) */

/* void forkrets(struct trapframe *tf): returns through this frame. */
	.globl forkrets
	.type forkrets, @function
forkrets:
	movl %eax, %esp
	jmp __trapret
	.size forkrets, . - forkrets

/* The eip of a forged kernel thread: ebx = fn, edx = arg. */
	.globl kernel_thread_entry
	.type kernel_thread_entry, @function
kernel_thread_entry:
	movl %edx, %eax
	xorl %ebp, %ebp		/* backtraces end here */
	call *%ebx
	call do_exit		/* fn's result is the exit code */
	ud2
	.size kernel_thread_entry, . - kernel_thread_entry
