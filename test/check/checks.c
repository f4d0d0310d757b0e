/*
 * All in-kernel checks, in the order in which they run within their stage.
 * check.c says what a row means and how to add one.
 */
#include <kernel/check.h>

#include "check_kmem.h"
#include "check_page.h"

const struct check checks[] = {
	/* Physical pages. */
	{
		.name = "alloc_page",
		.help = "the page allocator's contract, under its own policy",
		.stage = CHECK_PAGE,
		.in_all = true,
		.classic_line = "check_alloc_page() succeeded!",
		.run = check_alloc_page,
	},
	{
		.name = "page_policies",
		.help = "the page allocator's policies, side by side",
		.stage = CHECK_PAGE,
		.in_all = true,
		.run = check_page_policies,
	},
	{
		.name = "page_exhaustion",
		.help = "allocating pages until there are none",
		.stage = CHECK_PAGE,
		.in_all = true,
		.run = check_page_exhaustion,
	},

	/* The kernel's address space: before there are stacks in it. */
	{
		.name = "pgdir",
		.help = "mapping pages, and the references that this takes",
		.stage = CHECK_SPACE,
		.in_all = true,
		.classic_line = "check_pgdir() succeeded!",
		.run = check_pgdir,
	},
	{
		.name = "boot_pgdir",
		.help = "what the kernel's own space allows and what not",
		.stage = CHECK_SPACE,
		.in_all = true,
		.classic_line = "check_boot_pgdir() succeeded!",
		.run = check_boot_pgdir,
	},

	/* Objects. */
	{
		.name = "slab",
		.help = "kmalloc and friends, by the back end that was chosen",
		.stage = CHECK_KMEM,
		.in_all = true,
		.classic_line = "check_slab() succeeded!",
		.run = check_slab,
	},
	{
		.name = "kmalloc",
		.help = "the contract of kmalloc, by every back end",
		.stage = CHECK_KMEM,
		.in_all = true,
		.run = check_kmalloc,
	},
	{
		.name = "kmem_cache",
		.help = "good and bad requests for named caches",
		.stage = CHECK_KMEM,
		.in_all = true,
		.run = check_kmem_cache,
	},
	{
		.name = "kmem_exhaustion",
		.help = "kmalloc until there is no memory, by every back end",
		.stage = CHECK_KMEM,
		.in_all = true,
		.run = check_kmem_exhaustion,
	},
	{ .name = NULL },
};
