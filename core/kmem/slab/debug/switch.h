/*
 * Debugging turned on and off, and looked at, by name (switch.c). kmem_debug_* of
 * <kernel/kmalloc.h> says what each of these does.
 */
#ifndef KMEM_SLAB_SWITCH_H
#define KMEM_SLAB_SWITCH_H

#include <kernel/types.h>

int slab_debug_set(const char *name, const char *letters) __must_check;
int slab_debug_read(void (*fn)(const char *line, void *arg), void *arg)
	__must_check;
int slab_debug_scan_named(const char *name) __must_check;
void slab_debug_report_unknown(void);

#endif /* KMEM_SLAB_SWITCH_H */
