/*
 * i386: user memory, from the kernel.
 *
 * The kernel reads and writes user addresses with the same instructions as its own,
 * as the tables of the loaded space contain both. What it must not do is fault. So
 * each page is looked up first, with interrupts off until it is copied: on this one CPU
 * nothing can change the tables in between. CR0.WP is on: the CPU itself would
 * refuse to write what the process may not write, were it looked up wrongly.
 */
#include <kernel/error.h>
#include <kernel/string.h>
#include <kernel/thread.h>
#include <arch/user.h>
#include "../x86.h"

/* Whether the user may access the page at va like this. */
static bool
may_access(uintptr_t va, unsigned need)
{
	const struct arch_space loaded = { { read_cr3() } };

	need |= MAP_USER;
	return (arch_query(&loaded, va, NULL) & need) == need;
}

static size_t
rest_of_page(uintptr_t va, size_t n)
{
	return MIN(n, PAGE_SIZE - va % PAGE_SIZE);
}

static bool
is_user_range(uintptr_t va, size_t n)
{
	return va <= ARCH_USER_END && n <= ARCH_USER_END - va;
}

/* memcpy between the two, page by page of the user's address. */
static int
copy(void *to, const void *from, size_t n, uintptr_t user, unsigned need)
{
	char *put = to;
	const char *take = from;

	if (!is_user_range(user, n))
		return -E_FAULT;
	while (n > 0) {
		size_t part = rest_of_page(user, n);
		irq_state_t irqs = arch_irq_save();
		bool may = may_access(user, need);

		if (may)
			memcpy(put, take, part);
		arch_irq_restore(irqs);
		if (!may)
			return -E_FAULT;
		put += part;
		take += part;
		user += part;
		n -= part;
	}
	return 0;
}

int
arch_copy_from_user(void *to, uintptr_t from, size_t n)
{
	return copy(to, (const void *)from, n, from, MAP_READ);
}

int
arch_copy_to_user(uintptr_t to, const void *from, size_t n)
{
	return copy((void *)to, from, n, to, MAP_WRITE);
}

/* Up to n bytes of one page, or up to a NUL. How many before the NUL; n: there was
 * none; -E_FAULT. */
static long
copy_string_part(char *to, uintptr_t from, size_t n)
{
	const volatile char *user = (const volatile char *)from;
	irq_state_t irqs = arch_irq_save();
	bool may = may_access(from, MAP_READ);
	size_t length = 0;

	if (may)
		while (length < n && (to[length] = user[length]) != '\0')
			length++;
	arch_irq_restore(irqs);
	return may ? (long)length : -E_FAULT;
}

long
arch_strncpy_from_user(char *to, uintptr_t from, size_t size)
{
	size_t done = 0;

	while (done < size && from + done < ARCH_USER_END) {
		size_t part = rest_of_page(from + done, size - done);
		long length = copy_string_part(to + done, from + done, part);

		if (length < 0)
			return length;
		done += (size_t)length;
		if ((size_t)length < part)
			return (long)done;
	}
	return done == size ? (long)done : -E_FAULT;
}
