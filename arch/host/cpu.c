/*
 * Virtual CPUs: each is a pthread that runs one kernel thread at a time.
 *
 * PROBLEM. Core wants CPUs: each runs one kernel thread at a time, knows which
 * one, takes interrupts, halts and can be kicked by the others; and they run
 * truly at the same time, so that locks are put to the test.
 *
 * MODEL. A virtual CPU is a pthread. Linux runs the pthreads; which of them
 * executes a kernel thread is decided by core's scheduler alone:
 *
 *	kernel threads   a   b   c   d   idle0  idle1      stacks in slots, and
 *	                  \   \ /   /      |      |        the pthreads' own
 *	virtual CPUs       cpu 0   cpu 1  (their pthreads' registers)
 *	Linux              any processor, any moment
 *
 * switch_to() exchanges registers and stack of a pthread; its %fs, and with it
 * everything thread-local, stays. So the CPU's own words are thread-local:
 *
 *	host_current    the kernel thread that runs here
 *	host_cpu_id     which virtual CPU this pthread is
 *	host_irqs_on    whether it takes interrupts (irq.c)
 *	host_pending    interrupts that wait (irq.c); others set bits in it
 *	host_spins      for arch_cpu_relax()
 *
 * Core's code, and ours wherever a switch may happen, reaches them by single
 * instructions relative to %fs (port/cpu.h). After a switch the same
 * instruction reaches the words of the pthread that the thread is on by then.
 *
 * The boot CPU is no special pthread: main() starts it like the others, on a
 * stack with a guard, and then looks after Linux's signals (main.c).
 *
 * HALT AND KICK. An idle CPU waits in a futex on its own pending word while
 * that is 0: the kernel of Linux compares and sleeps in one step, so an
 * interrupt that was posted just before ends the wait at once.
 *
 *	idle:   idle = 1;   wait while pending == 0;  idle = 0;  interrupts on
 *	poster: pending |= bit;  idle?  wake : signal
 *
 * Both sides write, then read, with full barriers: one of them sees the other.
 *
 * COSTS. arch_current(), arch_cpu_id(): one load. A kick: one system call here,
 * a signal or a wake-up there (1-5 us). More virtual CPUs than real ones work,
 * but a pthread that holds a spinlock may be off its processor for a while: who
 * spins for long gives up his own.
 *
 * TO CHANGE how a CPU waits: arch_idle() and host_irq_post(). What a CPU has of
 * its own: host_cpu_adopt(), and port/cpu.h.
 */
#include "host.h"
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

__thread struct proc_struct *host_current;
__thread unsigned host_cpu_id;
__thread bool host_irqs_on;
__thread unsigned host_pending;
__thread unsigned host_spins;

struct host_cpu host_cpus[MAX_CPUS];

/* The pthread's own stack: idle's, and libc's thread-local data on top. */
#define CPU_STACK_BYTES (256 * 1024ul)
/* Where faults are handled: trap_fatal() formats and prints a lot. */
#define TRAP_STACK_BYTES (128 * 1024ul)
#define DEVICE_STACK_BYTES (128 * 1024ul)

bool
host_is_cpu(void)
{
	return arch_current() != NULL;
}

void
host_cpu_adopt(unsigned id, uintptr_t stack_low, uintptr_t stack_high)
{
	struct host_cpu *cpu = &host_cpus[id];

	host_cpu_id = id;
	host_irqs_on = false;
	host_pending = 0;
	arch_set_current(&idle_threads[id]);
	cpu->stack_low = stack_low;
	cpu->stack_high = stack_high;
	cpu->tid = (int)syscall(SYS_gettid);
	host_tlb_reset(id);
	atomic_store(&cpu->pending, &host_pending);
}

/* -- starting them ------------------------------------------------------------ */

/* What a new CPU's pthread must know; the starter waits until it does. */
struct start {
	unsigned cpu;
	void (*enter)(unsigned cpu);
	uintptr_t memory;
};

/* One mapping a CPU, from low to high: guard, trap stack, guard, stack. */
#define CPU_MEMORY_BYTES (2 * PAGE_SIZE + TRAP_STACK_BYTES + CPU_STACK_BYTES)

static uintptr_t
trap_stack_of(uintptr_t memory)
{
	return memory + PAGE_SIZE;
}

static uintptr_t
stack_of(uintptr_t memory)
{
	return memory + PAGE_SIZE + TRAP_STACK_BYTES + PAGE_SIZE;
}

static void *
cpu_thread(void *arg)
{
	struct start start = *(struct start *)arg;
	uintptr_t stack = stack_of(start.memory);
	uintptr_t trap_stack = trap_stack_of(start.memory);

	host_fault_stack(trap_stack, trap_stack + TRAP_STACK_BYTES);
	host_cpus[start.cpu].trap_low = trap_stack;
	host_cpus[start.cpu].trap_high = trap_stack + TRAP_STACK_BYTES;
	/* What lies above this frame is libc's. */
	host_cpu_adopt(start.cpu, stack, (uintptr_t)__builtin_frame_address(0));
	start.enter(start.cpu);
	return NULL;
}

