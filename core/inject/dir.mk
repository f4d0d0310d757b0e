core-srcs += core/inject/inject.c
core-srcs += core/inject/failpoint.c
