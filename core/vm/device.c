/*
 * Registers of devices, at kernel addresses.
 *
 * The port has set aside a window of addresses, whose tables exist (arch_device_window).
 * Its pages are given out first come, first served, and marked in a bitmap. They are
 * few, and devices are mapped when they are found and stay: a long search is no
 * matter. An address is free again after all CPUs have forgotten what was there.
 *
 * LOCKING. The lock of the kernel's space, which guards the bitmap too.
 */
#include <kernel/bitmap.h>
#include <kernel/space.h>

#define WINDOW_PAGES_MAX 1024

BITMAP_TREE_DEFINE(pages_taken, WINDOW_PAGES_MAX);

/* Pages that nr bytes from this address on lie in. */
static size_t
nr_pages_of(uintptr_t address, size_t nr)
{
	return (ALIGN_UP(address + nr, PAGE_SIZE) -
		ALIGN_DOWN(address, PAGE_SIZE)) /
	       PAGE_SIZE;
}

/* The first of nr free pages beside each other, of a window of so many; its size if
 * there are none. */
static size_t
find_free(size_t nr, size_t window) REQUIRES(kernel_space.lock)
{
	size_t first = 0;

	while (first + nr <= window) {
		size_t i = 0;

		while (i < nr && !bitmap_tree_test(&pages_taken, first + i))
			i++;
		if (i == nr)
			return first;
		first += i + 1;
	}
	return window;
}

void *
device_map(phys_t pa, size_t nr)
{
	phys_t base = { ALIGN_DOWN(pa.addr, PAGE_SIZE) };
	size_t nr_pages = nr_pages_of(pa.addr, nr), window, first;
	uintptr_t va = arch_device_window(&window);
	void *registers = NULL;
	irq_state_t irqs;

	window = MIN(window, (size_t)WINDOW_PAGES_MAX);
	irqs = spin_lock_irqsave(&kernel_space.lock);
	first = find_free(nr_pages, window);
	va += first * PAGE_SIZE;
	if (first < window &&
	    arch_map_range(&kernel_space.arch, va, base, nr_pages,
			   MAP_READ | MAP_WRITE | MAP_DEVICE) == 0) {
		for (size_t i = 0; i < nr_pages; i++)
			bitmap_tree_set(&pages_taken, first + i);
		registers = (void *)(va + pa.addr % PAGE_SIZE);
	}
	spin_unlock_irqrestore(&kernel_space.lock, irqs);
	return registers;
}

void
device_unmap(void *registers, size_t nr)
{
	uintptr_t address = (uintptr_t)registers;
	uintptr_t va = ALIGN_DOWN(address, PAGE_SIZE);
	size_t nr_pages = nr_pages_of(address, nr), window, first;
	struct tlb_batch batch;
	irq_state_t irqs;

	first = (va - arch_device_window(&window)) / PAGE_SIZE;
	assert(first + nr_pages <= window);
	tlb_batch_init(&batch, &kernel_space);
	irqs = spin_lock_irqsave(&kernel_space.lock);
	arch_unmap_range(&kernel_space.arch, va, nr_pages);
	tlb_batch_add_range(&batch, va, nr_pages);
	spin_unlock_irqrestore(&kernel_space.lock, irqs);
	tlb_batch_flush(&batch);
	irqs = spin_lock_irqsave(&kernel_space.lock);
	for (size_t i = 0; i < nr_pages; i++)
		bitmap_tree_clear(&pages_taken, first + i);
	spin_unlock_irqrestore(&kernel_space.lock, irqs);
}
