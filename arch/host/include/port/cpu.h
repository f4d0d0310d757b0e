/*
 * Host: this CPU and its interrupts.
 *
 * A virtual CPU is a pthread, and what belongs to a CPU is thread-local: one
 * %fs-relative instruction reads or writes it on whatever CPU it happens to
 * execute. The words are named in assembly and never in C, because a compiler
 * may keep the *address* of a thread-local variable in a register, and a kernel
 * thread moves between pthreads whenever it switches. The linker fixes the
 * offsets (local-exec: the image is one static program, never a library).
 *
 * cpu.c defines the words, irq.c tells how interrupts work.
 */
#ifndef PORT_CPU_H
#define PORT_CPU_H

/* Never defined: a name for "memory that this asm depends on". */
extern unsigned host_cpu_words;

/* Delivers what is pending on this CPU, as a trap. Interrupts on. */
void host_irq_deliver(void);

/*
 * Neither volatile nor dependent on memory: for the code that asks the answer
 * never changes, so the compiler may keep it, even across switch_to(). The one
 * place that must not ask is between arch_set_current() and switch_to().
 */
PORT_INLINE struct proc_struct *
arch_current(void)
{
	struct proc_struct *proc;

	__asm__("movq %%fs:host_current@tpoff, %0" : "=r"(proc));
	return proc;
}

PORT_INLINE void
arch_set_current(struct proc_struct *proc)
{
	__asm__ volatile("movq %0, %%fs:host_current@tpoff"
			 :
			 : "r"(proc)
			 : "memory");
}

/* Asked again after every barrier (preemption or interrupts turned off). */
PORT_INLINE unsigned
arch_cpu_id(void)
{
	unsigned id;

	__asm__("movl %%fs:host_cpu_id@tpoff, %0"
		: "=r"(id)
		: "m"(host_cpu_words));
	return id;
}

PORT_INLINE bool
arch_irqs_on(void)
{
	bool on;

	__asm__ volatile("movzbl %%fs:host_irqs_on@tpoff, %k0"
			 : "=r"(on)
			 :
			 : "memory");
	return on;
}

PORT_INLINE void
arch_irq_disable(void)
{
	__asm__ volatile("movb $0, %%fs:host_irqs_on@tpoff" : : : "memory");
}

PORT_INLINE irq_state_t
arch_irq_save(void)
{
	bool on = arch_irqs_on();

	arch_irq_disable();
	return on;
}

/* Turns interrupts on, then looks whether one is pending; what comes in between
 * comes with a signal, which finds them on. */
PORT_INLINE bool
host_irq_on(void)
{
	bool pending;

	__asm__ volatile("movb $1, %%fs:host_irqs_on@tpoff\n\t"
			 "cmpl $0, %%fs:host_pending@tpoff"
			 : "=@ccne"(pending)
			 :
			 : "memory");
	return pending;
}

PORT_INLINE void
arch_irq_enable(void)
{
	if (unlikely(host_irq_on()))
		host_irq_deliver();
}

PORT_INLINE void
arch_irq_restore(irq_state_t state)
{
	if (state)
		arch_irq_enable();
	else
		__asm__ volatile("" : : : "memory");
}

PORT_INLINE uint64_t
arch_cycles(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

#endif /* PORT_CPU_H */
