/*
 * i386: user memory, from the kernel.
 *
 * The tables of a process's space contain the kernel's part as well, so the kernel
 * reads and writes user addresses with the same instructions as its own. CR0.WP is on:
 * what the process may not write the kernel cannot write either. An access that faults,
 * and that the handler of page faults refuses, goes on at the instruction's fix-up with
 * the error (<kernel/fixup.h>).
 */
#include <kernel/error.h>
#include <kernel/fixup.h>
#include <arch/mmu.h>
#include <arch/user.h>

static bool
is_user_range(uintptr_t va, size_t n)
{
	return va <= ARCH_USER_END && n <= ARCH_USER_END - va;
}

/* memcpy, one side of which is the user's: words, then the bytes that are left. */
static int
copy(void *to, const void *from, size_t n)
{
	size_t count = n / 4;
	int error;

	__asm__ volatile("xorl %%eax, %%eax\n\t" FIXUP_BEGIN "rep movsl\n\t"
			 "movl %[rest], %%ecx\n\t"
			 "rep movsb\n" FIXUP_END("1f") "1:"
			 : "=&a"(error), "+D"(to), "+S"(from), "+c"(count)
			 : [rest] "r"(n % 4)
			 : "memory", "cc");
	return error;
}

int
arch_copy_from_user(void *to, uintptr_t from, size_t n)
{
	return is_user_range(from, n) ? copy(to, (const void *)from, n)
				      : -E_FAULT;
}

int
arch_copy_to_user(uintptr_t to, const void *from, size_t n)
{
	return is_user_range(to, n) ? copy((void *)to, from, n) : -E_FAULT;
}

static int
load_byte(uintptr_t address, char *byte)
{
	int error;

	__asm__ volatile("xorl %%eax, %%eax\n\t" FIXUP_BEGIN
			 "movb (%[address]), %[byte]\n" FIXUP_END("1f") "1:"
			 : "=&a"(error), [byte] "=&q"(*byte)
			 : [address] "r"(address)
			 : "memory", "cc");
	return error;
}

long
arch_strncpy_from_user(char *to, uintptr_t from, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		int error = from < ARCH_USER_END - i
				    ? load_byte(from + i, &to[i])
				    : -E_FAULT;

		if (error != 0)
			return error;
		if (to[i] == '\0')
			return (long)i;
	}
	return (long)size;
}
