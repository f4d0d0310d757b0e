/*
 * x86: what a Multiboot 1 loader tells.
 */
#ifndef X86_MULTIBOOT_H
#define X86_MULTIBOOT_H

#include <kernel/types.h>
#include <arch/boot.h>

/* Longer command lines are cut, with a warning. */
#define COMMAND_LINE_MAX 4096

/* Looks at `size` bytes of physical memory; NULL: not possible. What an
 * earlier call returned may be gone. */
typedef const void *multiboot_peek_fn(uint32_t pa, size_t size);

struct multiboot_image {
	uint32_t start, end;	 /* where the kernel itself lies */
	uint32_t direct_map_end; /* RAM from here on is BOOT_UNMAPPABLE */
};

struct multiboot_result {
	const char *error;   /* not NULL: this will not do, and why */
	const char *warning; /* not NULL: something is odd */
	bool text_screen;    /* no graphics mode was set */
	uint32_t ram_end;    /* end of the highest BOOT_RAM */
};

/*
 * Fills in command_line, loader, ranges and nr_ranges of *boot. Copies
 * everything it needs: nothing points into the loader's memory afterwards.
 * Needs no other part of the kernel (tests run it on the host). Once.
 */
void multiboot_parse(uint32_t info_pa, multiboot_peek_fn *peek,
		     const struct multiboot_image *image,
		     struct boot_info *boot, struct multiboot_result *result);

#endif /* X86_MULTIBOOT_H */
