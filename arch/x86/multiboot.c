/*
 * Reading a Multiboot 1 loader's information block.
 *
 * Loaders differ. GRUB fills in nearly everything; QEMU gives a map, a command
 * line that begins with the kernel's file name, and its own name; a browser
 * emulator may give nothing but a memory map, or but an amount of memory. So
 * each piece is used only if its flag says that it is there, and only the
 * memory cannot be done without: the map, else the amount above 1 MiB, else an error.
 *
 * Nor is a map taken at its word. What BIOSes have been seen to give: entries
 * in no order, that overlap, of length zero, that end above 2^64, that are
 * 20 or 24 bytes long. Usable ones are merged into a sorted list without
 * overlaps; everything else that overlaps usable memory is passed on as
 * BOOT_RESERVED, which wins. RAM that the direct map cannot reach is passed on as
 * BOOT_UNMAPPABLE, so that the log can name it.
 *
 * Reserved by us: the first page (so that physical address 0 is never a
 * valid one), the BIOS's area below 1 MiB, the kernel, and all blocks of the
 * loader.
 *
 * Reserved ranges come first in the table, and leave room in it for all usable
 * ones. When there are too many, one more becomes part of its nearest neighbour,
 * together with what lies between: a map with too many entries costs memory,
 * and not correctness.
 */
#include <kernel/string.h>
#include "multiboot.h"

#define KIB 1024u
#define FIRST_PAGE_END 0x1000u
#define EBDA_POINTER 0x40eu
#define EBDA_LOWEST 0x80000u
#define VIDEO_START 0xa0000u
#define ONE_MIB 0x100000u

/* Which parts of the block are valid. */
enum info_flag {
	INFO_MEMORY = 1 << 0,
	INFO_COMMAND_LINE = 1 << 2,
	INFO_MODULES = 1 << 3,
	INFO_MAP = 1 << 6,
	INFO_LOADER_NAME = 1 << 9,
	INFO_FRAMEBUFFER = 1 << 12,
};

/* Framebuffer of kind 2: text. */
#define FRAMEBUFFER_TEXT 2

struct info {
	uint32_t flags;
	uint32_t mem_lower, mem_upper; /* KiB below 640 KiB, and above 1 MiB */
	uint32_t boot_device;
	uint32_t cmdline;
	uint32_t mods_count, mods_addr;
	uint32_t syms[4];
	uint32_t mmap_length, mmap_addr;
	uint32_t drives_length, drives_addr;
	uint32_t config_table;
	uint32_t boot_loader_name;
};

/* Behind it, at a fixed offset; only there with INFO_FRAMEBUFFER. */
#define INFO_FRAMEBUFFER_TYPE 109u
#define INFO_SIZE_MAX 116u

/* `size` counts from behind itself. */
struct map_entry {
	uint32_t size;
	uint64_t base, length;
	uint32_t type;
} __attribute__((packed));

#define MAP_TYPE_RAM 1
#define MAP_ENTRY_MIN (sizeof(struct map_entry) - sizeof(uint32_t))
/* A map longer than this is not a map. */
#define MAP_ENTRIES_MAX 4096u

struct module {
	uint32_t start, end;
	uint32_t string, reserved;
};
#define MODULES_MAX 16u

#define RAM_MAX 32u
/* Each usable range may be two, on both sides of the direct map's end. */
#define RESERVED_MAX (BOOT_RANGES_MAX - 2 * RAM_MAX)

struct parser {
	multiboot_peek_fn *peek;
	struct boot_info *boot;
	struct multiboot_result *result;
	struct info info;
	struct {
		uint64_t start, end;
	} ram[RAM_MAX]; /* sorted, apart from each other */
	unsigned nr_ram;
};

static char command_line[COMMAND_LINE_MAX];
static char loader_name[64];
static const char firmware[] = "firmware";

static void
warn(struct parser *parser, const char *what)
{
	if (!parser->result->warning)
		parser->result->warning = what;
}

static void
add_range(struct parser *parser, uint64_t start, uint64_t end,
	  enum boot_range_kind kind, const char *what)
{
	struct boot_info *boot = parser->boot;

	if (start >= end)
		return;
	if (boot->nr_ranges == BOOT_RANGES_MAX) {
		warn(parser, "the loader's memory map has too many entries; "
			     "the last ones are not used");
		return;
	}
	boot->ranges[boot->nr_ranges++] = (struct boot_range){
		.start = start,
		.end = end,
		.kind = kind,
		.node = 0,
		.what = what,
	};
}

/* How far [start, end) and the range are from each other. */
static uint64_t
gap(const struct boot_range *range, uint64_t start, uint64_t end)
{
	if (end < range->start)
		return range->start - end;
	return start > range->end ? start - range->end : 0;
}

/* The firmware's. What touches another one, or finds the table full, becomes
 * part of its nearest neighbour. */
