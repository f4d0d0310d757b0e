/*
 * Port contract: start and end.
 *
 * The port brings the machine to the state described at kernel_main(), and
 * ends it in arch_halt() or arch_reboot().
 */
#ifndef ARCH_BOOT_H
#define ARCH_BOOT_H

#include <kernel/types.h>

enum boot_range_kind {
	BOOT_RAM,	 /* usable, and covered by the direct map */
	BOOT_UNMAPPABLE, /* RAM out of the direct map's reach: named, unused */
	BOOT_RESERVED,	 /* not to be touched; wins over RAM it overlaps */
};

/* [start, end) in bytes of physical address; 64 bits on every port. */
struct boot_range {
	uint64_t start, end;
	enum boot_range_kind kind;
	unsigned node;	  /* of BOOT_RAM: which memory node */
	const char *what; /* "usable", "kernel image", "loader's block" ... */
};

#define BOOT_RANGES_MAX 256

/* The i-th part of the image where variables are, without stacks; false: there are
 * no more. Any context. */
bool arch_data_range(unsigned i, const void **from, const void **to);

struct boot_option;

/* Boot settings of the port itself, NULL-terminated: core's table takes them in,
 * so that they are applied and listed like its own. */
extern const struct boot_option *const arch_boot_options[];

/* What the port found out. Constant from kernel_main() on. */
struct boot_info {
	const char *command_line; /* loader's path already skipped; never NULL */
	const char *loader;	  /* who started us; never NULL */
	unsigned nr_ranges;
	struct boot_range ranges[BOOT_RANGES_MAX];
	unsigned nr_cpus;  /* 1 .. MAX_CPUS */
	unsigned nr_nodes; /* 1 .. MAX_NODES */
	unsigned char node_of_cpu[MAX_CPUS];
	unsigned char node_distance[MAX_NODES][MAX_NODES]; /* 10 = local */
};

/*
 * Upcall: the port enters the kernel here, on the boot CPU, on the boot stack
 * (that idle keeps), interrupts off, direct map in place, arch_current()
 * returning &idle_threads[0], arch_cpu_id() 0, exceptions and the console's
 * output working (polled). Never returns.
 */
void kernel_main(const struct boot_info *boot) __noreturn;

/*
 * Upcall: a secondary CPU enters the kernel here, on the stack of its own
 * idle thread &idle_threads[cpu], interrupts off. Never returns.
 */
void cpu_main(unsigned cpu) __noreturn;

/*
 * Ends the machine with this code: 0 powers off (exit status 0 where there is
 * someone to see it), any other code becomes the exit status; where there is no way
 * out the CPU halts after a last line that says the code. Any context.
 */
void arch_halt(int code) __noreturn;

/* Starts the machine again (host port: exits with status 0). Any context. */
void arch_reboot(void) __noreturn;

#endif /* ARCH_BOOT_H */
