/*
 * i386: what a switch saves, what a trap saves.
 */
#ifndef PORT_THREAD_H
#define PORT_THREAD_H

#define ARCH_KSTACK_PAGES 2
#define ARCH_KSTACK_SLOT 16384

/*
 * A thread that gave up the CPU did so by calling switch_to(), so only what
 * the calling convention lets a function rely on across a call is saved:
 *
 *   eip, esp            where and on what stack to go on
 *   ebx, esi, edi, ebp  callee-saved: the caller expects them unchanged
 *   eax, ecx, edx       not saved: any call may destroy them (and here they
 *                       carry the arguments), so the caller keeps nothing in
 *                       them
 *   eflags              not saved: interrupts are off on both sides, and the
 *                       direction flag is clear at every call
 *   segments            the same in all of the kernel
 *
 * switch.S knows the offsets.
 */
struct context {
	uintptr_t eip;
	uintptr_t esp;
	uintptr_t ebx;
	uintptr_t esi;
	uintptr_t edi;
	uintptr_t ebp;
};

/* As pushal leaves them, lowest address first. */
struct pushregs {
	uint32_t edi;
	uint32_t esi;
	uint32_t ebp;
	uint32_t oesp; /* where esp was before; popal ignores it */
	uint32_t ebx;
	uint32_t edx;
	uint32_t ecx;
	uint32_t eax;
};

struct trapframe {
	struct pushregs regs;
	uint16_t gs;
	uint16_t padding0;
	uint16_t fs;
	uint16_t padding1;
	uint16_t es;
	uint16_t padding2;
	uint16_t ds;
	uint16_t padding3;
	uint32_t trapno;
	/* From here on pushed by the CPU (err: by vectors.S where it is not). */
	uint32_t err;
	uintptr_t eip;
	uint16_t cs;
	uint16_t padding4;
	uint32_t eflags;
	/* Only there when the trap came from user mode, and in a frame that was
	 * forged. */
	uintptr_t esp;
	uint16_t ss;
	uint16_t padding5;
};

/* Nothing is attached to a context here: stack and frame are core's. */
PORT_INLINE void
arch_thread_discard(struct context *context)
{
	context->eip = context->esp = context->ebx = 0;
	context->esi = context->edi = context->ebp = 0;
}

/* The stack on which the CPU starts when a trap comes from user mode. */
PORT_INLINE void
arch_set_kernel_stack(void *top)
{
	__asm__ volatile("movl %0, %%fs:%c1"
			 :
			 : "r"(top), "i"(CPU_OFF_ESP0)
			 : "memory");
}

#endif /* PORT_THREAD_H */
