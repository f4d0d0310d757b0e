/*
 * Checks that run inside the kernel, on every port (`check=NAME,...|all`, command `check`).
 * They live in test/check/, report in KTAP ("ok 1 name"), and never stop
 * the kernel: a failed expectation is counted, described and gone past.
 */
#ifndef KERNEL_CHECK_H
#define KERNEL_CHECK_H

#include <kernel/types.h>

struct boot_option;
extern const struct boot_option check_option;	   /* check=NAME,...|all */
extern const struct boot_option check_args_option; /* check_args="cycles=100" */

/* When a check's subject is ready. */
enum check_stage {
	CHECK_PAGE,    /* after page_init: interrupts off, one thread */
	CHECK_SPACE,   /* after arch_mmu_init */
	CHECK_KMEM,    /* after kmem_init */
	CHECK_THREADS, /* in init's thread: everything runs, may sleep */
};

struct check {
	const char *name;
	const char *help;
	enum check_stage stage;
	bool in_all; /* part of check=all; the long ones are named to run */
	/* The classic line to print when it passed ("check_alloc_page() succeeded!"), or NULL. */
	const char *classic_line;
	void (*run)(void);
};

/* The table, test/check/checks.c; ends with a NULL name. */
extern const struct check checks[];

/* Runs those of this stage that `check=` selected, in the order of the table.
 * After the last stage it prints the plan ("1..N"). */
void checks_run_stage(enum check_stage stage);
/* Runs one by name at any later time, in a thread; -E_NOT_FOUND, or how many
 * expectations failed. */
int check_run(const char *name);
/* Prints the table, one check a line. */
void checks_print(void);
/* Failed expectations since boot; a name in `check=` that does not exist is one
 * too. */
unsigned long check_failures(void);

/* A number given on the command line for long checks: the word name=N in
 * check_args="cycles=1000000 ..."; else the default. */
unsigned long check_arg(const char *name, unsigned long default_value);

/* The running check cannot be done here, and why: it counts as skipped, unless
 * something failed. */
void check_skip(const char *reason);

void check_fail(const char *file, int line, const char *what);
void check_fail_values(const char *file, int line, const char *what,
		       long long got, long long expected);

#define EXPECT(cond)                                                           \
	({                                                                     \
		bool ok_ = (cond);                                             \
		if (!ok_)                                                      \
			check_fail(__FILE__, __LINE__, #cond);                 \
		ok_;                                                           \
	})
#define EXPECT_EQ(got, expected)                                               \
	({                                                                     \
		long long got_ = (long long)(got);                             \
		long long expected_ = (long long)(expected);                   \
		if (got_ != expected_)                                         \
			check_fail_values(__FILE__, __LINE__,                  \
					  #got " == " #expected, got_,         \
					  expected_);                          \
		got_ == expected_;                                             \
	})

#endif /* KERNEL_CHECK_H */
