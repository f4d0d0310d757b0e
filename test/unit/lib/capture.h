/*
 * What the kernel writes to its console while a test looks, as a string.
 *
 * No stdio here: its header and <kernel/printk.h> declare the same functions.
 */
#ifndef TEST_UNIT_LIB_CAPTURE_H
#define TEST_UNIT_LIB_CAPTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

static int capture_fd, capture_stdout;

static inline void
capture_begin(void)
{
	print_message("%s", ""); /* flushes what cmocka has to say */
	capture_fd = memfd_create("console", 0);
	capture_stdout = dup(STDOUT_FILENO);
	if (capture_fd < 0 || capture_stdout < 0 ||
	    dup2(capture_fd, STDOUT_FILENO) < 0)
		abort();
}

/* At most size - 1 bytes of it. */
static inline void
capture_end(char *text, size_t size)
{
	ssize_t n = pread(capture_fd, text, size - 1, 0);

	if (n < 0 || dup2(capture_stdout, STDOUT_FILENO) < 0)
		abort();
	text[n] = '\0';
	close(capture_stdout);
	close(capture_fd);
}

#endif /* TEST_UNIT_LIB_CAPTURE_H */
