/*
 * The page allocator's policies, and `pages=`, which chooses one.
 *
 * To add one: a file with its struct page_policy, a line here, a line in
 * dir.mk. The tests and checks go over this table.
 */
#include <kernel/option.h>
#include "internal.h"

const struct page_policy *const page_policies[] = {
	&policy_buddy, /* the default */
	&policy_first_fit, &policy_best_fit, &policy_worst_fit, NULL,
};

static unsigned chosen;

const struct page_policy *
page_policy_chosen(void)
{
	return page_policies[chosen];
}

static const char *
policy_name_at(unsigned i)
{
	return page_policies[i] != NULL ? page_policies[i]->name : NULL;
}

const struct boot_option pages_option = {
	.name = "pages",
	.help = "policy of the page allocator",
	.kind = OPTION_CHOICE,
	.one_of = { .index = &chosen, .name_at = policy_name_at },
};
