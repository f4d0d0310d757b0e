/*
 * The page allocator's policies, and `pages=`, which chooses one.
 *
 * To add one: a file with its struct page_policy, a line here, a line in
 * dir.mk. The tests and checks go over this table.
 */
#include <kernel/error.h>
#include <kernel/string.h>

#include "internal.h"

const struct page_policy *const page_policies[] = {
	&policy_buddy, /* the default */
	&policy_first_fit, &policy_best_fit, &policy_worst_fit, NULL,
};

static const struct page_policy *chosen = &policy_buddy;

const struct page_policy *
page_policy_chosen(void)
{
	return chosen;
}

static const char *
pages_choice(unsigned i)
{
	return i < ARRAY_SIZE(page_policies) - 1 ? page_policies[i]->name
						 : NULL;
}

static int
pages_set(const char *value)
{
	for (unsigned i = 0; page_policies[i] != NULL; i++) {
		if (strcmp(page_policies[i]->name, value) == 0) {
			chosen = page_policies[i];
			return 0;
		}
	}
	return -E_INVAL;
}

static const char *
pages_get(void)
{
	return chosen->name;
}

const struct boot_option pages_option = {
	.name = "pages",
	.help = "policy of the page allocator",
	.choice = pages_choice,
	.set = pages_set,
	.get = pages_get,
};
