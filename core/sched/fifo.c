/*
 * fifo: first to become runnable, first to run, until it sleeps, ends or
 * yields. The clock takes nobody off: a thread that never yields keeps its CPU.
 *
 * This is the classic teaching kernel's idea ("the next runnable one around
 * the list of processes"), found in O(1): only runnable threads are queued, in
 * the order in which they became so.
 */
#include "internal.h"

static void
fifo_tick(struct run_queue *rq, struct proc_struct *proc)
{
}

const struct sched_class sched_class_fifo = {
	.name = "fifo",
	.description = "first come, first served; no time slices",
	.init = sched_list_init,
	.enqueue = sched_list_enqueue,
	.pick_next = sched_list_pick_next,
	.pick_migrant = sched_list_pick_migrant,
	.tick = fifo_tick,
};
