/*
 * Start-up: what core/init offers the rest of the kernel.
 */
#ifndef KERNEL_INIT_H
#define KERNEL_INIT_H

#include <kernel/types.h>

/* arch_cycles() on entry to kernel_main(), and at init's first line. */
extern uint64_t boot_started_at, init_started_at;

/* Exit code of a kernel whose checks or script failed. */
#define INIT_FAILED 1

/*
 * What was asked for and did not happen: a setting that was refused, a command
 * of the `run=` script that failed. Any context.
 */
void init_note_failure(void);
/* What the kernel ends with unless somebody says otherwise: 1 if there was such
 * a failure, or an expectation of a check failed; else 0. */
int init_exit_code(void);

/* `run="command; command"` */
struct boot_option;
extern const struct boot_option run_option;

#endif /* KERNEL_INIT_H */
