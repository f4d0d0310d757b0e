core-srcs += core/kmem/slab/percpu/array.c
core-srcs += core/kmem/slab/percpu/array_view.c
core-srcs += core/kmem/slab/percpu/depot.c
core-srcs += core/kmem/slab/percpu/lend.c
core-srcs += core/kmem/slab/percpu/part.c
core-srcs += core/kmem/slab/percpu/select.c
core-srcs += core/kmem/slab/percpu/sheaf.c
core-srcs += core/kmem/slab/percpu/sheaf_view.c
