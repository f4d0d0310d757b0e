/*
 * The null port's threads: sizes that could be a real port's.
 */
#ifndef PORT_THREAD_H
#define PORT_THREAD_H

#include <kernel/types.h>

#define ARCH_KSTACK_PAGES 2
#define ARCH_KSTACK_SLOT (4 * 4096)

struct context {
	uintptr_t stack_pointer;
};

struct trapframe {
	uintptr_t program_counter;
};

#endif /* PORT_THREAD_H */
