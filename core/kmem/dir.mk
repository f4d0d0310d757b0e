core-srcs += core/kmem/kmalloc.c
core-srcs += core/kmem/backends.c
core-srcs += core/kmem/slob.c
core-srcs += core/kmem/slob_fit.c
core-srcs += core/kmem/slob_backend.c
core-srcs += core/kmem/slob_debug.c
