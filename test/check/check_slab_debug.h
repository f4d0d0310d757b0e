/*
 * What the checks of slab's debugging share: listening to reports.
 */
#ifndef CHECK_SLAB_DEBUG_H
#define CHECK_SLAB_DEBUG_H

#include <kernel/types.h>

/* From now on reports are heard; what was heard before is forgotten. */
void report_listen(void);
bool report_has(const char *text);
bool report_is_empty(void);
/* Whether `name` stands in the lines that follow `heading`, before the next
 * heading of that kind. */
bool report_is_traced(const char *heading, const char *name);
/* Expects "BUG in cache CACHE: WHAT...". */
bool report_expect(const char *cache, const char *what);

#endif /* CHECK_SLAB_DEBUG_H */
