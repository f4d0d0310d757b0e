check-srcs += test/check/check.c
check-srcs += test/check/checks.c
check-srcs += test/check/check_page.c
check-srcs += test/check/check_space.c
check-srcs += test/check/check_kmem.c
