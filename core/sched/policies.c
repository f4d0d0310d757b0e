/*
 * The table of scheduling classes, and which one `sched=` chose.
 */
#include <kernel/error.h>
#include <kernel/string.h>
#include "internal.h"

const struct sched_class *const sched_classes[] = {
	&sched_class_rr,
	&sched_class_fifo,
	NULL,
};

static const struct sched_class *chosen = &sched_class_rr;

const struct sched_class *
sched_class_chosen(void)
{
	return chosen;
}

const char *
sched_class_name(void)
{
	return chosen->name;
}

static const char *
sched_choice(unsigned i)
{
	return sched_classes[i] != NULL ? sched_classes[i]->name : NULL;
}

static int
sched_set(const char *value)
{
	for (unsigned i = 0; sched_classes[i] != NULL; i++) {
		if (strcmp(value, sched_classes[i]->name) == 0) {
			chosen = sched_classes[i];
			return 0;
		}
	}
	return -E_INVAL;
}

const struct boot_option sched_option = {
	.name = "sched",
	.help = "who runs next",
	.choice = sched_choice,
	.set = sched_set,
	.get = sched_class_name,
};
