core-srcs += core/page/page.c core/page/hot.c core/page/mem_map.c
core-srcs += core/page/pool.c core/page/policies.c
core-srcs += core/page/buddy.c core/page/first_fit.c
core-srcs += core/page/extent.c core/page/by_size.c core/page/best_fit.c core/page/worst_fit.c
