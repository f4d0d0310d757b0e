/*
 * One list per run queue, in at the tail, out at the head: what fifo and rr
 * share. O(1), except that a thief looks at a few threads.
 */
#include "internal.h"

/* How many bound threads a thief steps over before it gives up. */
#define MIGRANT_SEARCH_MAX 16

void
sched_list_init(struct run_queue *rq)
{
	list_init(&rq->queue);
}

void
sched_list_enqueue(struct run_queue *rq, struct proc_struct *proc)
{
	list_add_tail(&rq->queue, &proc->run_link);
}

struct proc_struct *
sched_list_pick_next(struct run_queue *rq)
{
	struct list *first = rq->queue.next;

	/* Not list_del: nobody looks at the link of a thread that is out. */
	first->next->prev = &rq->queue;
	rq->queue.next = first->next;
	return list_entry(first, struct proc_struct, run_link);
}

struct proc_struct *
sched_list_pick_migrant(struct run_queue *rq)
{
	unsigned seen = 0;
	struct list *pos;

	list_for_each(pos, &rq->queue) {
		struct proc_struct *proc =
			list_entry(pos, struct proc_struct, run_link);

		if (proc->bound_cpu == CPU_ANY) {
			list_del(pos);
			return proc;
		}
		if (++seen == MIGRANT_SEARCH_MAX)
			break;
	}
	return NULL;
}
