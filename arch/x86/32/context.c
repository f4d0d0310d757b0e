/*
 * Contexts and frames: how a thread is made to look as if it had run before,
 * and how to read what a trap left on a stack.
 *
 * A new thread's stack, from its first switch_to() on:
 *
 *     kstack + 8 KiB  +------------------+
 *                     | ss, esp          |  unused: iret inside the kernel
 *                     | eflags, cs, eip  |  eip = kernel_thread_entry
 *                     | err, trapno      |
 *                     | ds, es, fs, gs   |
 *                     | registers        |  ebx = fn, edx = arg, eax = 0
 *     context.esp ->  +------------------+  context.eip = forkret
 *                     |                  |
 *     kstack          +------------------+
 *                     | guard, unmapped  |
 *
 * switch_to() "returns" into forkret, which finishes the switch and leaves
 * through the frame like any trap (switch.S).
 *
 * Backtraces follow ebp, which each function that calls another one keeps as
 * a list of frames (-fno-omit-frame-pointer): [ebp] is the caller's ebp, above it
 * the return address. The walk believes nothing: a frame must lie, aligned, in
 * a stack that is known to be mapped, further up than the last one, and
 * point into the kernel's text.
 */
#include <kernel/printk.h>
#include <kernel/string.h>
#include <kernel/thread.h>
#include <arch/trap.h>
#include "desc.h"
#include "../x86.h"

#define KSTACK_SIZE (ARCH_KSTACK_PAGES * PAGE_SIZE)

BUILD_ASSERT(offsetof(struct context, eip) == CTX_EIP);
BUILD_ASSERT(offsetof(struct context, esp) == CTX_ESP);
BUILD_ASSERT(offsetof(struct context, ebx) == CTX_EBX);
BUILD_ASSERT(offsetof(struct context, esi) == CTX_ESI);
BUILD_ASSERT(offsetof(struct context, edi) == CTX_EDI);
BUILD_ASSERT(offsetof(struct context, ebp) == CTX_EBP);
BUILD_ASSERT(offsetof(struct trapframe, fs) == TF_FS);
BUILD_ASSERT(offsetof(struct trapframe, trapno) -
		     offsetof(struct trapframe, gs) ==
	     TF_SEGMENTS_SIZE);
BUILD_ASSERT(offsetof(struct trapframe, eip) -
		     offsetof(struct trapframe, trapno) ==
	     TF_TRAPNO_ERR_SIZE);

/* switch.S, vectors.S; reached by `ret` and `iret` only. */
extern char forkret[], kernel_thread_entry[], __trapret[];

/* Where the first frame of a thread on this stack lies: at the very top. */
static inline struct trapframe *
first_frame(void *kstack)
{
	return (struct trapframe *)((char *)kstack + KSTACK_SIZE) - 1;
}

/* forkret expects nothing in the other registers; they are 0. */
static inline struct trapframe *
start_with(struct context *context, struct trapframe *frame)
{
	context->eip = (uintptr_t)forkret;
	context->esp = (uintptr_t)frame;
	return frame;
}

struct trapframe *
arch_thread_forge(struct context *context, void *kstack, uintptr_t stack,
		  const struct trapframe *tf)
{
	struct trapframe *copy = first_frame(kstack);

	*copy = *tf;
	copy->regs.eax = 0;
	copy->esp = stack;
	copy->eflags |= EFLAGS_IF;
	return start_with(context, copy);
}

/* Word by word: from an initialiser of the whole, compilers make a loop. */
struct trapframe *
arch_kernel_thread_forge(struct context *context, void *kstack, thread_fn *fn,
			 void *arg)
{
	struct trapframe *tf = first_frame(kstack);

	tf->regs.ebx = (uintptr_t)fn;
	tf->regs.edx = (uintptr_t)arg;
	tf->regs.edi = tf->regs.esi = tf->regs.ebp = tf->regs.oesp = 0;
	tf->regs.ecx = tf->regs.eax = 0;
	tf->gs = tf->padding0 = 0;
	tf->fs = SEG_PERCPU;
	tf->padding1 = 0;
	tf->es = SEG_KDATA;
	tf->padding2 = 0;
	tf->ds = SEG_KDATA;
	tf->padding3 = 0;
	tf->trapno = tf->err = 0;
	tf->eip = (uintptr_t)kernel_thread_entry;
	tf->cs = SEG_KCODE;
	tf->padding4 = 0;
	tf->eflags = EFLAGS_ALWAYS | EFLAGS_IF;
	tf->esp = 0;
	tf->ss = SEG_KDATA;
	tf->padding5 = 0;
	return start_with(context, tf);
}

uintptr_t
arch_context_sp(const struct context *context)
{
	return context->esp;
}

