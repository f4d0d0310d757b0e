core-srcs += core/sched/sched.c
core-srcs += core/sched/wake.c
core-srcs += core/sched/policies.c
core-srcs += core/sched/list_queue.c
core-srcs += core/sched/fifo.c
core-srcs += core/sched/round_robin.c
core-srcs += core/sched/timer.c
core-srcs += core/sched/cpu_call.c
