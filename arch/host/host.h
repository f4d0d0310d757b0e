/*
 * Host port: what its own files share.
 *
 * libc is called only with (virtual) interrupts off, or by a pthread that is
 * no virtual CPU: libc keeps data of its own behind %fs, errno for one, and a
 * tick inside it could move the thread to another pthread.
 */
#ifndef HOST_H
#define HOST_H

#include <kernel/thread.h>
#include <kernel/option.h>
#include <arch/boot.h>
#include <arch/trap.h>

/* What the command line says about the machine. */
enum host_ticks {
	HOST_TICKS_SIGNAL, /* a clock; interrupts arrive by a Linux signal */
	HOST_TICKS_POLL,   /* a clock; interrupts are looked for */
	HOST_TICKS_MANUAL, /* no clock: host_tick() */
};
struct host_machine {
	unsigned long ram_bytes;
	unsigned nr_cpus, nr_nodes;
	unsigned ticks; /* enum host_ticks */
};
extern struct host_machine host_machine;

/* Takes mem=, cpus=, nodes=, ticks= from a command line. 0, or -E_INVAL with
 * the reason in `why`. */
int host_options_parse(const char *command_line, char *why, size_t size)
	__must_check;

/* Interrupts of a virtual CPU: bits of its pending word. */
enum host_irq {
	HOST_IRQ_TICK = 1 << 0,
	HOST_IRQ_KICK = 1 << 1,
	HOST_IRQ_CONSOLE = 1 << 2,
};

/* The signal that says "look at your pending word". Its default is to be
 * ignored, and debuggers let it pass. */
#define HOST_IRQ_SIGNAL SIGURG

/* No such flags: at them, sigreturn leaves the alternate stack as it is (irq.c). */
#define HOST_KEEP_SIGNAL_STACK 0x40000000

/* A virtual CPU, as others see it. */
struct host_cpu {
	unsigned *pending; /* its word, in its pthread; NULL: not started */
	int tid;	   /* Linux's number of the pthread */
	unsigned idle;	   /* sleeps in arch_idle(), wants a wake-up */
	unsigned clock_on; /* takes ticks */
	uintptr_t stack_low, stack_high; /* the pthread's own: idle's stack */
	uintptr_t trap_low, trap_high;	 /* where faults are handled */
} __cacheline_aligned;
extern struct host_cpu host_cpus[MAX_CPUS];

/* Whether the calling pthread is a virtual CPU. */
bool host_is_cpu(void);
/* Makes the calling pthread virtual CPU `cpu`, interrupts off, current its
 * idle thread. */
void host_cpu_adopt(unsigned id, uintptr_t stack_low, uintptr_t stack_high);
/* Starts a pthread that is virtual CPU `cpu` and calls enter(cpu) on a stack
 * with a guard. 0 or an errno. */
int host_cpu_start(unsigned cpu, void (*enter)(unsigned cpu)) __must_check;
/* Starts a pthread with all signals blocked that calls fn: a device. */
int host_device_start(void *(*fn)(void *)) __must_check;

/* Makes an interrupt pending on a CPU and sees to it that it notices. From a
 * device, or from a CPU with interrupts off. */
void host_irq_post(unsigned id, enum host_irq irq);
/* Whether interrupts arrive by signal. */
bool host_irq_by_signal(void);
/* Signal handlers of the process, for interrupts and for faults. */
void host_irq_init(void);
void host_fault_init(void);
/* The stack for fault handlers, of the calling pthread. */
void host_fault_stack(uintptr_t low, uintptr_t high);

/* Upcalls of console input, interrupts off, inside a trap. */
void host_console_interrupt(void);
/* This CPU ends the process; if another already does, never returns. */
void host_console_last_word(void);
/* Puts the terminal back as it was, or into the mode that we want. Any pthread. */
void host_terminal_restore(void);
void host_terminal_raw(void);

/* Makes the arena. 0 or an errno. */
int host_ram_init(size_t bytes) __must_check;
/* Describes it and the CPUs. */
void host_boot_info(struct boot_info *boot, const char *command_line);
extern int host_ram_fd;
extern size_t host_ram_bytes;

/* Whether the address lies in a stack slot, guard included. */
bool host_is_kstack(uintptr_t va);

/* Walks the tables for an access by the user that needs these of enum map_flags, as a
 * CPU does: marks the entry accessed, and dirty if it is to be written. Returns the
 * entry's flags and in *pa the page; 0: not mapped so. Any context. */
unsigned host_walk(const struct arch_space *space, uintptr_t va, unsigned need,
		   phys_t *pa);
/* The CPU has loaded nothing and remembers nothing. */
void host_tlb_reset(unsigned cpu);

/* Lowest and highest address of the stack that `sp` is on; false: none of
 * ours. */
bool host_stack_find(uintptr_t sp, uintptr_t *low, uintptr_t *high);

/* What a sanitizer wants to know (plain.c, asan.c, tsan.c). */
void host_sanitizer_init(void);			  /* before any thread */
void host_fiber_forge(struct context *context);	  /* a new thread */
void host_fiber_first(void);			  /* its first moment */
void host_fiber_discard(struct context *context); /* it is over */
int host_sanitizer_exit_code(int code); /* not 0 if it found anything */
extern const bool host_must_poll;	/* signals would confuse it */

/* trap.c. The frame of a signal's ucontext_t. */
struct trapframe host_frame_of(void *machine, bool irqs_on);
/* In the handler of a signal for a page fault, interrupts off: makes it return
 * into a trap on the stack of the thread. false: there is no room. */
bool host_trap_raise(void *machine, bool irqs_on);
/* switch.S: where it returns to; what that calls. */
void host_trap_entry(void);
void host_trap_fault(void *machine, bool irqs_on);
/* A system call from here. */
long host_syscall(const struct syscall *call);

/* switch.S: the switch itself; where a new thread begins. */
void host_switch(struct context *prev, struct context *next);
void forkret(void);
void host_first_run(struct trapframe *tf) __noreturn;

/* Writes all of it to a file descriptor; false if nobody reads any more. */
bool host_write_all(int fd, const char *text, size_t n);
/* The terminal is put back, the process ends. */
void host_exit(int code) __noreturn;
/* "ashlar: what: reason" to stderr; the process could not be started. */
void host_cannot(const char *what, int error) __noreturn;

/* Exit codes of a process that never became a kernel. */
#define HOST_EXIT_USAGE 2
#define HOST_EXIT_CANNOT 125
/* As a shell counts the end by a signal. */
#define HOST_EXIT_SIGNAL 128

#endif /* HOST_H */
