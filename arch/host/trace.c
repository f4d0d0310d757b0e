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

/* The newest trap of this thread, if it came as a signal. */
static const struct trapframe *
newest_signal(void)
{
	const struct proc_struct *self = current;

	if (self == NULL || self->tf == NULL || self->nr_traps == 0 ||
	    self->tf->machine == NULL)
		return NULL;
	return self->tf;
}

/* A walk: the frame it stands on, and the part of the stack that is left. */
struct walk {
	uintptr_t at, low, high;
	const struct trapframe *trap; /* a trap on the way, not reached yet */
};

static bool
walk_start(struct walk *walk, uintptr_t rbp, uintptr_t sp)
{
	walk->at = rbp;
	if (!host_stack_find(sp, &walk->low, &walk->high))
		return false;
	walk->low = MAX(walk->low, sp);
	return true;
}

static bool
walk_has_frame(const struct walk *walk)
{
	return walk->at >= walk->low &&
	       walk->at + sizeof(struct frame) <= walk->high &&
	       walk->at % sizeof(uintptr_t) == 0;
}

/* To the caller; *pc says where it goes on. false: there is none. */
static bool
walk_step(struct walk *walk, uintptr_t *pc)
{
	const struct frame *frame = (const struct frame *)walk->at;
	const struct trapframe *trap = walk->trap;

	*pc = frame->pc;
	if (frame->pc == 0)
		return false;
	/* The handler of a signal seems to be called by what it interrupted,
	 * from somewhere in libc. */
	if (trap != NULL && frame->caller == trap->bp) {
		*pc = trap->pc;
		walk->trap = NULL;
		return walk_start(walk, frame->caller, trap->sp);
	}
	if (frame->caller <= walk->at)
		walk->low = walk->high; /* this was the last */
	walk->at = frame->caller;
	return true;
}

unsigned
arch_backtrace(const struct trapframe *tf, uintptr_t *pcs, unsigned max)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	struct walk walk = { .trap = NULL };
	unsigned nr = 0;

	if (tf != NULL && max > 0)
		pcs[nr++] = tf->pc;
	if (tf == NULL)
		walk.trap = newest_signal();
	if (!(tf == NULL ? walk_start(&walk, here, here)
			 : walk_start(&walk, tf->bp, tf->sp)))
		return nr;
	while (nr < max && walk_has_frame(&walk) && walk_step(&walk, &pcs[nr]))
		nr++;
	return nr;
}

void
arch_frame_print(const struct trapframe *tf)
{
	const greg_t *r;

	printk("  rip 0x%016lx  rsp 0x%016lx  interrupts %s\n", tf->pc, tf->sp,
	       tf->irqs_on ? "on" : "off");
	if (tf->fn != NULL)
		printk("  a new thread, argument %p\n", tf->arg);
	if (tf->machine == NULL)
		return;
	r = ((const ucontext_t *)tf->machine)->uc_mcontext.gregs;
	printk("  rax 0x%016llx  rbx 0x%016llx  rcx 0x%016llx\n", r[REG_RAX],
	       r[REG_RBX], r[REG_RCX]);
	printk("  rdx 0x%016llx  rsi 0x%016llx  rdi 0x%016llx\n", r[REG_RDX],
	       r[REG_RSI], r[REG_RDI]);
	printk("  rbp 0x%016llx  r8  0x%016llx  r9  0x%016llx\n", r[REG_RBP],
	       r[REG_R8], r[REG_R9]);
	printk("  r10 0x%016llx  r11 0x%016llx  r12 0x%016llx\n", r[REG_R10],
	       r[REG_R11], r[REG_R12]);
	printk("  r13 0x%016llx  r14 0x%016llx  r15 0x%016llx\n", r[REG_R13],
	       r[REG_R14], r[REG_R15]);
	printk("  flags 0x%08llx  trap %lld  err 0x%llx  cr2 0x%016llx\n",
	       r[REG_EFL], r[REG_TRAPNO], r[REG_ERR], r[REG_CR2]);
}
