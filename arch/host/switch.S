/*
 * Host: the switch, and the first steps of a new thread.
 *
 * context.c tells how the two fit together.
 */
#include <port/thread.h>

/* Number of the system call rt_sigreturn. */
#define LINUX_SIGRETURN 15

	.text

/*
 * void host_switch(struct context *prev, struct context *next)
 *
 * Where prev goes on lies on top of its stack: the call has put it there. So
 * does next's, and `ret` takes it, as the processor expects after a call.
 *
 * core calls this switch_to, unless a sanitizer's file has one around it.
 */
	.globl	host_switch
	.type	host_switch, @function
	.weak	switch_to
	.type	switch_to, @function
	.balign	16
host_switch:
switch_to:
	movq	%rsp, CONTEXT_RSP(%rdi)
	movq	%rbx, CONTEXT_RBX(%rdi)
	movq	%rbp, CONTEXT_RBP(%rdi)
	movq	%r12, CONTEXT_R12(%rdi)
	movq	%r13, CONTEXT_R13(%rdi)
	movq	%r14, CONTEXT_R14(%rdi)
	movq	%r15, CONTEXT_R15(%rdi)

	movq	CONTEXT_R15(%rsi), %r15
	movq	CONTEXT_R14(%rsi), %r14
	movq	CONTEXT_R13(%rsi), %r13
	movq	CONTEXT_R12(%rsi), %r12
	movq	CONTEXT_RBP(%rsi), %rbp
	movq	CONTEXT_RBX(%rsi), %rbx
	movq	CONTEXT_RSP(%rsi), %rsp
	ret
	.size	host_switch, . - host_switch
	.size	switch_to, . - switch_to

/*
 * A new thread's first switch returns here: rbx = its frame, which lies where
 * rsp points now, rbp = 0, where backtraces end.
 */
	.globl	forkret
	.type	forkret, @function
	.balign	16
forkret:
	movq	%rbx, %rdi
	call	host_first_run
	ud2
	.size	forkret, . - forkret

/*
 * A page fault, on the stack of the thread that caused it: the signal's handler
 * has made it "return" here. rdi = rsp = a copy of the signal's ucontext_t (trap.c),
 * rsi = whether interrupts were on, and the other registers are the thread's.
 * sigreturn expects the stack pointer where it is now.
 */
	.globl	host_trap_entry
	.type	host_trap_entry, @function
	.balign	16
host_trap_entry:
	cld
	call	host_trap_fault
	movl	$LINUX_SIGRETURN, %eax
	syscall
	ud2
	.size	host_trap_entry, . - host_trap_entry

	.section .note.GNU-stack, "", @progbits
