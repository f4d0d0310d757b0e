core-srcs += core/init/main.c
core-srcs += core/init/boot_options.c
core-srcs += core/init/outcome.c
