/*
 * What must hold for every extent (extent.h), whatever tree it hangs in.
 */
#include "extent.h"

const char *
extent_validate(const struct page_pool *pool, const struct page *last)
{
	const struct page *first = extent_first(last), *page;

	if (last->nr == 0 || first < pool->map ||
	    last >= pool->map + pool->map_nr)
		return "an extent reaches beyond the map";
	if (first->nr != last->nr)
		return "an extent's edges differ";
	for (page = first; page <= last; page++) {
		bool edge = page == first || page == last;

		if (page_ref_read(page) != PAGE_FREE)
			return "a frame of an extent is not marked free";
		if (page->node != pool->node)
			return "a frame of an extent is another node's";
		if (page->tag != (edge ? EXTENT_EDGE : 0))
			return "a frame of an extent has a wrong tag";
	}
	if (extent_edge(pool, first - 1) || extent_edge(pool, last + 1))
		return "two free neighbours are not one extent";
	return NULL;
}
