core-srcs += core/kmem/slab/show/colours.c
core-srcs += core/kmem/slab/show/draw.c
core-srcs += core/kmem/slab/show/info.c
core-srcs += core/kmem/slab/show/json.c
core-srcs += core/kmem/slab/show/snapshot.c
core-srcs += core/kmem/slab/show/view.c
