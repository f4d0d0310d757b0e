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
 * COSTS. A benchmark says how much memory its rows and arrays take. It gets whole pages
 * for the time it runs; an image that carries benchmarks pays only for their
 * code.
 *
 * CHOOSING. `bench` takes names of rows, or what they begin with up to a dot. A
 * benchmark runs if one of its rows may be meant; each row knows whether it is
 * (is_wanted), and takes no sample if not.
 */
#include "bench.h"

#include <kernel/error.h>
#include <kernel/monitor.h>
#include <kernel/page.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/wait.h>
#include "kmem/front.h"

/* What `bench` was asked for; one at a time runs. */
static struct {
	int argc;
	char **argv;
	unsigned nr_samples;
	unsigned nr_skipped;
} request;

/* -- what is asked for ------------------------------------------------------------ */

/* Whether `name` is `word`, or goes on after it with a dot. */
static bool
begins_with(const char *name, const char *word)
{
	size_t len = strlen(word);

	return strncmp(name, word, len) == 0 &&
	       (name[len] == '\0' || name[len] == '.');
}

static bool
is_full_name(const char *word)
{
	for (const struct bench *const *bench = benches; *bench != NULL;
	     bench++)
		if (strcmp(word, (*bench)->name) == 0)
			return true;
	return false;
}

/* Whether the word may mean rows of the benchmark `name`. One in full means no
 * other: "page.pair.order3" is not "page.pair.order3.fragmented". */
static bool
means_bench(const char *word, const char *name)
{
	if (is_full_name(word))
		return strcmp(word, name) == 0;
	return begins_with(name, word) ||
	       strncmp(word, name, strlen(name)) == 0;
}

/* A benchmark's full name means all of its rows, however they go on. */
static bool
means_row(const char *word, const char *row)
{
	if (is_full_name(word))
		return strncmp(row, word, strlen(word)) == 0;
	return begins_with(row, word);
}

/* Whether a word of the command line means it; no word means everything. */
static bool
is_asked_for(const char *name,
	     bool (*means)(const char *word, const char *name))
{
	bool any = false;

	for (int i = 1; i < request.argc; i++) {
		if (strchr(request.argv[i], '=') != NULL)
			continue;
		if (means(request.argv[i], name))
			return true;
		any = true;
	}
	return !any;
}

/* -- rows -------------------------------------------------------------------------- */

void
bench_row_init(struct bench_row *row, unsigned long ops, const char *format,
	       ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(row->name, sizeof(row->name), format, ap);
	va_end(ap);
	row->ops = ops;
	row->is_wanted = is_asked_for(row->name, means_row);
	row->is_warm = false;
	row->nr_samples = 0;
	row->cycles = 0;
}

bool
bench_row_is_named(const struct bench_row *row)
{
	for (int i = 1; i < request.argc; i++)
		if (strcmp(request.argv[i], row->name) == 0)
			return true;
	return false;
}

bool
bench_row_wants_more(const struct bench_row *row)
{
	if (!row->is_wanted || row->nr_samples >= request.nr_samples)
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
	bench_row_put(row, cycles);
}

void
bench_row_put(struct bench_row *row, uint64_t cycles)
{
	assert(row->nr_samples < BENCH_SAMPLES_MAX);
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

unsigned long
bench_row_median(struct bench_row *row)
{
	sort_samples(row->samples, row->nr_samples);
	return row->samples[row->nr_samples / 2];
}

void
bench_row_print(struct bench_row *row)
{
	unsigned long ops = row->ops;
	unsigned long median, low, high;

	if (row->nr_samples == 0)
		return;
	median = bench_row_median(row);
	low = row->samples[0];
	high = row->samples[row->nr_samples - 1];
	/* Two decimals; the remainder is small enough to be multiplied. */
	printk("bench: %s n=%u ops=%lu median=%lu.%02lu min=%lu.%02lu max=%lu.%02lu\n",
	       row->name, row->nr_samples, ops, median / ops,
	       median % ops * 100 / ops, low / ops, low % ops * 100 / ops,
	       high / ops, high % ops * 100 / ops);
}

void
bench_row_measure(struct bench_row *row, void (*batch)(void *arg), void *arg)
{
	while (bench_row_wants_more(row)) {
		uint64_t start = arch_cycles();

		batch(arg);
		bench_row_add(row, start);
	}
	bench_row_print(row);
}

int
bench_skip(const struct bench *bench, const char *why, int err)
{
	printk("bench: skipped %s: %s: %s\n", bench->name, why,
	       error_name(err));
	return err;
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
	int reaped = do_wait_unkillable(pid, NULL);

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

static bool
is_wanted(const struct bench *bench)
{
	return is_asked_for(bench->name, means_bench) &&
	       bench->nr_cpus <= nr_cpus &&
	       (bench->backend == NULL ||
		strcmp(bench->backend, kmem_backend_chosen()->name) == 0);
}

static int
run_one(const struct bench *bench)
{
	size_t nr_pages = (bench->memory + PAGE_SIZE - 1) / PAGE_SIZE;
	struct page *pages = NULL;
	int err;

	if (nr_pages != 0) {
		pages = alloc_pages(nr_pages);
		if (pages == NULL)
			return bench_skip(bench, "its rows", -E_NO_MEM);
	}
	err = bench->run(bench, pages == NULL ? NULL : page_to_virt(pages));
	if (pages != NULL)
		free_pages(pages, nr_pages);
	return err;
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
		if (run_one(bench) != 0)
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
	int code, err;

	request.argc = argc;
	request.argv = argv;
	err = take_settings();
	if (err != 0)
		return err;
	err = kernel_thread_run(BENCH_CPU, "bench", bench_main, NULL, &code);
	if (err != 0) {
		printk("bench: no thread to run in: %s\n", error_name(err));
		return err;
	}
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
