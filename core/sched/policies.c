/*
 * The table of scheduling classes, and `sched=`, which chooses one.
 */
#include <kernel/option.h>
#include "internal.h"

const struct sched_class *const sched_classes[] = {
	&sched_class_rr, /* the default */
	&sched_class_fifo,
	NULL,
};

static unsigned chosen;

const struct sched_class *
sched_class_chosen(void)
{
	return sched_classes[chosen];
}

const char *
sched_class_name(void)
{
	return sched_class_chosen()->name;
}

static const char *
class_name_at(unsigned i)
{
	return sched_classes[i] != NULL ? sched_classes[i]->name : NULL;
}

const struct boot_option sched_option = {
	.name = "sched",
	.help = "who runs next",
	.kind = OPTION_CHOICE,
	.one_of = { .index = &chosen, .name_at = class_name_at },
};
