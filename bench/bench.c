/*
 * The frame of the benchmarks: samples, rows, and the command that runs them.
 *
 * HOW A ROW IS MEASURED. A batch of operations, long enough that reading the
 * counter does not matter, is timed as a whole and gives one sample; a row
 * is the median, minimum and maximum of many samples, divided by the operations of
 * a batch. The loop around the operation counts: a caller has one too. The
 * first batch only warms up and is not a sample. Interrupts stay on, as in life:
 * the clock ticks into a few samples, which the median does not see and
 * the maximum shows.
 *
 * All of it runs in a thread "bench" on CPU 0, and so do the threads that a
 * benchmark starts: with more CPUs, a ping-pong between two threads would
 * otherwise measure something else.
 *
 * COSTS. The rows live in pages that are allocated while a benchmark runs; an
 * image that carries benchmarks pays only for their code.
 */
#include "bench.h"

#include <kernel/error.h>
#include <kernel/monitor.h>
#include <kernel/page.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/wait.h>
#include "../core/kmem/internal.h"

/* What `bench` was asked for; one at a time runs. */
static struct {
	int argc;
	char **argv;
	unsigned nr_samples;
	unsigned nr_skipped;
} request;

void
bench_row_init(struct bench_row *row, const char *name, const char *suffix,
	       unsigned long ops)
{
	row->name = name;
	row->suffix = suffix;
	row->ops = ops;
	row->is_warm = false;
	row->nr_samples = 0;
	row->cycles = 0;
}

bool
bench_row_wants_more(const struct bench_row *row)
{
	if (row->nr_samples >= request.nr_samples)
		return false;
	return row->nr_samples < BENCH_SAMPLES_MIN ||
	       row->cycles < BENCH_ROW_BUDGET;
}

void
bench_row_add(struct bench_row *row, uint64_t start)
{
	uint64_t cycles = arch_cycles() - start;

	if (!row->is_warm) {
		row->is_warm = true;
		return;
	}
	row->samples[row->nr_samples++] = (unsigned long)cycles;
	row->cycles += cycles;
}

static void
sort_samples(unsigned long samples[], unsigned nr)
{
	for (unsigned i = 1; i < nr; i++) {
		unsigned long sample = samples[i];
		unsigned hole = i;

		for (; hole > 0 && samples[hole - 1] > sample; hole--)
			samples[hole] = samples[hole - 1];
		samples[hole] = sample;
	}
}

void
bench_row_print(struct bench_row *row)
{
	unsigned long ops = row->ops;
	unsigned long median, low, high;

	if (row->nr_samples == 0)
		return;
	sort_samples(row->samples, row->nr_samples);
	median = row->samples[row->nr_samples / 2];
	low = row->samples[0];
	high = row->samples[row->nr_samples - 1];
	/* Two decimals; the remainder is small enough to be multiplied. */
	printk("bench: %s%s n=%u ops=%lu median=%lu.%02lu min=%lu.%02lu max=%lu.%02lu\n",
	       row->name, row->suffix, row->nr_samples, ops, median / ops,
	       median % ops * 100 / ops, low / ops, low % ops * 100 / ops,
	       high / ops, high % ops * 100 / ops);
}

int
bench_skip(const struct bench *bench, const char *why, int err)
{
	printk("bench: skipped %s: %s: %s\n", bench->name, why,
	       error_name(err));
	return err;
}

void *
bench_alloc(size_t size)
{
	struct page *pages = alloc_pages((size + PAGE_SIZE - 1) / PAGE_SIZE);

	return pages == NULL ? NULL : page_to_virt(pages);
}

void
bench_free(void *memory, size_t size)
{
	free_pages(virt_to_page(memory), (size + PAGE_SIZE - 1) / PAGE_SIZE);
}

