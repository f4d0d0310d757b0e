/*
 * Errors as text: the sentence that belongs to each number.
 */
#include <kernel/error.h>
#include <kernel/types.h>

static const char *const error_names[] = {
	[0] = "no error",
	[E_UNSPECIFIED] = "unspecified error",
	[E_BAD_PROC] = "no such process",
	[E_INVAL] = "invalid argument",
	[E_NO_MEM] = "no memory",
	[E_NO_FREE_PROC] = "no free process",
	[E_FAULT] = "bad address",
	[E_BUSY] = "in use",
	[E_EXISTS] = "exists already",
	[E_NOT_FOUND] = "not found",
	[E_TIMED_OUT] = "timed out",
	[E_KILLED] = "killed",
	[E_IO] = "input/output error",
	[E_NO_SPACE] = "no space",
};
BUILD_ASSERT(ARRAY_SIZE(error_names) == NR_ERRORS);

const char *
error_name(int error)
{
	/* As unsigned, so that INT_MIN has a magnitude too. */
	unsigned number = error < 0 ? 0u - (unsigned)error : (unsigned)error;

	return number < NR_ERRORS ? error_names[number] : "unknown error";
}
