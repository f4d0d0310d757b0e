/*
 * Words of the trade: fixed-size integers, addresses that cannot be mixed up,
 * and the few compiler attributes the kernel uses.
 */
#ifndef KERNEL_TYPES_H
#define KERNEL_TYPES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A physical address. Only the port turns it into bits of a page table. */
typedef struct {
	uintptr_t addr;
} phys_t;

#define __must_check __attribute__((warn_unused_result))
#define __noreturn __attribute__((noreturn))
#define __noinline __attribute__((noinline))
#undef __always_inline /* libc, where there is one, has it too */
#define __always_inline inline __attribute__((always_inline))
#define __printf(nr, first) __attribute__((format(printf, nr, first)))
#define __aligned(n) __attribute__((aligned(n)))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BUILD_ASSERT(cond) _Static_assert(cond, #cond)

/* The structure that contains `member` at address `ptr`. */
#define container_of(ptr, type, member)                                        \
	((type *)((char *)(ptr)-offsetof(type, member)))

/* `align` is a power of two. */
#define ALIGN_UP(x, align) (((x) + ((align)-1)) & ~((__typeof__(x))(align)-1))
#define ALIGN_DOWN(x, align) ((x) & ~((__typeof__(x))(align)-1))
#define IS_POWER_OF_2(x) ((x) != 0 && ((x) & ((x)-1)) == 0)

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define CACHE_LINE 64
/* Keeps data that one CPU writes apart from what another one reads. Two lines, because
 * processors fetch the neighbour along, and take it from whoever has written it. */
#define __cacheline_aligned __aligned(2 * CACHE_LINE)

/* At most this many CPUs and memory nodes, on every port. */
#define MAX_CPUS 16
#define MAX_NODES 4

#endif /* KERNEL_TYPES_H */
