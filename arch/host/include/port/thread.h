/*
 * Host: what a switch saves, what a trap saves.
 */
#ifndef PORT_THREAD_H
#define PORT_THREAD_H

/* Offsets in struct context, for switch.S; context.c checks them. */
#define CONTEXT_RSP 0
#define CONTEXT_RBX 8
#define CONTEXT_RBP 16
#define CONTEXT_R12 24
#define CONTEXT_R13 32
#define CONTEXT_R14 40
#define CONTEXT_R15 48

#ifndef __ASSEMBLER__

/* Linux builds the frame of a signal on the kernel stack (up to some 3 KiB with
 * all vector registers), and libc wants to be called: not small. */
#define ARCH_KSTACK_PAGES 16
#define ARCH_KSTACK_SLOT (2 * ARCH_KSTACK_PAGES * 4096ul)

/*
 * A thread that gave up the CPU did so by calling switch_to(), so only what the
 * calling convention lets a function rely on across a call is saved:
 *
 *   rsp                 its stack; on top lies where to go on, which the call
 *                       of switch_to() has pushed and its `ret` pops (no copy
 *                       of rip is kept: a processor predicts `ret`)
 *   rbx, rbp, r12..r15  callee-saved: the caller expects them unchanged
 *   the others          any call may destroy them
 *   rflags              the direction flag is clear at every call; interrupts
 *                       are not in it but a word of the virtual CPU, off on
 *                       both sides
 *   fs                  belongs to the pthread, that is to the virtual CPU
 *   mxcsr, x87 control  the same in all of the program, nobody changes them
 *
 * The last three are for sanitizers, which must know the stacks (plain.c,
 * asan.c, tsan.c).
 */
struct context {
	uintptr_t rsp;
	uintptr_t rbx;
	uintptr_t rbp;
	uintptr_t r12;
	uintptr_t r13;
	uintptr_t r14;
	uintptr_t r15;
	uintptr_t stack_low;
	size_t stack_size;
	void *fiber;
};

/*
 * What a trap interrupted. The registers themselves stay where Linux put them,
 * in the signal's frame, unless the trap was a call: a system call, or an
 * interrupt that was pending when interrupts came on again.
 */
struct trapframe {
	uintptr_t pc;
	uintptr_t sp;
	uintptr_t bp;
	void *machine;	      /* ucontext_t of the signal, or NULL */
	int (*fn)(void *arg); /* forged: what the new thread calls */
	void *arg;
	uintptr_t ret; /* forged: what the new thread sees returned */
	bool irqs_on;  /* where it returns to */
	bool is_user;  /* a system call by a thread that has an mm */
};

/* Traps from outside the kernel do not exist here. */
PORT_INLINE void
arch_set_kernel_stack(void *top)
{
	(void)top;
}

#endif /* __ASSEMBLER__ */
#endif /* PORT_THREAD_H */
