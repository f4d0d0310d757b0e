core-srcs += core/proc/proc.c
core-srcs += core/proc/fork.c
core-srcs += core/proc/exit.c
core-srcs += core/proc/control_block.c
core-srcs += core/proc/pid.c
core-srcs += core/proc/kstack.c
core-srcs += core/proc/work.c
core-srcs += core/proc/reaper.c
