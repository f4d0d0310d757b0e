/*
 * The table of kmalloc back ends, and the boot option that chooses one.
 * A new back end is a file with a struct kmem_ops, a line here, and a line in
 * dir.mk; the contract test (test/check/check_kmem.c) finds it in the table.
 */
#include "internal.h"

#include <kernel/error.h>
#include <kernel/string.h>

const struct kmem_ops *const kmem_backends[] = {
	&kmem_slab_ops,
	&kmem_slob_ops,
	NULL,
};

static const struct kmem_ops *chosen = &kmem_slab_ops;

const struct kmem_ops *
kmem_backend_chosen(void)
{
	return chosen;
}

static const char *
backend_choice(unsigned i)
{
	return i + 1 < ARRAY_SIZE(kmem_backends) ? kmem_backends[i]->name
						 : NULL;
}

static int
backend_set(const char *value)
{
	for (unsigned i = 0; kmem_backends[i] != NULL; i++) {
		if (strcmp(kmem_backends[i]->name, value) == 0) {
			chosen = kmem_backends[i];
			return 0;
		}
	}
	return -E_INVAL;
}

static const char *
backend_get(void)
{
	return chosen->name;
}

const struct boot_option kmalloc_option = {
	.name = "kmalloc",
	.help = "what serves kmalloc and the object caches",
	.choice = backend_choice,
	.set = backend_set,
	.get = backend_get,
};
