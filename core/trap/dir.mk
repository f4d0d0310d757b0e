core-srcs += core/trap/trap.c
core-srcs += core/trap/fixup.c
