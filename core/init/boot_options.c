/*
 * The table of boot settings, in the order in which `help boot` lists them. A
 * setting is defined beside the code that it sets.
 */
#include <kernel/check.h>
#include <kernel/failpoint.h>
#include <kernel/init.h>
#include <kernel/kmalloc.h>
#include <kernel/monitor.h>
#include <kernel/option.h>
#include <kernel/page.h>
#include <kernel/proc.h>
#include <kernel/sched.h>
#include <arch/boot.h>

static const struct boot_option *const core_options[] = {
	&pages_option,	    &kmalloc_option,
	&fit_option,	    &slab_cpu_option,
	&slab_fast_option,  &slab_colour_option,
	&slab_debug_option, &sched_option,
	&slice_option,	    &threads_option,
	&failslab_option,   &failpoint_option,
	&check_option,	    &check_args_option,
	&run_option,	    NULL,
};

option_tables boot_options = { core_options, arch_boot_options, NULL };
