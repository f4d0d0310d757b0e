/*
 * Debugging turned on and off, and looked at, by name (switch.c). kmem_debug_* of
 * <kernel/kmalloc.h> says what the functions of an instance do.
 */
#ifndef KMEM_SLAB_SWITCH_H
#define KMEM_SLAB_SWITCH_H

#include "../slab.h"

/* What slab_debug= of this value means for new caches. Unknown letters are reported.
 * -E_INVAL: the value is too long. */
int slab_debug_take_setting(struct slab_root *root, const char *value)
	__must_check;
int slab_debug_set(struct kmem *kmem, const char *name, const char *letters)
	__must_check;
int slab_debug_read(struct kmem *kmem, void (*fn)(const char *line, void *arg),
		    void *arg) __must_check;
int slab_debug_scan_named(struct kmem *kmem, const char *name) __must_check;
void slab_debug_report_unknown(struct kmem *kmem);

#endif /* KMEM_SLAB_SWITCH_H */
