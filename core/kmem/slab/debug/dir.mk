core-srcs += core/kmem/slab/debug/leak.c
core-srcs += core/kmem/slab/debug/ops.c
core-srcs += core/kmem/slab/debug/report.c
core-srcs += core/kmem/slab/debug/retire.c
core-srcs += core/kmem/slab/debug/switch.c
core-srcs += core/kmem/slab/debug/validate.c
core-srcs += core/kmem/slab/debug/zones.c
