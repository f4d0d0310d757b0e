/*
 * What the tests of objects share, whatever the back end: a machine to run on, its
 * memory at rest, and walks over every failure.
 */
#ifndef TEST_UNIT_KMEM_MACHINE_H
#define TEST_UNIT_KMEM_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <kernel/check.h>
#include <kernel/failpoint.h>
#include <kernel/kmem.h>
#include <kernel/option.h>
#include <port/unit.h>

#include "kmem/front.h"
#include "../../check/check_kmem.h"

/* -- machines ------------------------------------------------------------------- */

#define MACHINE_RAM ((size_t)64 << 20)

struct machine {
	const char *name;
	const char *kmalloc; /* the back end */
	const char *cpu;     /* NULL: as it is by itself; so below */
	const char *debug;
	unsigned nr_nodes;
	size_t ram_bytes;
};

static const struct machine *machine; /* the one that this process is */

/* For a group's set-up. */
static inline int
machine_start(void **state)
{
	host_unit_init(machine->ram_bytes);
	page_init(host_unit_boot_info(machine->nr_nodes));
	assert_int_equal(option_set(&kmalloc_option, machine->kmalloc), 0);
	if (machine->cpu != NULL)
		assert_int_equal(option_set(&slab_cpu_option, machine->cpu), 0);
	if (machine->debug != NULL)
		assert_int_equal(option_set(&slab_debug_option, machine->debug),
				 0);
	kmem_init();
	return 0;
}

/* Runs tests on it, in a process of its own: a kernel starts only once. 0, or not. */
static inline int
machine_run(const struct machine *which, int (*tests)(void))
{
	pid_t pid;
	int status;

	host_unit_flush();
	pid = fork();
	if (pid == 0) {
		machine = which;
		print_message("# %s\n", which->name);
		host_unit_flush();
		exit(tests());
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return EXIT_FAILURE;
	return WEXITSTATUS(status);
}

/* -- its memory ----------------------------------------------------------------- */

static inline size_t
nr_free_at_rest(void)
{
	(void)kmem_shrink();
	return nr_free_pages();
}

/* Pages taken so that nobody else has them. */
static inline void
hoard_add(struct page **hoard, struct page *page)
{
	page->owner.slab = *hoard;
	*hoard = page;
}

static inline void
hoard_free(struct page *hoard)
{
	while (hoard != NULL) {
		struct page *page = hoard;

		hoard = page->owner.slab;
		free_page(page);
	}
}

/* -- every allocation fails in turn --------------------------------------------- */

struct failing {
	void (*prepare)(void *arg); /* NULL: nothing to prepare */
	void (*attempt)(void *arg);
	void (*check)(void *arg, bool has_failed);
};

#define FAILURES_MAX 500

/* Prepares, attempts and checks again and again. In the n-th round the n-th allocation
 * of the attempt fails; in the last one it makes fewer. No memory that could be given
 * back helps it. Returns how many failed. */
static inline unsigned
fail_in_turn(const struct failing *what, void *arg)
{
	bool has_failed = true;
	unsigned n;

	for (n = 1; has_failed; n++) {
		assert_true(n < FAILURES_MAX);
		if (what->prepare != NULL)
			what->prepare(arg);
		(void)kmem_shrink();
		failpoint_arm(n);
		what->attempt(arg);
		has_failed = failpoint_disarm();
		what->check(arg, has_failed);
	}
	return n - 2;
}

/* -- tests for every machine ---------------------------------------------------- */

static inline void
kernel_checks_pass(void **state)
{
	check_slab();
	check_kmalloc();
	check_kmem_cache();
	check_kmem_exhaustion();
	assert_int_equal(check_failures(), 0);
	assert_true(kmem_validate(&kmem_kernel));
}

#endif /* TEST_UNIT_KMEM_MACHINE_H */
