/*
 * Process identifiers: which are taken, and which comes next.
 *
 * A pid is unique among the living, and not given again at once: numbers ascend
 * and wrap around in [1, MAX_PID). Which ones are taken stands in a bitmap with
 * summary levels, so that finding the next free one costs the same with one
 * process and with sixteen thousand, before and after the wrap.
 *
 * MAX_PID > MAX_PROCESS (checked where they are defined), so there always is one.
 */
#include <kernel/bitmap.h>
#include "internal.h"

BITMAP_TREE_DEFINE(pids_taken, MAX_PID);

static int last_pid GUARDED_BY(proc_lock);

/* The next one is taken, or the numbers wrap. */
static __noinline int
get_pid_beyond(size_t next) REQUIRES(proc_lock)
{
	size_t pid = bitmap_tree_take_next(&pids_taken, next);

	/* pid 0 is idle's and never in the bitmap. */
	if (pid >= MAX_PID)
		pid = bitmap_tree_take_next(&pids_taken, 1);
	last_pid = (int)pid;
	return last_pid;
}

int
get_pid(void)
{
	size_t next = (size_t)last_pid + 1;

	if (unlikely(!bitmap_tree_try_take(&pids_taken, next)))
		return get_pid_beyond(next);
	last_pid = (int)next;
	return last_pid;
}

void
put_pid(int pid)
{
	bitmap_tree_clear(&pids_taken, (size_t)pid);
}