static void
add_firmware(struct parser *parser, uint64_t start, uint64_t end)
{
	struct boot_info *boot = parser->boot;
	struct boot_range *nearest = NULL;

	for (unsigned i = 0; i < boot->nr_ranges; i++) {
		struct boot_range *range = &boot->ranges[i];

		if (range->what == firmware &&
		    (nearest == NULL ||
		     gap(range, start, end) < gap(nearest, start, end)))
			nearest = range;
	}
	if (nearest == NULL ||
	    (gap(nearest, start, end) > 0 && boot->nr_ranges < RESERVED_MAX)) {
		add_range(parser, start, end, BOOT_RESERVED, firmware);
		return;
	}
	if (gap(nearest, start, end) > 0)
		warn(parser, "the loader's memory map has too many entries; "
			     "memory between reserved ones is not used");
	nearest->start = MIN(nearest->start, start);
	nearest->end = MAX(nearest->end, end);
}

static void
reserve(struct parser *parser, uint64_t start, uint64_t size, const char *what)
{
	add_range(parser, start, start + size, BOOT_RESERVED, what);
}

/* Copies a string of the loader's; returns its whole length. */
static size_t
copy_string(struct parser *parser, uint32_t pa, char *buf, size_t size)
{
	size_t n = 0;
	const char *c;

	while (pa + n >= pa && (c = parser->peek(pa + n, 1)) && *c) {
		if (n < size - 1)
			buf[n] = *c;
		if (++n >= 16 * COMMAND_LINE_MAX)
			break;
	}
	buf[MIN(n, size - 1)] = '\0';
	return n;
}

/*
 * The first word is the kernel's file in some loaders. QEMU always begins with
 * it, whatever is in it; from others it is one if it looks like a path: no '='
 * in it, but a '/' or a '.'.
 */
static const char *
skip_path(const char *line, bool always)
{
	bool path = always;
	const char *c;

	while (*line == ' ' && !always)
		line++;
	for (c = line; *c && *c != ' '; c++) {
		if (!always && (*c == '=' || *c == '"' || *c == '\''))
			return line;
		if (*c == '/' || *c == '.')
			path = true;
	}
	if (!path)
		return line;
	while (*c == ' ')
		c++;
	return c;
}

static void
parse_strings(struct parser *parser)
{
	const struct info *info = &parser->info;
	size_t length;

	parser->boot->command_line = "";
	parser->boot->loader = "a Multiboot loader";
	if ((info->flags & INFO_LOADER_NAME) && info->boot_loader_name) {
		length = copy_string(parser, info->boot_loader_name,
				     loader_name, sizeof(loader_name));
		if (loader_name[0])
			parser->boot->loader = loader_name;
		reserve(parser, info->boot_loader_name, length + 1,
			"loader's name");
	}
	if ((info->flags & INFO_COMMAND_LINE) && info->cmdline) {
		length = copy_string(parser, info->cmdline, command_line,
				     sizeof(command_line));
		parser->boot->command_line = command_line;
		if (length < sizeof(command_line))
			parser->boot->command_line = skip_path(
				command_line,
				strcmp(parser->boot->loader, "qemu") == 0);
		else
			/* So long, core refuses it as a whole. */
			warn(parser, "the command line is too long");
		reserve(parser, info->cmdline, length + 1, "command line");
	}
}

static void
parse_modules(struct parser *parser)
{
	const struct info *info = &parser->info;
	uint32_t count = info->mods_count;

	if (!(info->flags & INFO_MODULES) || count == 0)
		return;
	if (count > MODULES_MAX) {
		warn(parser, "too many boot modules; the last are not kept");
		count = MODULES_MAX;
	}
	reserve(parser, info->mods_addr, count * sizeof(struct module),
		"list of boot modules");
	for (uint32_t i = 0; i < count; i++) {
		struct module module;
		const void *p = parser->peek(
			info->mods_addr + i * sizeof(module), sizeof(module));

		if (!p)
			break;
		memcpy(&module, p, sizeof(module));
		add_range(parser, module.start, module.end, BOOT_RESERVED,
			  "boot module");
	}
}

static void
reserve_low_memory(struct parser *parser)
{
	const uint8_t *p = parser->peek(EBDA_POINTER, 2);
	uint32_t start = VIDEO_START;

	reserve(parser, 0, FIRST_PAGE_END, "first page");
	if (p) {
		uint32_t ebda = (p[0] | (uint32_t)p[1] << 8) << 4;

		if (ebda >= EBDA_LOWEST && ebda < VIDEO_START)
			start = ebda;
	}
	add_range(parser, start, ONE_MIB, BOOT_RESERVED, "BIOS and video");
}

/* Adds to the sorted list; what it overlaps or touches becomes one entry. */
static void
add_ram(struct parser *parser, uint64_t start, uint64_t end)
{
	unsigned first = 0, last;

	while (first < parser->nr_ram && parser->ram[first].end < start)
		first++;
	for (last = first;
	     last < parser->nr_ram && parser->ram[last].start <= end; last++) {
		start = MIN(start, parser->ram[last].start);
		end = MAX(end, parser->ram[last].end);
	}
	if (first == last && parser->nr_ram == RAM_MAX) {
		warn(parser, "the loader's memory map has too many entries; "
			     "the last ones are not used");
		return;
	}
	memmove(&parser->ram[first + 1], &parser->ram[last],
		(parser->nr_ram - last) * sizeof(parser->ram[0]));
	parser->nr_ram -= last - first;
	parser->nr_ram++;
	parser->ram[first].start = start;
	parser->ram[first].end = end;
}

