/*
 * Host: reading a trap's frame. What changes a frame is in trap.c, because it
 * must change the registers where Linux put them.
 */
#ifndef PORT_TRAP_H
#define PORT_TRAP_H

PORT_INLINE bool
arch_frame_irqs_on(const struct trapframe *tf)
{
	return tf->irqs_on;
}

PORT_INLINE bool
arch_frame_is_user(const struct trapframe *tf)
{
	return tf->is_user;
}

PORT_INLINE uintptr_t
arch_frame_pc(const struct trapframe *tf)
{
	return tf->pc;
}

#endif /* PORT_TRAP_H */
