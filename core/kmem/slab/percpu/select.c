/*
 * Which layer is between slabs and CPUs, and whether the front may use it: cpu=, fast=.
 *
 * TO ADD a layer: a struct slab_layer, and its line here.
 */
#include <kernel/error.h>
#include <kernel/option.h>
#include <kernel/string.h>

#include "array.h"
#include "select.h"
#include "sheaf.h"

/* The first one is the default. */
static const struct slab_layer *const layers[] = {
	&sheaf_layer,
	&array_layer,
};

static unsigned chosen;

const struct slab_layer *
percpu_layer_named(const char *name)
{
	if (name == NULL)
		return layers[chosen];
	for (unsigned i = 0; i < ARRAY_SIZE(layers); i++)
		if (strcmp(layers[i]->name, name) == 0)
			return layers[i];
	return NULL;
}

static const char *
layer_name(unsigned i)
{
	return i < ARRAY_SIZE(layers) ? layers[i]->name : NULL;
}

const struct boot_option slab_cpu_option = {
	.name = "cpu",
	.help = "what keeps slab's free objects near the CPUs",
	.kind = OPTION_CHOICE,
	.one_of = { .index = &chosen, .name_at = layer_name },
};

static const char *const fast_names[] = { "restartable", "plain", NULL };
static unsigned fast;

const struct boot_option slab_fast_option = {
	.name = "fast",
	.help = "slab's usual path: restartable, or with interrupts off",
	.kind = OPTION_CHOICE,
	.one_of = { .index = &fast, .names = fast_names },
};

int
percpu_closed_named(const char *name, unsigned *closed)
{
	for (unsigned i = name != NULL ? 0 : fast; fast_names[i] != NULL; i++) {
		if (name == NULL || strcmp(fast_names[i], name) == 0) {
			*closed = i == 1 ? SLAB_CLOSED_PLAIN : 0;
			return 0;
		}
	}
	return -E_INVAL;
}
