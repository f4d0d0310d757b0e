/*
 * Start-up: what core/init offers the rest of the kernel.
 */
#ifndef KERNEL_INIT_H
#define KERNEL_INIT_H

#include <kernel/option.h>
#include <kernel/types.h>

/* arch_cycles() on entry to kernel_main(), and at init's first line. */
extern uint64_t boot_started_at, init_started_at;

/* `run="command; command"` */
extern const struct boot_option run_option;

#endif /* KERNEL_INIT_H */
