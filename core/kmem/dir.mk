core-srcs += core/kmem/backends.c
core-srcs += core/kmem/cache.c
core-srcs += core/kmem/closed.c
core-srcs += core/kmem/kmalloc.c
core-srcs += core/kmem/kmem.c
core-srcs += core/kmem/report.c
core-srcs += core/kmem/sheaf.c
