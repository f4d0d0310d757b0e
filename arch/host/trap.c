/*
 * Traps that a thread causes itself: page faults and system calls.
 *
 * PROBLEM. The handler of a page fault may sleep, and the thread may then continue on
 * another virtual CPU. But Linux reports the fault as a signal, on the alternate
 * stack of the pthread that executed the access. That stack cannot be left and
 * come back to later: the next fault on this pthread would overwrite it, and the
 * signal's frame on it belongs to this pthread only.
 *
 * MODEL. The signal's handler (fault.c) does as little as a processor does: it
 * copies what Linux saved to the stack of the thread, changes the signal's frame so
 * that it returns into host_trap_entry (switch.S) on that stack, and returns. From
 * there on the alternate stack is free again, and this is an ordinary trap:
 *
 *	stack of the thread
 *	| what it was doing     |
 *	| 128 bytes             |  the red zone: libc's code uses it
 *	| vector registers      |  as Linux saves them, aligned to 64
 *	| ucontext_t            |  general registers, signal mask   <- rsp
 *	| trap_page_fault() ... |  may sleep, fault, be interrupted
 *
 * host_trap_entry calls host_trap_fault(), and then executes Linux's sigreturn
 * with the copy. That restores all registers in one step: the general ones,
 * flags, x87 and vectors. It may happen on another pthread than the one that
 * faulted; irq.c says why that is right, and why the copy has flags that Linux does
 * not know.
 *
 * Interrupts are off from the signal on until core turns them on. Nothing is
 * lost if a signal for an interrupt arrives meanwhile: it finds them off, and the
 * bit stays pending until they come on again.
 *
 * SYSTEM CALLS are calls of a function here. A thread that stands for a user
 * process (it has an mm) makes them from outside of any other trap, and the frame
 * counts as one of user mode.
 */
#include "host.h"
#include <kernel/restart.h>
#include <string.h>
#include <ucontext.h>

/* What Linux leaves alone below the stack pointer. */
#define RED_ZONE 128
/* Where Linux's description of the vector registers says how long it is. */
#define FP_BYTES_MIN 512
#define FP_MAGIC_OFFSET 464
#define FP_SIZE_OFFSET 468
#define FP_MAGIC 0x46505853u
#define FP_ALIGN ((uintptr_t)64)
#define STACK_ALIGN ((uintptr_t)16)
/* The part of ucontext_t that Linux knows; libc's is longer. */
#define UCONTEXT_BYTES (offsetof(ucontext_t, uc_sigmask) + sizeof(uint64_t))
/* The handler of a fault wants this much of the stack for itself. */
#define HANDLER_ROOM (8 * 1024ul)

/* Of a page fault: bits of the error code. */
#define ERROR_PRESENT 0x1
#define ERROR_WRITE 0x2
#define ERROR_FETCH 0x10

/* -- frames ------------------------------------------------------------------------- */

struct trapframe
host_frame_of(void *machine, bool irqs_on)
{
	const greg_t *registers = ((ucontext_t *)machine)->uc_mcontext.gregs;

	return (struct trapframe){
		.pc = (uintptr_t)registers[REG_RIP],
		.sp = (uintptr_t)registers[REG_RSP],
		.bp = (uintptr_t)registers[REG_RBP],
		.machine = machine,
		.irqs_on = irqs_on,
	};
}

void
arch_frame_set_result(struct trapframe *tf, long result)
{
	ucontext_t *uc = tf->machine;

	tf->ret = (uintptr_t)result;
	if (uc != NULL)
		uc->uc_mcontext.gregs[REG_RAX] = result;
}

/* Frames of signals return by their registers. In others whoever made the frame
 * looks at the result. */
void
arch_frame_divert(struct trapframe *tf, uintptr_t pc, long result)
{
	ucontext_t *uc = tf->machine;

	tf->pc = pc;
	if (uc != NULL)
		uc->uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
	arch_frame_set_result(tf, result);
}

/* -- page faults -------------------------------------------------------------------- */

static size_t
fp_bytes(const char *fp)
{
	uint32_t magic, size;

	memcpy(&magic, fp + FP_MAGIC_OFFSET, sizeof(magic));
	memcpy(&size, fp + FP_SIZE_OFFSET, sizeof(size));
	return magic == FP_MAGIC ? size : FP_BYTES_MIN;
}

bool
host_trap_raise(void *machine, bool irqs_on)
{
	ucontext_t *uc = machine, *copy;
	greg_t *registers = uc->uc_mcontext.gregs;
	uintptr_t sp = (uintptr_t)registers[REG_RSP], low, high, fp;
	const char *was = (const char *)uc->uc_mcontext.fpregs;
	size_t bytes = fp_bytes(was);

	if (!host_stack_find(sp, &low, &high) ||
	    sp < low + RED_ZONE + bytes + sizeof(*copy) + HANDLER_ROOM)
		return false;
	fp = ALIGN_DOWN(sp - RED_ZONE - bytes, FP_ALIGN);
	memcpy((void *)fp, was, bytes);
	copy = (ucontext_t *)ALIGN_DOWN(fp - sizeof(*copy), STACK_ALIGN);
	memcpy(copy, uc, UCONTEXT_BYTES);
	copy->uc_mcontext.fpregs = (fpregset_t)fp;
	copy->uc_stack.ss_flags = HOST_KEEP_SIGNAL_STACK;

	registers[REG_RIP] = (greg_t)host_trap_entry;
	registers[REG_RSP] = (greg_t)copy;
	registers[REG_RDI] = (greg_t)copy;
	registers[REG_RSI] = irqs_on;
	return true;
}

void
host_trap_fault(void *machine, bool irqs_on)
{
	ucontext_t *uc = machine;
	greg_t *registers = uc->uc_mcontext.gregs, error = registers[REG_ERR];
	struct trapframe tf = host_frame_of(uc, irqs_on);
	struct page_fault fault = {
		.tf = &tf,
		.address = (uintptr_t)registers[REG_CR2],
		.access = ((error & ERROR_PRESENT) ? PAGE_FAULT_PRESENT : 0u) |
			  ((error & ERROR_WRITE) ? PAGE_FAULT_WRITE : 0u) |
			  ((error & ERROR_FETCH) ? PAGE_FAULT_FETCH : 0u),
	};

	trap_page_fault(&fault);
	registers[REG_RIP] = (greg_t)restart_pc((uintptr_t)registers[REG_RIP]);
	arch_irq_restore(irqs_on);
}

/* -- system calls ------------------------------------------------------------------- */

long
host_syscall(const struct syscall *call)
{
	const uintptr_t *frame = __builtin_frame_address(0);
	const struct proc_struct *self = current;
	irq_state_t irqs = arch_irq_save();
	struct trapframe tf = {
		.pc = frame[1],
		.sp = (uintptr_t)&frame[2],
		.bp = frame[0],
		.irqs_on = irqs,
		.is_user = self->mm != NULL && self->nr_traps == 0,
	};

	trap_syscall(&tf, call);
	arch_irq_restore(irqs);
	return (long)tf.ret;
}