/* The first stack lies among the zeroes. */
bool
arch_data_range(unsigned i, const void **from, const void **to)
{
	*from = i == 0 ? data_start : bootstacktop;
	*to = i == 0 ? bootstack_guard : image_end;
	return i < 2;
}

static bool
frame_from_user(const struct trapframe *tf)
{
	return (tf->cs & 3) != 0;
}

/* The stack pointer of what was interrupted: pushed only when the ring
 * changed; else the frame itself lies on that stack. */
static uintptr_t
frame_stack_pointer(const struct trapframe *tf)
{
	if (frame_from_user(tf) || tf->trapno == TRAP_DOUBLE_FAULT)
		return tf->esp;
	return (uintptr_t)&tf->esp;
}

void
arch_frame_print(const struct trapframe *tf)
{
	const struct pushregs *regs = &tf->regs;

	printk("  eip 0x%08lx  cs 0x%04x  eflags 0x%08lx  trap %lu  err 0x%lx\n",
	       (unsigned long)tf->eip, tf->cs, (unsigned long)tf->eflags,
	       (unsigned long)tf->trapno, (unsigned long)tf->err);
	printk("  eax 0x%08lx  ebx 0x%08lx  ecx 0x%08lx  edx 0x%08lx\n",
	       (unsigned long)regs->eax, (unsigned long)regs->ebx,
	       (unsigned long)regs->ecx, (unsigned long)regs->edx);
	printk("  esi 0x%08lx  edi 0x%08lx  ebp 0x%08lx  esp 0x%08lx\n",
	       (unsigned long)regs->esi, (unsigned long)regs->edi,
	       (unsigned long)regs->ebp,
	       (unsigned long)frame_stack_pointer(tf));
	printk("  ds 0x%04x  es 0x%04x  fs 0x%04x  gs 0x%04x  cr2 0x%08lx  cr3 0x%08lx\n",
	       tf->ds, tf->es, tf->fs, tf->gs, (unsigned long)read_cr2(),
	       (unsigned long)read_cr3());
}

/* The stack that this address is in, if it is one that is surely mapped: its
 * end; else 0. */
static uintptr_t
stack_end(uintptr_t address)
{
	uintptr_t kstack = current->kstack;

	if (address >= (uintptr_t)bootstack &&
	    address < (uintptr_t)bootstacktop)
		return (uintptr_t)bootstacktop;
	if (kstack != 0 && address >= kstack && address < kstack + KSTACK_SIZE)
		return kstack + KSTACK_SIZE;
	return 0;
}

static bool
is_kernel_text(uintptr_t pc)
{
	return pc >= (uintptr_t)text_start && pc < (uintptr_t)text_end;
}

/* trap()'s caller: above that return address lies the frame of what it
 * interrupted, which is the next one out. */
static unsigned
add_return_address(const uintptr_t *frame, uintptr_t end, uintptr_t *pcs,
		   unsigned max)
{
	const struct trapframe *tf = (const struct trapframe *)&frame[2];

	pcs[0] = frame[1];
	if (frame[1] != (uintptr_t)__trapret || max < 2 ||
	    (uintptr_t)&tf->esp > end)
		return 1;
	pcs[1] = tf->eip;
	return 2;
}

static unsigned
walk_frames(uintptr_t ebp, uintptr_t *pcs, unsigned max)
{
	uintptr_t end = stack_end(ebp);
	unsigned nr = 0;

	while (nr < max && end != 0 && ebp % sizeof(uintptr_t) == 0 &&
	       ebp <= end - 2 * sizeof(uintptr_t)) {
		const uintptr_t *frame = (const uintptr_t *)ebp;

		if (!is_kernel_text(frame[1]))
			break;
		nr += add_return_address(frame, end, pcs + nr, max - nr);
		if (frame[0] <= ebp || frame[0] >= end)
			break;
		ebp = frame[0];
	}
	return nr;
}

unsigned
arch_backtrace(const struct trapframe *tf, uintptr_t *pcs, unsigned max)
{
	unsigned nr = 0;

	if (!tf)
		return walk_frames((uintptr_t)__builtin_frame_address(0), pcs,
				   max);
	if (max > 0)
		pcs[nr++] = tf->eip;
	if (frame_from_user(tf))
		return nr;
	/* A call to nowhere: the caller is only known from the stack. */
	if (!is_kernel_text(tf->eip) && nr < max) {
		uintptr_t esp = frame_stack_pointer(tf);
		uintptr_t end = stack_end(esp);

		if (end != 0 && esp % sizeof(uintptr_t) == 0 &&
		    is_kernel_text(*(const uintptr_t *)esp))
			pcs[nr++] = *(const uintptr_t *)esp;
	}
	return nr + walk_frames(tf->regs.ebp, pcs + nr, max - nr);
}
