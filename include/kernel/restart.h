/*
 * Restartable ranges: short pieces of code that work on what belongs to this
 * CPU, without turning interrupts off.
 *
 * A range reads, computes, may store where nobody looks yet, and ends with the
 * one instruction that makes it all happen, the commit. Its inputs stay in
 * registers, and the question which CPU this is lies inside. Every return from a
 * trap that finds the interrupted instruction inside a range goes to the range's
 * beginning instead; since a thread is preempted, and moved to another CPU, by
 * traps only, the commit is never reached with something that is no longer true.
 *
 * Not for debug exceptions, breakpoints and NMIs: under single-stepping a range
 * would never end. Their handlers must leave the ranges' data alone.
 *
 * A port writes its ranges in assembly, between these two, and calls
 * restart_pc() where it returns from traps. The table of all ranges is made by
 * the linker.
 */
#ifndef KERNEL_RESTART_H
#define KERNEL_RESTART_H

#include <kernel/types.h>

/* The commit is the last instruction before RESTART_END. */
#define RESTART_BEGIN "771:\n\t"
#define RESTART_END                                                            \
	"772:\n\t"                                                             \
	".pushsection restart_ranges, \"a\"\n\t"                               \
	".balign 4\n\t"                                                        \
	".long 771b - ., 772b - .\n\t"                                         \
	".popsection"

/* From `start` on, up to but not including `end`; bytes from each field. */
struct restart_range {
	int32_t start, end;
};

static inline uintptr_t
restart_range_start(const struct restart_range *range)
{
	return (uintptr_t)&range->start + (uintptr_t)(intptr_t)range->start;
}

static inline uintptr_t
restart_range_end(const struct restart_range *range)
{
	return (uintptr_t)&range->end + (uintptr_t)(intptr_t)range->end;
}

/* All there are, in no order. */
extern const struct restart_range __start_restart_ranges[],
	__stop_restart_ranges[];

/* Once, before the first interrupt. */
void restart_init(void);

/* Where to go on that was interrupted at pc: there, or at its range's
 * beginning. Any context; a trap's return, not of #DB, #BP or NMI. */
uintptr_t restart_pc(uintptr_t pc);

#endif /* KERNEL_RESTART_H */
