/*
 * Port contract: the CPU.
 *
 * A port may define any of these again, right in <port/cpu.h>, as PORT_INLINE;
 * the prototype here stays the one truth about types and preconditions.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <kernel/types.h>

struct proc_struct;

/* A definition in a port's header that always goes inline. */
#define PORT_INLINE extern inline __attribute__((gnu_inline, always_inline))

/* Interrupt state as arch_irq_save() found it; only true/false have a meaning
 * to core: true = interrupts were on. */
typedef bool irq_state_t;

/* Turns this CPU's interrupts off; returns whether they were on. */
irq_state_t arch_irq_save(void);

/* Puts back what arch_irq_save() returned. May take a pending interrupt. */
void arch_irq_restore(irq_state_t state);

/* Turns interrupts on. Any pending one is taken before or soon after return. */
void arch_irq_enable(void);

/* Turns interrupts off. */
void arch_irq_disable(void);

/* Whether this CPU takes interrupts now. */
bool arch_irqs_on(void);

/*
 * Halts the CPU until an interrupt. Called with interrupts off; turns them on
 * and halts with no window between, so that an interrupt that came after they
 * were turned off ends the halt at once. Returns with interrupts on.
 */
void arch_idle(void);

/* A hint in a busy-wait loop. Ports that poll for interrupts do so here. */
void arch_cpu_relax(void);

/* A free-running counter of this CPU (cycles, or instructions under icount). */
uint64_t arch_cycles(void);

/* Index of this CPU. One load; the answer is stale as soon as preemption or
 * interrupts are on, so call it with either off. */
unsigned arch_cpu_id(void);

/* The thread that runs here. One load, always right: a thread that migrates
 * between the load and its use is still itself. */
struct proc_struct *arch_current(void);

/* Says that `proc` runs on this CPU from now on. Interrupts off; only from
 * proc_run() and a CPU's first steps. */
void arch_set_current(struct proc_struct *proc);

/*
 * Starts the other CPUs (boot->nr_cpus - 1 of them); each enters cpu_main().
 * Called once, from the boot CPU, when the schedulers are ready.
 */
void arch_cpus_start(void);

/* Interrupts CPU `cpu`, which calls cpu_kicked(). Any context. Several kicks
 * before the first is taken may count as one. */
void arch_cpu_kick(unsigned cpu);

/* Upcall, interrupts off, inside a trap: someone kicked this CPU. */
void cpu_kicked(void);

#include <port/cpu.h>

#endif /* ARCH_CPU_H */
