/*
 * Fix-ups: instructions that may touch an address which nobody answers for.
 *
 * The kernel reads and writes memory at addresses that a program has given it. If
 * such an address is not mapped and cannot be, that is the program's mistake, and
 * the access must end with an error instead of ending the kernel. So a piece of
 * assembly that makes such accesses is enclosed by FIXUP_BEGIN and
 * FIXUP_END(label). When the handler of page faults refuses an access from in
 * between, the thread goes on at the label, with the handler's error (-E_FAULT)
 * in the register in which functions return their value: eax on i386, rax on the
 * host. All other registers are as they were at the access, which is useful: a
 * copy that stopped half-way still has its count.
 *
 * The asm must name that register as an output. An example, whose value is 0 or
 * the error:
 *
 *	__asm__ volatile("xorl %%eax, %%eax\n\t"
 *			 FIXUP_BEGIN "movl (%2), %1\n"
 *			 FIXUP_END("1f")
 *			 "1:" : "=&a"(error), "=&r"(value) : "r"(address));
 *
 * The linker makes one table of all ranges, as it does for <kernel/restart.h>.
 */
#ifndef KERNEL_FIXUP_H
#define KERNEL_FIXUP_H

#include <kernel/types.h>

#define FIXUP_BEGIN "773:\n\t"
#define FIXUP_END(label)                                                       \
	"774:\n\t"                                                             \
	".pushsection fixup_ranges, \"a\"\n\t"                                 \
	".balign 4\n\t"                                                        \
	".long 773b - ., 774b - ., " label " - .\n\t"                          \
	".popsection\n\t"

/* From `start` on, up to but not including `end`; where to go on. Each number
 * counts bytes from its own field. */
struct fixup_range {
	int32_t start, end, label;
};

/* All there are, in no order. */
extern const struct fixup_range __start_fixup_ranges[], __stop_fixup_ranges[];

/* Where a refused access at pc goes on; 0: it has no fix-up. Any context. */
uintptr_t fixup_find(uintptr_t pc);

#endif /* KERNEL_FIXUP_H */
