core-srcs += core/vm/space.c
