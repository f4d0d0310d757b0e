/*
 * Errors travel as negative numbers: a function that can fail returns 0 (or
 * another non-negative result) or -E_SOMETHING. NULL means only "no memory".
 */
#ifndef KERNEL_ERROR_H
#define KERNEL_ERROR_H

enum error {
	E_UNSPECIFIED = 1, /* no better word for it */
	E_BAD_PROC,	   /* no such process, or not a child of the caller */
	E_INVAL,	   /* invalid argument */
	E_NO_MEM,	   /* out of memory */
	E_NO_FREE_PROC,	   /* as many processes as there may be */
	E_FAULT,	   /* address not mapped, or not in this way */
	E_BUSY,		   /* in use */
	E_EXISTS,	   /* there already */
	E_NOT_FOUND,	   /* no entry of that name */
	E_TIMED_OUT,	   /* the time given ran out first */
	E_KILLED,	   /* the thread was asked to end while it waited */
	E_IO,		   /* a device failed */
	E_NO_SPACE,	   /* table, ring or device full */
	NR_ERRORS
};

/* The name of an error ("no memory"), for a number of either sign. */
const char *error_name(int error);

#endif /* KERNEL_ERROR_H */
