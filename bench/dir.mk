bench-srcs += bench/bench.c
bench-srcs += bench/benches.c
bench-srcs += bench/bench_boot.c
bench-srcs += bench/bench_object.c
bench-srcs += bench/bench_page.c
bench-srcs += bench/bench_switch.c
bench-srcs += bench/bench_thread.c
