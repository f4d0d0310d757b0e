/*
 * The start-up, and the counter that everything is measured with.
 */
#include "bench.h"

#include <arch/device.h>
#include <kernel/atomic.h>
#include <kernel/error.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/init.h>
#include <kernel/timer.h>

/* Turns of the counted loop in one sample. */
#define TURNS 100000
/* How long the counter is held against the clock. */
#define RATE_TICKS 20

/*
 * The kernel noted the counter when it was entered and at init's first line.
 * Where the counter starts at the machine's reset, bench/run also knows how
 * much of it is the firmware's.
 */
static int
run_boot(const struct bench *bench, void *memory)
{
	printk("bench: %s entered=%llu init=%llu\n", bench->name,
	       (unsigned long long)boot_started_at,
	       (unsigned long long)init_started_at);
	return 0;
}

const struct bench bench_boot = {
	.name = "boot.init",
	.help = "from the kernel's entry to the first line of init",
	.run = run_boot,
};

__noinline void
bench_counted_loop(unsigned turns)
{
	do
		compiler_barrier();
	while (--turns != 0);
}

/*
 * How fast the counter is against the kernel's clock, so that bench/run can
 * turn its numbers into time. From one tick to a later one.
 */
static void
print_counter_rate(void)
{
	unsigned long first = ticks_now() + 1, last = first + RATE_TICKS;
	uint64_t start, end;

	while (time_after(first, ticks_now()))
		arch_cpu_relax();
	start = arch_cycles();
	while (time_after(last, ticks_now()))
		arch_cpu_relax();
	end = arch_cycles();
	printk("bench: counter.rate ticks=%d of=%d cycles=%llu\n", RATE_TICKS,
	       TICKS_PER_SECOND, (unsigned long long)(end - start));
}

static void
count_loop(void *unused)
{
	bench_counted_loop(TURNS);
}

static int
run_counter(const struct bench *bench, void *memory)
{
	struct bench_row *row = memory;

	bench_row_init(row, TURNS, "%s.loop", bench->name);
	bench_row_measure(row, count_loop, NULL);
	print_counter_rate();
	return 0;
}

const struct bench bench_counter = {
	.name = "counter",
	.help = "one turn of an empty loop; the counter against the clock",
	.memory = sizeof(struct bench_row),
	.run = run_counter,
};