static bool
overlaps_ram(const struct parser *parser, uint64_t start, uint64_t end)
{
	for (unsigned i = 0; i < parser->nr_ram; i++)
		if (parser->ram[i].start < end && start < parser->ram[i].end)
			return true;
	return false;
}

/* Calls fn for each sane entry of the map. */
static void
for_each_entry(struct parser *parser,
	       void (*fn)(struct parser *, uint64_t start, uint64_t end,
			  uint32_t type))
{
	const struct info *info = &parser->info;
	uint32_t offset = 0, length = info->mmap_length;

	for (unsigned i = 0; i < MAP_ENTRIES_MAX; i++) {
		struct map_entry entry;
		const void *p;
		uint64_t end;

		if (offset > length || length - offset < sizeof(entry))
			return;
		p = parser->peek(info->mmap_addr + offset, sizeof(entry));
		if (!p) {
			warn(parser, "part of the loader's memory map cannot "
				     "be read");
			return;
		}
		memcpy(&entry, p, sizeof(entry));
		if (entry.size < MAP_ENTRY_MIN) {
			warn(parser, "the loader's memory map has an entry "
				     "that is too short; the rest is not used");
			return;
		}
		end = entry.base + entry.length;
		if (end < entry.base)
			end = UINT64_MAX;
		if (entry.length > 0)
			fn(parser, entry.base, end, entry.type);
		if (entry.size > length - offset - sizeof(entry.size))
			return;
		offset += entry.size + sizeof(entry.size);
	}
}

static void
collect_ram(struct parser *parser, uint64_t start, uint64_t end, uint32_t type)
{
	if (type == MAP_TYPE_RAM)
		add_ram(parser, start, end);
}

static void
collect_reserved(struct parser *parser, uint64_t start, uint64_t end,
		 uint32_t type)
{
	if (type != MAP_TYPE_RAM && overlaps_ram(parser, start, end))
		add_firmware(parser, start, end);
}

static bool
have_map(const struct info *info)
{
	return (info->flags & INFO_MAP) && info->mmap_length > 0;
}

static void
parse_memory(struct parser *parser)
{
	const struct info *info = &parser->info;

	if (have_map(info))
		for_each_entry(parser, collect_ram);
	if (parser->nr_ram == 0 && (info->flags & INFO_MEMORY)) {
		add_ram(parser, 0, (uint64_t)info->mem_lower * KIB);
		add_ram(parser, ONE_MIB,
			ONE_MIB + (uint64_t)info->mem_upper * KIB);
	}
	if (have_map(info))
		for_each_entry(parser, collect_reserved);
}

static void
publish_ram(struct parser *parser, uint64_t direct_map_end)
{
	for (unsigned i = 0; i < parser->nr_ram; i++) {
		uint64_t start = parser->ram[i].start;
		uint64_t end = parser->ram[i].end;
		uint64_t reach = MIN(end, direct_map_end);

		add_range(parser, start, reach, BOOT_RAM, "usable");
		add_range(parser, MAX(start, direct_map_end), end,
			  BOOT_UNMAPPABLE, "RAM");
		if (start < reach)
			parser->result->ram_end = reach;
	}
}

static void
parse_block(struct parser *parser, uint32_t info_pa,
	    const struct multiboot_image *image)
{
	const struct info *info = &parser->info;

	add_range(parser, image->start, image->end, BOOT_RESERVED,
		  "kernel image");
	reserve_low_memory(parser);
	reserve(parser, info_pa, INFO_SIZE_MAX, "loader's block");
	if (have_map(info))
		reserve(parser, info->mmap_addr, info->mmap_length,
			"loader's memory map");
	parse_strings(parser);
	parse_modules(parser);
	parse_memory(parser);
	publish_ram(parser, image->direct_map_end);
}

void
multiboot_parse(uint32_t info_pa, multiboot_peek_fn *peek,
		const struct multiboot_image *image, struct boot_info *boot,
		struct multiboot_result *result)
{
	static struct parser parser;
	const void *p = peek(info_pa, sizeof(struct info));

	parser =
		(struct parser){ .peek = peek, .boot = boot, .result = result };
	*result = (struct multiboot_result){ .text_screen = true };
	boot->nr_ranges = 0;
	boot->command_line = "";
	boot->loader = "an unknown loader";
	if (!p) {
		result->error = "the loader's information block cannot be read";
		return;
	}
	memcpy(&parser.info, p, sizeof(parser.info));
	if (parser.info.flags & INFO_FRAMEBUFFER) {
		const uint8_t *type = peek(info_pa + INFO_FRAMEBUFFER_TYPE, 1);

		result->text_screen = type && *type == FRAMEBUFFER_TEXT;
	}
	parse_block(&parser, info_pa, image);
	if (parser.nr_ram == 0)
		result->error = "the loader gave neither a memory map nor "
				"mem_upper: how much memory is there?";
	else if (result->ram_end <= image->end)
		result->error = "the loader's memory map has no memory behind "
				"the kernel";
}
