/*
 * The runner of in-kernel checks.
 *
 * PROBLEM.  Much of a kernel can only be tested in a kernel, and much of that
 * only at a certain moment of its start-up: the page allocator before anybody
 * else uses it, the kernel's address space before there are threads.
 *
 * MODEL.  The table in checks.c has one row for each check, with the stage at
 * which its subject is ready. core/init/main.c calls checks_run_stage() at each
 * stage. `check=` says which rows run. A check calls EXPECT, which counts and
 * describes a failure and goes on. What it prints is KTAP, which test runners
 * read, one line for each check:
 *
 *	KTAP version 1
 *	check_alloc_page() succeeded!		for graders that wait for it
 *	ok 1 alloc_page
 *	# test/check/check_page.c:90: nr_free_pages() == before: 9, not 10
 *	not ok 2 page_policies
 *	ok 3 boot_pgdir # SKIP why
 *	1..3					after the last stage
 *
 * The number of checks is known only at the end, so the plan is at the end (as
 * TAP allows). A classic line is printed only if its check ran and passed.
 *
 * INVARIANTS.  A name that is in no row is a failure: a test that asks for it must
 * not pass by running nothing. So is a failed expectation wherever it happens:
 * init makes the exit code of the kernel from check_failures().
 *
 * LOCKING.  Failures are counted atomically, since checks of threads fail in
 * their threads. The runner is called by one thread at a time: by the boot CPU,
 * then by init, later by the monitor. It allocates nothing: names are kept in
 * the text of the setting.
 *
 * TO ADD a check: a function in a test/check/check_*.c, a prototype, a row.
 */
#include <kernel/atomic.h>
#include <kernel/check.h>
#include <kernel/error.h>
#include <kernel/option.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#define SETTING_MAX 256

static char selected[SETTING_MAX]; /* check= */
static char args[SETTING_MAX];	   /* check_args= */

static unsigned long nr_failures; /* atomic */
static unsigned nr_run;		  /* those that have a line */
static const char *skip_reason;	  /* of the one that runs */

/* -- lists of words ---------------------------------------------------------- */

/* The length of the word that text begins with. */
static size_t
word_length(const char *text, char separator)
{
	size_t n = 0;

	while (text[n] != '\0' && text[n] != separator)
		n++;
	return n;
}

/* The word after this one; NULL: it was the last. */
static const char *
word_next(const char *word, char separator)
{
	word += word_length(word, separator);
	return *word == separator ? word + 1 : NULL;
}

static bool
word_is(const char *word, size_t length, const char *name)
{
	return strlen(name) == length && strncmp(word, name, length) == 0;
}

/* -- settings ---------------------------------------------------------------- */

static const struct check *
check_find(const char *name, size_t length)
{
	for (const struct check *check = checks; check->name != NULL; check++)
		if (word_is(name, length, check->name))
			return check;
	return NULL;
}

static void
check_report_unknown(const char *name, size_t length)
{
	printk("check: there is no check %.*s; there are:\n", (int)length,
	       name);
	checks_print();
}

static int
check_set(const char *value)
{
	if (strlen(value) >= sizeof(selected)) {
		(void)atomic_add(&nr_failures, 1);
		return -E_NO_SPACE;
	}
	(void)strlcpy(selected, value, sizeof(selected));
	for (const char *word = selected; word != NULL;
	     word = word_next(word, ',')) {
		size_t length = word_length(word, ',');

		if (length == 0 || word_is(word, length, "all") ||
		    check_find(word, length) != NULL)
			continue;
		check_report_unknown(word, length);
		(void)atomic_add(&nr_failures, 1);
	}
	return 0;
}

static const char *
check_get(void)
{
	return selected;
}

const struct boot_option check_option = {
	.name = "check",
	.help = "checks to run during start-up; `check` lists them",
	.values = "all or NAME,NAME,...",
	.set = check_set,
	.get = check_get,
};

static int
check_args_set(const char *value)
{
	if (strlen(value) >= sizeof(args))
		return -E_NO_SPACE;
	(void)strlcpy(args, value, sizeof(args));
	return 0;
}

static const char *
check_args_get(void)
{
	return args;
}

const struct boot_option check_args_option = {
	.name = "check_args",
	.help = "numbers for the long checks",
	.values = "\"NAME=N NAME=N ...\"",
	.set = check_args_set,
	.get = check_args_get,
};

unsigned long
check_arg(const char *name, unsigned long default_value)
{
	for (const char *word = args; word != NULL;
	     word = word_next(word, ' ')) {
		size_t length = word_length(word, ' ');
		size_t name_length = word_length(word, '=');
		char number[24];
		unsigned long value;

		if (name_length >= length || !word_is(word, name_length, name))
			continue;
		if (length - name_length <= sizeof(number)) {
			(void)strlcpy(number, word + name_length + 1,
				      length - name_length);
			if (parse_unsigned(number, &value) == 0)
				return value;
		}
		check_fail(__FILE__, __LINE__, "a number in check_args");
	}
	return default_value;
}

/* -- running ------------------------------------------------------------------ */

static bool
check_is_selected(const struct check *check)
{
	for (const char *word = selected; word != NULL;
	     word = word_next(word, ',')) {
		size_t length = word_length(word, ',');

		if (word_is(word, length, check->name) ||
		    (check->in_all && word_is(word, length, "all")))
			return true;
	}
	return false;
}

/* Runs it as number nr of its report; returns how many expectations failed. */
static unsigned long
check_run_one(const struct check *check, unsigned nr)
{
	unsigned long before = check_failures(), failed;

	skip_reason = NULL;
	check->run();
	failed = check_failures() - before;
	if (failed != 0)
		printk("not ok %u %s\n", nr, check->name);
	else if (skip_reason != NULL)
		printk("ok %u %s # SKIP %s\n", nr, check->name, skip_reason);
	else if (check->classic_line != NULL)
		printk("%s\nok %u %s\n", check->classic_line, nr, check->name);
	else
		printk("ok %u %s\n", nr, check->name);
	return failed;
}

void
checks_run_stage(enum check_stage stage)
{
	for (const struct check *check = checks; check->name != NULL; check++) {
		if (check->stage != stage || !check_is_selected(check))
			continue;
		if (nr_run++ == 0)
			printk("KTAP version 1\n");
		(void)check_run_one(check, nr_run);
	}
	if (stage == CHECK_THREADS && nr_run > 0)
		printk("1..%u\n", nr_run);
}

int
check_run(const char *name)
{
	const struct check *check = check_find(name, strlen(name));

	if (check == NULL) {
		check_report_unknown(name, strlen(name));
		return -E_NOT_FOUND;
	}
	printk("KTAP version 1\n1..1\n");
	return (int)check_run_one(check, 1);
}

void
checks_print(void)
{
	for (const struct check *check = checks; check->name != NULL; check++)
		printk("  %-20s %s%s\n", check->name, check->help,
		       check->in_all ? "" : " (not part of all)");
}

/* -- results ------------------------------------------------------------------ */

unsigned long
check_failures(void)
{
	return atomic_load(&nr_failures);
}

void
check_skip(const char *reason)
{
	skip_reason = reason;
}

void
check_fail(const char *file, int line, const char *what)
{
	(void)atomic_add(&nr_failures, 1);
	printk("# %s:%d: %s\n", file, line, what);
}

void
check_fail_values(const char *file, int line, const char *what, long long got,
		  long long expected)
{
	(void)atomic_add(&nr_failures, 1);
	printk("# %s:%d: %s: %lld, not %lld\n", file, line, what, got,
	       expected);
}
