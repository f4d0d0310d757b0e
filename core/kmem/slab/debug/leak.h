/*
 * Leaks: objects that nothing leads to (leak.c). kmem_leaks_* of <kernel/kmalloc.h> says
 * what each of these does.
 */
#ifndef KMEM_SLAB_LEAK_H
#define KMEM_SLAB_LEAK_H

#include "../slab.h"

int slab_leak_begin(struct kmem *kmem) __must_check;
int slab_leak_scan(void (*roots)(void)) __must_check;
void slab_leak_root(const void *from, const void *to);
size_t slab_leak_end(bool print);

#endif /* KMEM_SLAB_LEAK_H */
