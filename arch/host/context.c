/*
 * Threads: forging a new one, and its first run.
 *
 * A thread that does not run is a struct context and a stack. switch_to() lays
 * down the registers of one thread and picks up those of another; it is a
 * function like any other for both of them: each returns from the call that it
 * made itself, possibly years later and on another virtual CPU.
 *
 * A new thread has made no such call, so one is forged. Its stack, from the top:
 *
 *	kstack + ARCH_KSTACK_PAGES * PAGE_SIZE
 *	   struct trapframe     what it "was interrupted" in: fn, arg
 *	   address of forkret   where switch_to() returns to    <- context.rsp
 *	   (free)
 *
 *	switch_to() -> forkret -> host_first_run(frame):
 *	   sched_finish_switch()   the run-queue lock is held until here
 *	   interrupts on           as the frame says: the return from the trap
 *	   do_exit(fn(arg))
 *
 * On a machine the return from the trap is an instruction that loads all
 * registers from the frame; here a call of fn does the same, since a thread of
 * the kernel starts with nothing in its registers but fn and arg.
 *
 * Alignment: after `ret` the stack pointer is at the frame, a multiple of 16, as
 * the calling convention wants it before the call in forkret.
 *
 * Sanitizers believe that a pthread has one stack. asan.c and tsan.c tell them
 * of each switch, by a switch_to() around host_switch(); plain.c stands for none
 * of them. The stack's bounds are kept in the context for that.
 */
#include "host.h"

BUILD_ASSERT(offsetof(struct context, rsp) == CONTEXT_RSP);
BUILD_ASSERT(offsetof(struct context, rbx) == CONTEXT_RBX);
BUILD_ASSERT(offsetof(struct context, rbp) == CONTEXT_RBP);
BUILD_ASSERT(offsetof(struct context, r12) == CONTEXT_R12);
BUILD_ASSERT(offsetof(struct context, r13) == CONTEXT_R13);
BUILD_ASSERT(offsetof(struct context, r14) == CONTEXT_R14);
BUILD_ASSERT(offsetof(struct context, r15) == CONTEXT_R15);

#define STACK_BYTES (ARCH_KSTACK_PAGES * PAGE_SIZE)
#define STACK_ALIGN ((uintptr_t)16)

/* Where the first frame of a thread on this stack lies. */
static inline struct trapframe *
first_frame(void *kstack)
{
	uintptr_t top = (uintptr_t)kstack + STACK_BYTES;

	return (struct trapframe *)ALIGN_DOWN(top - sizeof(struct trapframe),
					      STACK_ALIGN);
}

static struct trapframe *
start_with(struct context *context, void *kstack, struct trapframe *frame)
{
	uintptr_t *return_to = (uintptr_t *)frame - 1;

	*context = (struct context){
		.rsp = (uintptr_t)return_to,
		.rbx = (uintptr_t)frame,
		.stack_low = (uintptr_t)kstack,
		.stack_size = STACK_BYTES,
	};
	host_fiber_forge(context);
	*return_to = (uintptr_t)forkret;
	return frame;
}

struct trapframe *
arch_thread_forge(struct context *context, void *kstack, uintptr_t stack,
		  const struct trapframe *tf)
{
	struct trapframe *copy = first_frame(kstack);

	*copy = *tf;
	copy->sp = stack;
	copy->ret = 0;
	copy->irqs_on = true;
	return start_with(context, kstack, copy);
}

struct trapframe *
arch_kernel_thread_forge(struct context *context, void *kstack, thread_fn *fn,
			 void *arg)
{
	struct trapframe *frame = first_frame(kstack);

	*frame = (struct trapframe){
		.pc = (uintptr_t)fn,
		.fn = fn,
		.arg = arg,
		.irqs_on = true,
	};
	return start_with(context, kstack, frame);
}

uintptr_t
arch_context_sp(const struct context *context)
{
	return context->rsp;
}

/* The linker's names. */
extern char __data_start[], _end[];

bool
arch_data_range(unsigned i, const void **from, const void **to)
{
	*from = __data_start;
	*to = _end;
	return i == 0;
}

/* Not for AddressSanitizer: before a call that does not return it looks at
 * thread-local data of the pthread, and interrupts are on. */
__attribute__((no_sanitize("address"))) void
host_first_run(struct trapframe *tf)
{
	host_fiber_first();
	sched_finish_switch();
	if (tf->fn == NULL)
		trap_fatal(tf, "a thread without a function");
	arch_irq_enable();
	do_exit(tf->fn(tf->arg));
}

void
arch_thread_discard(struct context *context)
{
	host_fiber_discard(context);
	*context = (struct context){ 0 };
}