unsigned
bench_random(unsigned *state)
{
	/* A linear congruential generator of Numerical Recipes; its low bits
	 * are poor, so they are not handed out. */
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

void
bench_shuffle(unsigned order[], unsigned n)
{
	unsigned state = 1;

	for (unsigned i = 0; i < n; i++) {
		unsigned j = bench_random(&state) % (i + 1);

		order[i] = order[j];
		order[j] = i;
	}
}

void
bench_reap(int pid)
{
	int reaped = do_wait(pid, NULL);

	assert(pid == 0 ? reaped > 0 : reaped == pid);
}

/* -- sleeping threads ---------------------------------------------------------- */

static struct {
	struct completion finish;
	unsigned nr;
} sleepers;

static int
sleeper_main(void *arg)
{
	wait_for_completion(&sleepers.finish);
	return 0;
}

int
bench_sleepers_start(unsigned nr)
{
	completion_init(&sleepers.finish);
	for (sleepers.nr = 0; sleepers.nr < nr; sleepers.nr++) {
		int pid = kernel_thread_on(BENCH_CPU, "bench sleeper",
					   sleeper_main, NULL);

		if (pid < 0) {
			bench_sleepers_stop();
			return pid;
		}
	}
	/* Each runs once, and falls asleep. */
	for (unsigned i = 0; i < 2; i++)
		yield();
	return 0;
}

void
bench_sleepers_stop(void)
{
	complete_all(&sleepers.finish);
	for (; sleepers.nr > 0; sleepers.nr--)
		bench_reap(0);
}

/* -- the command --------------------------------------------------------------- */

/* Whether `word` asks for the benchmark `name`: it is its name, or begins it
 * at a dot ("slob": slob.pair.192), or names one of its rows. */
static bool
word_asks_for(const char *word, const char *name)
{
	const char *w = word;

	/* A name in full asks for nothing else. */
	for (const struct bench *const *bench = benches; *bench != NULL;
	     bench++)
		if (strcmp(word, (*bench)->name) == 0)
			return strcmp(word, name) == 0;
	while (*w != '\0' && *w == *name) {
		w++;
		name++;
	}
	return (*w == '\0' && *name == '.') || (*w == '.' && *name == '\0');
}

/* Whether the command line asks for it: nothing named is everything. */
static bool
is_named(const struct bench *bench)
{
	bool any = false;

	for (int i = 1; i < request.argc; i++) {
		if (strchr(request.argv[i], '=') != NULL)
			continue;
		if (word_asks_for(request.argv[i], bench->name))
			return true;
		any = true;
	}
	return !any;
}

static bool
is_wanted(const struct bench *bench)
{
	return is_named(bench) &&
	       (bench->backend == NULL ||
		strcmp(bench->backend, kmem_backend_chosen()->name) == 0);
}

static int
bench_main(void *arg)
{
	unsigned nr_run = 0, nr_failed = 0;

	for (unsigned i = 0; benches[i] != NULL; i++) {
		const struct bench *bench = benches[i];

		if (!is_wanted(bench))
			continue;
		nr_run++;
		if (bench->run(bench) != 0)
			nr_failed++;
	}
	printk("bench: done, %u run, %u of them skipped\n", nr_run, nr_failed);
	return nr_run == 0 ? -E_NOT_FOUND : 0;
}

/* Takes the name=value words; 0, or an error after a line that explains it. */
static int
take_settings(void)
{
	request.nr_samples = BENCH_SAMPLES;
	for (int i = 1; i < request.argc; i++) {
		const char *word = request.argv[i];
		unsigned long value;

		if (strchr(word, '=') == NULL)
			continue;
		if (strncmp(word, "n=", 2) != 0 ||
		    parse_unsigned(word + 2, &value) != 0 || value == 0 ||
		    value > BENCH_SAMPLES) {
			printk("bench: %s: n=1 to n=%d is all that can be set\n",
			       word, BENCH_SAMPLES);
			return -E_INVAL;
		}
		request.nr_samples = (unsigned)value;
	}
	return 0;
}

static void
list_benches(void)
{
	for (const struct bench *const *bench = benches; *bench != NULL;
	     bench++)
		printk("  %-30s %s\n", (*bench)->name, (*bench)->help);
}

static int
run(int argc, char *argv[])
{
	int pid, code = 0, err;

	request.argc = argc;
	request.argv = argv;
	err = take_settings();
	if (err != 0)
		return err;
	pid = kernel_thread_on(BENCH_CPU, "bench", bench_main, NULL);
	if (pid < 0) {
		printk("bench: no thread to run in: %s\n", error_name(pid));
		return pid;
	}
	pid = do_wait(pid, &code);
	if (pid < 0)
		return pid;
	if (code == -E_NOT_FOUND) {
		printk("bench: nothing of that name; there are\n");
		list_benches();
	}
	return code;
}

const struct command command_bench = {
	.name = "bench",
	.usage = "bench [n=SAMPLES] [NAME...]",
	.help = "measure: all, or what begins with one of the names",
	.run = run,
};
