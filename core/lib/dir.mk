core-srcs += core/lib/bitmap.c
core-srcs += core/lib/error.c
core-srcs += core/lib/options.c
core-srcs += core/lib/panic.c
core-srcs += core/lib/printf.c
core-srcs += core/lib/printk.c
core-srcs += core/lib/rbtree.c
core-srcs += core/lib/string.c
core-srcs += core/lib/symbols.c
# A loop of strlen() must not become a call of strlen().
cflags-core/lib/string.c = $(no-loop-idioms)
