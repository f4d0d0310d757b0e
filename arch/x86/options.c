/*
 * Boot settings of the port itself: none. (Memory and CPUs are what the machine
 * has.)
 */
#include <arch/boot.h>
#include <kernel/option.h>

const struct boot_option *const arch_boot_options[] = { NULL };
