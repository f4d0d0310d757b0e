/*
 * Looking at a trap: registers, and the way back through the stack.
 *
 * Every function of core keeps a frame pointer, so a stack is a list: at each rbp
 * lie the caller's rbp and the return address. The walk stays inside the one
 * stack that it begins on, whose bounds are known, and only goes upwards: it
 * neither faults nor runs for ever, whatever the memory holds.
 */
#include "host.h"
#include <kernel/printk.h>
#include <ucontext.h>

struct frame {
	uintptr_t caller; /* its rbp */
	uintptr_t pc;	  /* where it goes on */
};

static bool
is_between(uintptr_t sp, uintptr_t low, uintptr_t high)
{
	return sp >= low && sp < high;
}

bool
host_stack_find(uintptr_t sp, uintptr_t *low, uintptr_t *high)
{
	/* One that overflowed is below its stack, in the guard. */
	if (host_is_kstack(sp)) {
		*high = ALIGN_UP(sp + 1, ARCH_KSTACK_SLOT);
		*low = *high - ARCH_KSTACK_PAGES * PAGE_SIZE;
		return true;
	}
	for (unsigned i = 0; i < MAX_CPUS; i++) {
		const struct host_cpu *cpu = &host_cpus[i];

		*low = cpu->stack_low;
		*high = cpu->stack_high;
		if (is_between(sp, *low - PAGE_SIZE, *high))
			return true;
		*low = cpu->trap_low;
		*high = cpu->trap_high;
		if (is_between(sp, *low, *high))
			return true;
	}
	return false;
}

static uintptr_t
register_of(const struct trapframe *tf, int index)
{
	const ucontext_t *uc = tf->machine;

	return (uintptr_t)uc->uc_mcontext.gregs[index];
}

unsigned
arch_backtrace(const struct trapframe *tf, uintptr_t *pcs, unsigned max)
{
	uintptr_t at = (uintptr_t)__builtin_frame_address(0);
	uintptr_t sp = at, low, high;
	unsigned nr = 0;

	if (tf != NULL && max > 0)
		pcs[nr++] = tf->pc;
	if (tf != NULL && tf->machine == NULL)
		return nr;
	if (tf != NULL) {
		at = register_of(tf, REG_RBP);
		sp = tf->sp;
	}
	if (!host_stack_find(sp, &low, &high))
		return nr;
	while (nr < max && at >= MAX(sp, low) &&
	       at + sizeof(struct frame) <= high && at % sizeof(at) == 0) {
		const struct frame *frame = (const struct frame *)at;

		if (frame->pc == 0)
			break;
		pcs[nr++] = frame->pc;
		if (frame->caller <= at)
			break;
		at = frame->caller;
	}
	return nr;
}

void
arch_frame_print(const struct trapframe *tf)
{
	static const struct {
		int index;
		const char *name;
	} registers[] = {
		{ REG_RAX, "rax" },	  { REG_RBX, "rbx" },
		{ REG_RCX, "rcx" },	  { REG_RDX, "rdx" },
		{ REG_RSI, "rsi" },	  { REG_RDI, "rdi" },
		{ REG_RBP, "rbp" },	  { REG_R8, "r8 " },
		{ REG_R9, "r9 " },	  { REG_R10, "r10" },
		{ REG_R11, "r11" },	  { REG_R12, "r12" },
		{ REG_R13, "r13" },	  { REG_R14, "r14" },
		{ REG_R15, "r15" },	  { REG_EFL, "flags" },
		{ REG_TRAPNO, "trapno" }, { REG_ERR, "err" },
		{ REG_CR2, "cr2" },
	};

	printk("trap frame at %p\n", (const void *)tf);
	printk("  rip 0x%016lx\n", tf->pc);
	printk("  rsp 0x%016lx\n", tf->sp);
	printk("  interrupts %s\n", tf->irqs_on ? "on" : "off");
	if (tf->fn != NULL)
		printk("  new thread's argument %p\n", tf->arg);
	if (tf->machine == NULL)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(registers); i++)
		printk("  %s 0x%016lx\n", registers[i].name,
		       register_of(tf, registers[i].index));
}
