/*
 * The table of commands, in the order in which `help` lists them.
 */
#include "commands.h"

extern const struct command command_bench;

const struct command *const commands[] = {
	&cmd_help,	&cmd_ps,	 &cmd_spawn,	 &cmd_kill,
	&cmd_sleep,	&cmd_pages,	 &cmd_kmem,	 &cmd_slabinfo,
	&cmd_slab,	&cmd_slab_debug, &cmd_leaks,	 &cmd_colours,
	&cmd_trace,	&cmd_failslab,	 &cmd_failpoint, &cmd_check,
	&command_bench, &cmd_uptime,	 &cmd_log,	 &cmd_crash,
	&cmd_poweroff,	&cmd_reboot,	 NULL,
};
