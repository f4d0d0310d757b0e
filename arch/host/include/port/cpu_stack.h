/*
 * Host: stacks of pointers, one for each CPU, as restartable ranges.
 *
 * The inputs stay in their registers until the end. A pop changes nothing but
 * `top`, with its last instruction; a push first fills the slot above the top,
 * which means nothing to anybody until `top` says so.
 */
#ifndef PORT_CPU_STACK_H
#define PORT_CPU_STACK_H

#include <kernel/restart.h>

PORT_INLINE void *
arch_cpu_stack_pop(struct cpu_stack *const stacks[])
{
	struct cpu_stack *stack;
	void *entry;

	__asm__ volatile goto(
		RESTART_BEGIN "movl %%fs:host_cpu_id@tpoff, %k[stack]\n\t"
			      "movq (%[stacks],%[stack],8), %[stack]\n\t"
			      "movq %c[top](%[stack]), %[entry]\n\t"
			      "movq (%[entry]), %[entry]\n\t"
			      "testq %[entry], %[entry]\n\t"
			      "jz %l[empty]\n\t"
			      "subq $8, %c[top](%[stack])\n" RESTART_END
		: [stack] "=&r"(stack), [entry] "=&r"(entry)
		: [stacks] "r"(stacks), [top] "i"(
						offsetof(struct cpu_stack, top))
		: "memory", "cc"
		: empty);
	if (entry == NULL)
		__builtin_unreachable();
	return entry;
empty:
	return NULL;
}

PORT_INLINE bool
arch_cpu_stack_push(struct cpu_stack *const stacks[], void *entry)
{
	struct cpu_stack *stack;
	void **top;

	__asm__ volatile goto(RESTART_BEGIN
			      "movl %%fs:host_cpu_id@tpoff, %k[stack]\n\t"
			      "movq (%[stacks],%[stack],8), %[stack]\n\t"
			      "movq %c[top](%[stack]), %[slot]\n\t"
			      "cmpq %c[end](%[stack]), %[slot]\n\t"
			      "jae %l[full]\n\t"
			      "movq %[entry], 8(%[slot])\n\t"
			      "addq $8, %c[top](%[stack])\n" RESTART_END
			      : [stack] "=&r"(stack), [slot] "=&r"(top)
			      : [stacks] "r"(stacks), [entry] "r"(entry),
				[top] "i"(offsetof(struct cpu_stack, top)),
				[end] "i"(offsetof(struct cpu_stack, end))
			      : "memory", "cc"
			      : full);
	return true;
full:
	return false;
}

#endif /* PORT_CPU_STACK_H */
