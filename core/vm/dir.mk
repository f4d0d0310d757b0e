core-srcs += core/vm/tlb.c
core-srcs += core/vm/tlb_batch.c
core-srcs += core/vm/space.c
core-srcs += core/vm/device.c
