/*
 * The parts of the Multiboot 1 interface that the loader reads and forges.
 */
#ifndef LOADER_MULTIBOOT_H
#define LOADER_MULTIBOOT_H

#define MULTIBOOT_HEADER_MAGIC 0x1badb002 /* in the kernel's file */
#define MULTIBOOT_MAGIC 0x2badb002	  /* in eax at the kernel's entry */
#define MULTIBOOT_HEADER_LIMIT 8192	  /* the header ends before this */

/* Header flags that a loader must know or refuse: bits 0 to 15. */
#define MULTIBOOT_ALIGN_MODULES (1 << 0)
#define MULTIBOOT_WANTS_MEMORY (1 << 1)
#define MULTIBOOT_MUST_KNOW 0xffff

/* multiboot_info.flags: which fields mean something. */
#define MULTIBOOT_HAS_MEMORY (1 << 0)
#define MULTIBOOT_HAS_COMMAND_LINE (1 << 2)
#define MULTIBOOT_HAS_MODULES (1 << 3)
#define MULTIBOOT_HAS_MAP (1 << 6)
#define MULTIBOOT_HAS_NAME (1 << 9)

#ifndef __ASSEMBLER__
#include <stdint.h>

struct multiboot_info {
	uint32_t flags;
	uint32_t mem_lower, mem_upper; /* KiB below 640 KiB, above 1 MiB */
	uint32_t boot_device;
	uint32_t command_line;
	uint32_t nr_modules, modules;
	uint32_t symbols[4];
	uint32_t map_length, map;
	uint32_t drives_length, drives;
	uint32_t config_table;
	uint32_t loader_name;
	uint32_t apm_table;
	uint32_t rest[11]; /* VBE and framebuffer, up to version 0.6.96 */
};

struct multiboot_module {
	uint32_t start, end;
	uint32_t command_line;
	uint32_t reserved;
};

/* `size` does not count itself; the next entry is size + 4 bytes further. */
struct multiboot_range {
	uint32_t size;
	uint64_t start, length;
	uint32_t type; /* 1: RAM */
} __attribute__((packed));
#endif

#endif /* LOADER_MULTIBOOT_H */