/* Like pthread_create(), on a given stack if there is one, and with these
 * signals blocked. */
static int
start_pthread(void *(*fn)(void *), void *arg, uintptr_t stack, size_t bytes,
	      const sigset_t *blocked)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t before;
	int error;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (stack != 0)
		error = pthread_attr_setstack(&attr, (void *)stack, bytes);
	else
		error = pthread_attr_setstacksize(&attr, bytes);
	pthread_sigmask(SIG_SETMASK, blocked, &before);
	if (error == 0)
		error = pthread_create(&thread, &attr, fn, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return error;
}

int
host_device_start(void *(*fn)(void *))
{
	sigset_t all;

	sigfillset(&all);
	return start_pthread(fn, NULL, 0, DEVICE_STACK_BYTES, &all);
}

/* A CPU takes interrupts and its own faults; the rest is for main(). */
static void
cpu_signals(sigset_t *blocked)
{
	sigfillset(blocked);
	sigdelset(blocked, HOST_IRQ_SIGNAL);
	sigdelset(blocked, SIGSEGV);
	sigdelset(blocked, SIGBUS);
	sigdelset(blocked, SIGFPE);
	sigdelset(blocked, SIGILL);
	sigdelset(blocked, SIGTRAP);
	sigdelset(blocked, SIGABRT);
}

int
host_cpu_start(unsigned cpu, void (*enter)(unsigned cpu))
{
	void *memory = mmap(NULL, CPU_MEMORY_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct start start = { cpu, enter, (uintptr_t)memory };
	uintptr_t stack = stack_of(start.memory);
	sigset_t blocked;
	int error;

	if (memory == MAP_FAILED)
		return errno;
	if (mprotect(memory, PAGE_SIZE, PROT_NONE) != 0 ||
	    mprotect((void *)(stack - PAGE_SIZE), PAGE_SIZE, PROT_NONE) != 0)
		return errno;
	cpu_signals(&blocked);
	error = start_pthread(cpu_thread, &start, stack, CPU_STACK_BYTES,
			      &blocked);
	while (error == 0 && atomic_load(&host_cpus[cpu].pending) == NULL)
		usleep(100);
	return error;
}

void
arch_cpus_start(void)
{
	irq_state_t irqs = arch_irq_save();

	for (unsigned cpu = 1; cpu < host_machine.nr_cpus; cpu++) {
		int error = host_cpu_start(cpu, cpu_main);

		if (error != 0)
			host_cannot("a thread for a CPU", error);
	}
	arch_irq_restore(irqs);
}

/* -- kicking, waiting ----------------------------------------------------------- */

void
host_irq_post(unsigned id, enum host_irq irq)
{
	struct host_cpu *cpu = &host_cpus[id];
	unsigned *pending = atomic_load(&cpu->pending);
	unsigned before;

	if (pending == NULL)
		return;
	before = __atomic_fetch_or(pending, irq, __ATOMIC_SEQ_CST);
	/* Where something was pending, someone sends or has sent a signal. */
	if (__atomic_load_n(&cpu->idle, __ATOMIC_SEQ_CST) != 0)
		syscall(SYS_futex, pending, FUTEX_WAKE_PRIVATE, 1);
	else if (before == 0 && host_irq_by_signal() &&
		 !(host_is_cpu() && arch_cpu_id() == id))
		syscall(SYS_tgkill, getpid(), cpu->tid, HOST_IRQ_SIGNAL);
}

void
arch_cpu_kick(unsigned cpu)
{
	irq_state_t irqs = arch_irq_save();

	host_irq_post(cpu, HOST_IRQ_KICK);
	arch_irq_restore(irqs);
}

void
arch_idle(void)
{
	struct host_cpu *cpu = &host_cpus[arch_cpu_id()];

	__atomic_store_n(&cpu->idle, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(cpu->pending, __ATOMIC_SEQ_CST) == 0)
		syscall(SYS_futex, cpu->pending, FUTEX_WAIT_PRIVATE, 0, NULL);
	__atomic_store_n(&cpu->idle, 0, __ATOMIC_SEQ_CST);
	arch_irq_enable();
}

/* So many pauses before the processor is given up (a power of two). */
#define SPINS_UNTIL_YIELD 64

void
arch_cpu_relax(void)
{
	bool due;
	long result;

	__asm__ volatile("pause\n\t"
			 "incl %%fs:host_spins@tpoff\n\t"
			 "testl %1, %%fs:host_spins@tpoff"
			 : "=@ccz"(due)
			 : "i"(SPINS_UNTIL_YIELD - 1)
			 : "memory");
	if (arch_irqs_on())
		arch_irq_enable(); /* they are; this looks for pending ones */
	/* Not by libc: interrupts may be on. */
	if (due)
		__asm__ volatile("syscall"
				 : "=a"(result)
				 : "a"((long)SYS_sched_yield)
				 : "rcx", "r11", "memory");
}
