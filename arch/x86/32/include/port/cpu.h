/*
 * i386: this CPU, interrupts.
 *
 * Every CPU has a struct cpu, and a segment that starts at it: %fs, in the
 * kernel, always holds the selector SEG_PERCPU of this CPU's own GDT. So one
 * instruction reaches a per-CPU word on whatever CPU it happens to execute.
 * These are the words' offsets; desc.c has the structure and checks them.
 */
#ifndef PORT_CPU_H
#define PORT_CPU_H

#define CPU_OFF_CURRENT 0
#define CPU_OFF_ID 4
#define CPU_OFF_ESP0 12

#define EFLAGS_IF 0x200u

/* Never defined: a name for "memory that this asm depends on". */
extern unsigned port_cpu_words;

/*
 * Neither volatile nor dependent on memory: the compiler may keep the answer
 * in a register as long as it likes, even across a call of switch_to(),
 * because for the code that asks it never changes. The one place that must not
 * ask is between arch_set_current() and switch_to().
 */
PORT_INLINE struct proc_struct *
arch_current(void)
{
	struct proc_struct *proc;

	__asm__("movl %%fs:%c1, %0" : "=r"(proc) : "i"(CPU_OFF_CURRENT));
	return proc;
}

PORT_INLINE void
arch_set_current(struct proc_struct *proc)
{
	__asm__ volatile("movl %0, %%fs:%c1"
			 :
			 : "r"(proc), "i"(CPU_OFF_CURRENT)
			 : "memory");
}

/* Asked again after every barrier (preemption or interrupts turned off). */
PORT_INLINE unsigned
arch_cpu_id(void)
{
	unsigned id;

	__asm__("movl %%fs:%c1, %0"
		: "=r"(id)
		: "i"(CPU_OFF_ID), "m"(port_cpu_words));
	return id;
}

PORT_INLINE bool
arch_irqs_on(void)
{
	uintptr_t flags;

	__asm__ volatile("pushfl; popl %0" : "=r"(flags) : : "memory");
	return (flags & EFLAGS_IF) != 0;
}

PORT_INLINE void
arch_irq_enable(void)
{
	__asm__ volatile("sti" : : : "memory");
}

PORT_INLINE void
arch_irq_disable(void)
{
	__asm__ volatile("cli" : : : "memory");
}

PORT_INLINE irq_state_t
arch_irq_save(void)
{
	uintptr_t flags;

	__asm__ volatile("pushfl; popl %0; cli" : "=r"(flags) : : "memory");
	return (flags & EFLAGS_IF) != 0;
}

PORT_INLINE void
arch_irq_restore(irq_state_t state)
{
	if (state)
		arch_irq_enable();
	else
		__asm__ volatile("" : : : "memory");
}

/* sti takes effect after the next instruction: no interrupt fits between. */
PORT_INLINE void
arch_idle(void)
{
	__asm__ volatile("sti; hlt" : : : "memory");
}

PORT_INLINE void
arch_cpu_relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

PORT_INLINE uint64_t
arch_cycles(void)
{
	uint64_t cycles;

	__asm__ volatile("rdtsc" : "=A"(cycles));
	return cycles;
}

#endif /* PORT_CPU_H */
