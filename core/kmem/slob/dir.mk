core-srcs += core/kmem/slob/backend.c
core-srcs += core/kmem/slob/debug.c
core-srcs += core/kmem/slob/fit.c
core-srcs += core/kmem/slob/lists.c
