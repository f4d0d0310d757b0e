/*
 * Port contract: the kernel's way to the memory of a process.
 *
 * User addresses are translated by the space that this CPU has loaded, which is the
 * calling thread's (proc->space), as they would be for the process itself: a page that
 * it may not write is not written for it. Everywhere else in the kernel a user address
 * is a number.
 *
 * An access to what is not mapped for it is a page fault, which goes to the registered
 * handler (<kernel/trap.h>). If that refuses, or there is none, the function returns its
 * error, usually -E_FAULT; how much was copied before is not said. Numbers that are no
 * user addresses are -E_FAULT at once. Any context; a handler that must sleep to repair
 * a fault refuses it where the caller may not sleep.
 */
#ifndef ARCH_USER_H
#define ARCH_USER_H

#include <kernel/types.h>

/* n bytes, from the user's `from` to the kernel's `to`. */
int arch_copy_from_user(void *to, uintptr_t from, size_t n) __must_check;

/* n bytes, from the kernel's `from` to the user's `to`. */
int arch_copy_to_user(uintptr_t to, const void *from, size_t n) __must_check;

/* A string of the user's, with its NUL, into at most `size` bytes. Returns its
 * length; `size` if there was no NUL among that many, which then all are copied. */
long arch_strncpy_from_user(char *to, uintptr_t from, size_t size) __must_check;

#endif /* ARCH_USER_H */
