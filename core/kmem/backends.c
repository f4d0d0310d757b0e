/*
 * The table of kmalloc back ends, and the boot option that chooses one.
 * A new back end is a file with a struct kmem_ops, a line here, and a line in
 * dir.mk; the contract test (test/check/check_kmem.c) finds it in the table.
 */
#include "front.h"

#include <kernel/string.h>
#include <kernel/option.h>

const struct kmem_ops *const kmem_backends[] = {
	&kmem_slab_ops,
	&kmem_slob_ops,
	NULL,
};

static unsigned chosen;

const struct kmem_ops *
kmem_backend_chosen(void)
{
	return kmem_backends[chosen];
}

const struct kmem_ops *
kmem_backend_named(const char *name)
{
	if (name == NULL)
		return kmem_backend_chosen();
	for (unsigned i = 0; kmem_backends[i] != NULL; i++)
		if (strcmp(kmem_backends[i]->name, name) == 0)
			return kmem_backends[i];
	return NULL;
}

static const char *
backend_name(unsigned i)
{
	return i + 1 < ARRAY_SIZE(kmem_backends) ? kmem_backends[i]->name
						 : NULL;
}

const struct boot_option kmalloc_option = {
	.name = "kmalloc",
	.help = "what serves kmalloc and the object caches",
	.kind = OPTION_CHOICE,
	.one_of = { .index = &chosen, .name_at = backend_name },
};
