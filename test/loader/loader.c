/*
 * A boot loader for tests: legal, but unlike QEMU's and GRUB's.
 *
 * Problem.  Multiboot 1 leaves a loader much freedom: which fields of the
 * information block it fills, where block, memory map and command line lie,
 * what the registers hold.  The loaders people have at hand use little of it, so
 * a kernel that only ever met those breaks on the next one.
 *
 * Model.  QEMU's -kernel loads this program at 16 MiB, and the kernel's ELF file
 * (QEMU's -initrd) behind it as a module.  The loader checks the file's
 * Multiboot header, copies its segments to their physical addresses, forges a
 * block as its own command line says, and jumps:
 *
 *	0x500  information block, memory map, strings	1 MiB  kernel
 *	16 MiB loader, module, what QEMU handed over
 *
 * Words of the command line, up to "--"; what follows that is the kernel's:
 *
 *	info=0x500	where the block goes, `after`: right behind the kernel
 *	memory=map	the true map, and rubbish where mem_upper would be
 *	memory=upper	mem_lower and mem_upper, no map
 *	memory=odd	a map made by hand for 64 MiB; see odd_map
 *	memory=many	64 MiB with 70 reserved pages in them
 *	memory=none	neither
 *	line=none	no command line; default: one behind the map
 *	magic=0		what to have in eax instead of the right number
 *	end=N		no kernel: straight to the exit device with N,
 *	end=off		power off by ACPI, end=triple: a triple fault
 *
 * It talks on COM1 ("loader: ...").  What it cannot do ends with status 63.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "multiboot.h"

#define COM1 0x3f8
#define COM1_STATUS (COM1 + 5)
#define COM1_CAN_SEND 0x20
#define EXIT_DEVICE 0xf4    /* QEMU's isa-debug-exit */
#define PM_CONTROL 0x604    /* QEMU's PM1a control register */
#define PM_SLEEP_NOW 0x2000 /* with sleep type 0, which QEMU takes as off */
#define GIVE_UP_CODE 63
#define RUBBISH 0xdeadbeef

#define MiB(n) ((uint64_t)(n) << 20)

struct elf_header {
	unsigned char ident[16];
	uint16_t type, machine;
	uint32_t version, entry, segments, sections, flags;
	uint16_t header_size, segment_size, nr_segments;
	uint16_t section_size, nr_sections, names;
};

struct elf_segment {
	uint32_t type, offset, virtual, physical, file_size, memory_size;
	uint32_t flags, align;
};
#define ELF_MAGIC 0x464c457f
#define ELF_MACHINE_386 3
#define ELF_LOAD 1

void loader_leave(uint32_t entry, uint32_t info, uint32_t magic)
	__attribute__((noreturn));
void loader_triple_fault(void) __attribute__((noreturn));
void loader_main(uint32_t magic, const struct multiboot_info *given);

/* What was handed to us, copied before the kernel lands on it. */
static char own_line[8192];
static char *kernel_line;
static unsigned char true_map[2048];
static uint32_t true_map_length;
static uint32_t mem_lower, mem_upper;
static struct multiboot_module module;

/* Where the kernel's segments end. */
static uint32_t kernel_start = UINT32_MAX, kernel_end;

/* -- the machine ----------------------------------------------------------- */

static void
out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static void
out16(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t
in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void
say(const char *text)
{
	for (; *text != '\0'; text++) {
		while (!(in8(COM1_STATUS) & COM1_CAN_SEND))
			;
		out8(COM1, (uint8_t)*text);
	}
}

static void
say_hex(uint32_t value)
{
	char text[11] = "0x";

	for (unsigned i = 0; i < 8; i++)
		text[2 + i] = "0123456789abcdef"[(value >> (28 - 4 * i)) & 15];
	say(text);
}

__attribute__((noreturn)) static void
stop(uint8_t code)
{
	out8(EXIT_DEVICE, code);
	for (;;)
		__asm__ volatile("cli; hlt");
}

__attribute__((noreturn)) static void
give_up(const char *why)
{
	say("loader: ");
	say(why);
	say("\n");
	stop(GIVE_UP_CODE);
}

/* -- bytes and words ------------------------------------------------------------ */

/* Called by the compiler, too. */
void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);

void *
memcpy(void *dst, const void *src, size_t n)
{
	void *to = dst;

	__asm__ volatile("rep movsb"
			 : "+D"(to), "+S"(src), "+c"(n)
			 :
			 : "memory");
	return dst;
}

void *
memset(void *dst, int c, size_t n)
{
	void *to = dst;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(c) : "memory");
	return dst;
}

static size_t
length(const char *text)
{
	size_t n = 0;

	while (text[n] != '\0')
		n++;
	return n;
}

