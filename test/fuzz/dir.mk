fuzz-targets += test/fuzz/fuzz_slab.c
fuzz-targets += test/fuzz/fuzz_slabinfo.c
# The machine, for each of them; and a main, where no fuzzer brings one.
fuzz-srcs += test/fuzz/fuzz.c
fuzz-replay-srcs += test/fuzz/replay.c
