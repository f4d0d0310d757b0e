/*
 * Operations whose allocations can fail, for the walk of check_failures.c.
 */
#ifndef CHECK_FAILURES_H
#define CHECK_FAILURES_H

#include <kernel/types.h>

struct step {
	const char *name;
	void (*prepare)(void); /* nothing fails here; NULL: nothing to do */
	int (*run)(void);
	void (*failed)(void);	 /* run said -E_NO_MEM: all is as it was */
	void (*finish)(int err); /* of run; nothing fails here */
	/* On the way to success there are so many, on any machine: failpoints
	 * under slab, under slob; slab's objects. */
	unsigned nr_failpoints, nr_slob, nr_objects;
	bool is_sure;		/* it succeeds all the same */
	bool sheaves_take_none; /* under cpu=sheaf it allocates nothing */
};

/* Of any back end; of one with slabinfo. Both end with a NULL name. */
extern const struct step failure_steps[], failure_slab_steps[];

#endif /* CHECK_FAILURES_H */
