/*
 * What the files of commands share: their table, and how they report wrong use.
 */
#ifndef MONITOR_COMMANDS_H
#define MONITOR_COMMANDS_H

#include <kernel/monitor.h>

/* Says how the command is used; returns -E_INVAL. */
int command_usage(const struct command *command);
/* By name; NULL if there is none. */
const struct command *command_find(const char *name);

extern const struct command cmd_help, cmd_ps, cmd_spawn, cmd_kill, cmd_sleep,
	cmd_pages, cmd_kmem, cmd_check, cmd_uptime, cmd_log, cmd_poweroff,
	cmd_reboot, cmd_crash, cmd_slabinfo, cmd_slab, cmd_colours, cmd_trace,
	cmd_failslab, cmd_failpoint, cmd_slab_debug, cmd_leaks;

#endif /* MONITOR_COMMANDS_H */
