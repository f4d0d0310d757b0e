/*
 * Batches: what is to be forgotten, and the references that wait for it.
 *
 * Neighbouring pages become one range. When there are more ranges than a batch can
 * hold, it says so, and all of the space is forgotten: that is never wrong, only slower.
 * Pages are another matter, none may be left out, so a full batch is flushed before
 * the unmapping goes on.
 */
#include <kernel/page.h>
#include <kernel/tlb.h>

void
tlb_batch_add_range(struct tlb_batch *batch, uintptr_t va, size_t nr)
{
	unsigned n = batch->nr_ranges;

	batch->nr_range_pages += nr;
	if (n > TLB_BATCH_RANGES)
		return; /* all of the space anyway */
	if (n > 0) {
		struct tlb_range *last = &batch->ranges[n - 1];

		if (va == last->va + last->nr * PAGE_SIZE) {
			last->nr += nr;
			return;
		}
	}
	if (n < TLB_BATCH_RANGES)
		batch->ranges[n] = (struct tlb_range){ .va = va, .nr = nr };
	batch->nr_ranges++;
}

void
tlb_batch_add_page(struct tlb_batch *batch, uintptr_t va, struct page *page)
{
	debug_assert(!tlb_batch_is_full(batch));
	tlb_batch_add_range(batch, va, 1);
	if (page != NULL)
		batch->pages[batch->nr_pages++] = page;
}

void
tlb_batch_flush(struct tlb_batch *batch)
{
	tlb_forget(batch);
	for (unsigned i = 0; i < batch->nr_pages; i++)
		page_put(batch->pages[i]);
	tlb_batch_init(batch, batch->space);
}