static bool
same(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* Decimal, or hexadecimal after 0x. */
static uint32_t
number(const char *text)
{
	uint32_t base = 10, value = 0;

	if (text[0] == '0' && text[1] == 'x') {
		base = 16;
		text += 2;
	}
	for (; *text != '\0'; text++) {
		uint32_t digit = (uint32_t)(*text <= '9' ? *text - '0'
							 : *text - 'a' + 10);

		if (digit >= base)
			give_up("not a number on my command line");
		value = value * base + digit;
	}
	return value;
}

/* The value of the loader's own word "name=value"; NULL without one. */
static const char *
setting(const char *name)
{
	size_t n = length(name);

	for (const char *word = own_line; word < kernel_line;
	     word += length(word) + 1) {
		size_t i = 0;

		while (i < n && word[i] == name[i])
			i++;
		if (i == n && word[n] == '=')
			return word + n + 1;
	}
	return NULL;
}

/* -- what QEMU handed over -------------------------------------------------------- */

/* Ends our words with NULs; what is behind "--" stays one string. */
static void
split_own_line(void)
{
	char *end = own_line + length(own_line);

	kernel_line = end;
	for (char *p = own_line; p < end; p++) {
		if (*p != ' ')
			continue;
		*p = '\0';
		if (p[1] == '-' && p[2] == '-' &&
		    (p[3] == ' ' || p[3] == '\0')) {
			kernel_line = p[3] == ' ' ? p + 4 : p + 3;
			return;
		}
	}
}

static void
take_over(const struct multiboot_info *given)
{
	const char *line = (const char *)given->command_line;

	if (!(given->flags & MULTIBOOT_HAS_COMMAND_LINE) ||
	    length(line) >= sizeof(own_line))
		give_up("no command line, or too long");
	memcpy(own_line, line, length(line) + 1);
	split_own_line();

	if (!(given->flags & MULTIBOOT_HAS_MAP) ||
	    given->map_length > sizeof(true_map))
		give_up("no memory map, or too long");
	true_map_length = given->map_length;
	memcpy(true_map, (const void *)given->map, true_map_length);
	mem_lower = given->mem_lower;
	mem_upper = given->mem_upper;

	if (given->flags & MULTIBOOT_HAS_MODULES && given->nr_modules > 0)
		module = *(const struct multiboot_module *)given->modules;
}

/* -- the kernel ------------------------------------------------------------------ */

static void
check_multiboot_header(const unsigned char *file, size_t size)
{
	for (size_t at = 0;
	     at + 12 <= size && at + 12 <= MULTIBOOT_HEADER_LIMIT; at += 4) {
		const uint32_t *word = (const uint32_t *)(file + at);

		if (word[0] != MULTIBOOT_HEADER_MAGIC ||
		    word[0] + word[1] + word[2] != 0)
			continue;
		if (word[1] & MULTIBOOT_MUST_KNOW &
		    ~(MULTIBOOT_ALIGN_MODULES | MULTIBOOT_WANTS_MEMORY))
			give_up("the kernel's header wants what I do not know");
		return;
	}
	give_up("the module has no Multiboot header");
}

static void
load_segment(const unsigned char *file, size_t size,
	     const struct elf_segment *segment)
{
	uint32_t start = segment->physical;
	uint32_t end = start + segment->memory_size;
	unsigned char *to = (unsigned char *)start;

	if (segment->offset + segment->file_size > size)
		give_up("a segment is not in the file");
	if (start < MiB(1) || end < start || end > MiB(16))
		give_up("a segment is not between 1 MiB and 16 MiB");
	memcpy(to, file + segment->offset, segment->file_size);
	/* What is not in the file is zero; nothing else around it is. */
	memset(to + segment->file_size, 0,
	       segment->memory_size - segment->file_size);
	if (start < kernel_start)
		kernel_start = start;
	if (end > kernel_end)
		kernel_end = end;
}

static uint32_t
load_kernel(void)
{
	const unsigned char *file = (const unsigned char *)module.start;
	size_t size = module.end - module.start;
	const struct elf_header *elf = (const struct elf_header *)file;

	if (size < sizeof(*elf) || *(const uint32_t *)elf->ident != ELF_MAGIC ||
	    elf->machine != ELF_MACHINE_386)
		give_up("the module is no ELF file for this machine");
	check_multiboot_header(file, size);

	/* RAM above 1 MiB is not zero after a warm start. */
	memset((void *)(uintptr_t)MiB(1), 0x5a, (size_t)MiB(15));
	for (unsigned i = 0; i < elf->nr_segments; i++) {
		const struct elf_segment *segment =
			(const struct elf_segment *)(file + elf->segments) + i;

		if (segment->type == ELF_LOAD && segment->memory_size > 0)
			load_segment(file, size, segment);
	}
	return elf->entry;
}

/* -- the forged block -------------------------------------------------------------- */

/*
 * For a machine with 64 MiB. Not sorted; entries of 20 and of 24 bytes; RAM
 * overlaps RAM (31 to 32 MiB), reserved memory overlaps RAM (24 to 25 MiB), a bad
 * spot lies inside a page; an empty range; a type nobody knows; RAM that
 * starts and ends inside a page, above 4 GiB (where nothing is), and around the
 * end of the address space.
 */
#define ODD_BAD_SPOT (MiB(26) + 0x800)

static const struct multiboot_range odd_map[] = {
	{ 24, MiB(31), MiB(33) - 0x20000, 1 },
	{ 24, MiB(24), MiB(1), 2 },
	{ 20, MiB(1), MiB(31), 1 },
	{ 24, MiB(3), 0, 1 },
	{ 24, MiB(4096), MiB(1024), 1 },
	{ 20, MiB(64) - 0x20000, 0x20000, 3 },
	{ 24, 0, 0x9fc00, 1 },
	{ 24, MiB(40), MiB(1), 77 },
	{ 20, 0xfffc0000, 0x40000, 2 },
	{ 24, ODD_BAD_SPOT, 0x100, 5 },
	{ 24, 0xfffffffffffff000, 0x2000, 1 },
};

/* Puts the odd map at `to`; returns its length. */
static uint32_t
forge_odd_map(unsigned char *to)
{
	unsigned char *p = to;

	for (unsigned i = 0; i < sizeof(odd_map) / sizeof(odd_map[0]); i++) {
		memset(p, 0xee, odd_map[i].size + 4);
		memcpy(p, &odd_map[i], sizeof(odd_map[i]));
		p += odd_map[i].size + 4;
	}
	return (uint32_t)(p - to);
}

/* 64 MiB, and reserved pages inside, 64 KiB from each other. */
static uint32_t
forge_many_map(unsigned char *to, unsigned nr)
{
	struct multiboot_range range = { 20, 0, 0x9fc00, 1 };
	unsigned char *p = to;

	for (unsigned i = 0; i < nr + 2; i++) {
		memcpy(p, &range, sizeof(range));
		p += sizeof(range);
		range.start = MiB(16) + ((uint64_t)i << 16);
		range.length = 0x1000;
		range.type = 2;
		if (i == nr) {
			range.start = MiB(1);
			range.length = MiB(63) - 0x20000;
			range.type = 1;
		}
	}
	return (uint32_t)(p - to);
}

static void
forge_memory(struct multiboot_info *info, const char *memory)
{
	unsigned char *map = (unsigned char *)(info + 1);

	if (memory == NULL || same(memory, "map")) {
		memcpy(map, true_map, true_map_length);
		info->map_length = true_map_length;
	} else if (same(memory, "odd")) {
		info->map_length = forge_odd_map(map);
	} else if (same(memory, "many")) {
		info->map_length = forge_many_map(map, 70);
	} else if (same(memory, "upper")) {
		info->flags |= MULTIBOOT_HAS_MEMORY;
		info->mem_lower = mem_lower;
		info->mem_upper = mem_upper;
		return;
	} else if (same(memory, "none")) {
		return;
	} else {
		give_up("memory= what?");
	}
	info->flags |= MULTIBOOT_HAS_MAP;
	info->map = (uint32_t)map;
}

static uint32_t
forge_info(void)
{
	const char *where = setting("info");
	const char *line = setting("line");
	struct multiboot_info *info = (void *)0x500;
	char *text;

	if (where != NULL && same(where, "after"))
		info = (void *)((kernel_end + 3) & ~3u);
	else if (where != NULL)
		info = (void *)number(where);
	if ((uint32_t)info < kernel_end &&
	    (uint32_t)info + 0x10000 > kernel_start)
		give_up("info= is inside the kernel");

	/* Fields without their flag are rubbish. */
	for (unsigned i = 0; i < sizeof(*info) / sizeof(uint32_t); i++)
		((uint32_t *)info)[i] = RUBBISH;
	info->flags = 0;
	forge_memory(info, setting("memory"));
	if (line == NULL || !same(line, "none")) {
		text = (char *)(info + 1) + 2048;
		memcpy(text, kernel_line, length(kernel_line) + 1);
		info->flags |= MULTIBOOT_HAS_COMMAND_LINE;
		info->command_line = (uint32_t)text;
	}
	return (uint32_t)info;
}

/* -- from start to end ---------------------------------------------------------------- */

__attribute__((noreturn)) static void
end_without_kernel(const char *how)
{
	if (same(how, "triple"))
		loader_triple_fault();
	if (!same(how, "off"))
		stop((uint8_t)number(how));
	out16(PM_CONTROL, PM_SLEEP_NOW);
	for (;;)
		__asm__ volatile("cli; hlt");
}

void
loader_main(uint32_t magic, const struct multiboot_info *given)
{
	uint32_t entry, info;

	if (magic != MULTIBOOT_MAGIC)
		give_up("I was not started by a Multiboot loader");
	take_over(given);
	if (setting("end") != NULL)
		end_without_kernel(setting("end"));
	if (module.end == 0)
		give_up("no module to load");

	entry = load_kernel();
	info = forge_info();
	say("loader: kernel at ");
	say_hex(kernel_start);
	say(", ends at ");
	say_hex(kernel_end);
	say(", information at ");
	say_hex(info);
	say(", flags ");
	say_hex(((struct multiboot_info *)info)->flags);
	say("\n");
	loader_leave(entry, info,
		     setting("magic") ? number(setting("magic"))
				      : MULTIBOOT_MAGIC);
}
