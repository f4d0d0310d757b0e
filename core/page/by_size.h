/*
 * Extents by length and, among equals, by address: what best and worst fit have
 * in common. They differ in which extent they choose.
 */
#ifndef CORE_PAGE_BY_SIZE_H
#define CORE_PAGE_BY_SIZE_H

#include "extent.h"

/* The shortest extent of at least n frames, lowest among equals; NULL: none. */
struct page *by_size_at_least(const struct page_pool *pool, size_t n);
/* The longest extent, lowest among equals; NULL: there are no free frames. */
struct page *by_size_longest(const struct page_pool *pool);

void by_size_init(struct page_pool *pool);
/* The n lowest frames of extent `last`. */
struct page *by_size_take(struct page_pool *pool, struct page *last, size_t n);
void by_size_free(struct page_pool *pool, struct page *base, size_t n);
size_t by_size_nr_free(const struct page_pool *pool);
const char *by_size_validate(const struct page_pool *pool);

#endif /* CORE_PAGE_BY_SIZE_H */
