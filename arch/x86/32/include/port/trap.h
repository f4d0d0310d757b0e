/*
 * i386: reading and changing a trap's frame.
 */
#ifndef PORT_TRAP_H
#define PORT_TRAP_H

/* The ring of the interrupted code, in its segment selector. */
#define SELECTOR_RING 3u

PORT_INLINE bool
arch_frame_irqs_on(const struct trapframe *tf)
{
	return (tf->eflags & EFLAGS_IF) != 0;
}

PORT_INLINE bool
arch_frame_is_user(const struct trapframe *tf)
{
	return (tf->cs & SELECTOR_RING) != 0;
}

PORT_INLINE uintptr_t
arch_frame_pc(const struct trapframe *tf)
{
	return tf->eip;
}

PORT_INLINE void
arch_frame_set_result(struct trapframe *tf, long result)
{
	tf->regs.eax = (uint32_t)result;
}

PORT_INLINE void
arch_frame_divert(struct trapframe *tf, uintptr_t pc, long result)
{
	tf->eip = pc;
	arch_frame_set_result(tf, result);
}

#endif /* PORT_TRAP_H */
