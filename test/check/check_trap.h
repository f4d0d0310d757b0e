/*
 * Pages that checks of traps map and unmap (check_trap.c).
 */
#ifndef CHECK_TRAP_H
#define CHECK_TRAP_H

#include <kernel/types.h>

#define NR_PROBE_PAGES 6

struct page;

/* A page that is mapped when somebody touches it. */
struct probe_page {
	uintptr_t va;
	struct page *page;
	unsigned nr_faults;   /* handled so far */
	unsigned nr_expected; /* frames on the stack when it faults */
	unsigned sleep_ticks;
};
extern struct probe_page probe_pages[NR_PROBE_PAGES];

/* Allocates them all, unmapped; false: no memory (an expectation failed). */
bool probe_pages_make(void);
/* Unmaps and frees them. */
void probe_pages_free(void);

/* The one at this address; NULL: none of them. */
struct probe_page *probe_page_find(uintptr_t address);
int probe_page_map(struct probe_page *probe);
void probe_page_unmap(struct probe_page *probe);

#endif /* CHECK_TRAP_H */
