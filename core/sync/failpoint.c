/*
 * Failpoints: one armed countdown, for one thread. Interrupts that come in
 * between belong to somebody else and are not counted.
 */
#include <kernel/failpoint.h>
#include <kernel/thread.h>

static struct proc_struct *armed_for;
static unsigned countdown; /* armed_for's own */
static bool fired;

void
failpoint_arm(unsigned n)
{
	countdown = n;
	fired = false;
	atomic_store(&armed_for, n > 0 ? current : NULL);
}

bool
failpoint_disarm(void)
{
	atomic_store(&armed_for, (struct proc_struct *)NULL);
	return fired;
}

bool
failpoint(void)
{
	struct proc_struct *self = current;

	if (atomic_load_relaxed(&armed_for) != self || self->trap_depth > 0 ||
	    countdown == 0)
		return false;
	if (--countdown > 0)
		return false;
	fired = true;
	return true;
}
