/*
 * Atomic words, by the compiler's builtins (so that ThreadSanitizer and the
 * host port see the same program). Word-sized only: 32-bit ports have no
 * 64-bit atomics without a helper library.
 */
#ifndef KERNEL_ATOMIC_H
#define KERNEL_ATOMIC_H

#include <kernel/types.h>

#define atomic_load(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define atomic_load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define atomic_store(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define atomic_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define atomic_add(p, v) __atomic_add_fetch((p), (v), __ATOMIC_ACQ_REL)
#define atomic_sub(p, v) __atomic_sub_fetch((p), (v), __ATOMIC_ACQ_REL)
#define atomic_or(p, v) __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define atomic_and(p, v) __atomic_fetch_and((p), (v), __ATOMIC_ACQ_REL)
#define atomic_exchange(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)

/* Stores v if *p == *expected; otherwise *expected becomes what was there. */
#define atomic_compare_exchange(p, expected, v)                                \
	__atomic_compare_exchange_n((p), (expected), (v), false,               \
				    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

/* Store v so that no later load passes it ("I sleep", then "is there work?"). */
#define atomic_store_full(p, v)                                                \
	((void)__atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST))

/* Adds to a statistic that one writer at a time counts, and anyone reads. */
#define atomic_count(p, n) atomic_store_relaxed((p), *(p) + (n))

#define compiler_barrier() __asm__ volatile("" ::: "memory")

#endif /* KERNEL_ATOMIC_H */
