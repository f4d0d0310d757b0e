core-srcs += core/sync/spinlock.c
core-srcs += core/sync/wait_queue.c
core-srcs += core/sync/semaphore.c
core-srcs += core/sync/completion.c
core-srcs += core/sync/restart.c
