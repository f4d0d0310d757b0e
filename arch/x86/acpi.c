/*
 * ACPI, as little as it takes to power off and to reset.
 *
 * The firmware left a chain of tables in memory: RSDP (found by its signature
 * in the EBDA or the BIOS area) -> RSDT -> FADT -> DSDT. The FADT names the
 * ports; what to write there to power off is a constant in the package
 * \_S5 of the DSDT, which is byte code. A search for its name and a look at the
 * bytes behind it replaces an interpreter.
 *
 * Nothing is read at boot. When the end comes the tables are looked at
 * where they are, through mmu_peek(), and believed only if lengths and sums are
 * right; each step that does not fit ends the attempt, and the caller does
 * something else. All numbers are little-endian, at any alignment.
 */
#include <kernel/string.h>
#include "x86.h"

#define BIOS_AREA 0xe0000u
#define BIOS_AREA_END 0x100000u
#define EBDA_POINTER 0x40eu
#define EBDA_SEARCH 1024u
#define RSDP_ALIGN 16u
#define RSDP_SIZE 20u
#define RSDP_RSDT 16u
#define HEADER_SIZE 36u
#define HEADER_LENGTH 4u
#define TABLE_MAX (MMU_WINDOW_SIZE - 4096u)

/* Offsets in the FADT. */
enum fadt_offset {
	FADT_DSDT = 40,
	FADT_SMI_COMMAND = 48,
	FADT_ACPI_ENABLE = 52,
	FADT_PM1A_CONTROL = 64,
	FADT_PM1B_CONTROL = 68,
	FADT_FLAGS = 112,
	FADT_RESET_REGISTER = 116,
	FADT_RESET_VALUE = 128,
	FADT_RESET_END = 129,
};

#define FADT_FLAG_RESET (1u << 10)
#define REGISTER_ADDRESS 4u /* in a generic address structure */
#define SPACE_MEMORY 0
#define SPACE_IO 1

#define PM1_SCI_ENABLED 0x1u
#define PM1_SLEEP_TYPE_SHIFT 10
#define PM1_SLEEP_ENABLE (1u << 13)
#define ENABLE_PATIENCE 100000
#define OFF_PATIENCE 100000

/* Byte code. */
#define AML_PACKAGE 0x12
#define AML_BYTE 0x0a
#define AML_WORD 0x0b

static uint32_t
read32(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static bool
sum_is_zero(const uint8_t *p, size_t size)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += p[i];
	return sum == 0;
}

/* Physical address of the RSDT by an RSDP in [start, end), or 0. */
static uint32_t
find_rsdt_in(uint32_t start, uint32_t end)
{
	for (uint32_t pa = start; pa + RSDP_SIZE <= end; pa += RSDP_ALIGN) {
		const uint8_t *p = mmu_peek(pa, RSDP_SIZE);

		if (p && memcmp(p, "RSD PTR ", 8) == 0 &&
		    sum_is_zero(p, RSDP_SIZE))
			return read32(p + RSDP_RSDT);
	}
	return 0;
}

static uint32_t
find_rsdt(void)
{
	const uint8_t *pointer = mmu_peek(EBDA_POINTER, 2);
	uint32_t ebda = (pointer[0] | (uint32_t)pointer[1] << 8) << 4;
	uint32_t rsdt = 0;

	if (ebda >= 0x80000 && ebda < 0xa0000)
		rsdt = find_rsdt_in(ebda, ebda + EBDA_SEARCH);
	return rsdt ? rsdt : find_rsdt_in(BIOS_AREA, BIOS_AREA_END);
}

/* A whole table, checked; NULL if it is not one. The next call may take it
 * away again. */
static const uint8_t *
table_at(uint32_t pa, const char *signature, uint32_t *length)
{
	const uint8_t *table = mmu_peek(pa, HEADER_SIZE);

	if (pa == 0 || !table || memcmp(table, signature, 4) != 0)
		return NULL;
	*length = read32(table + HEADER_LENGTH);
	if (*length < HEADER_SIZE || *length > TABLE_MAX)
		return NULL;
	table = mmu_peek(pa, *length);
	return table && sum_is_zero(table, *length) ? table : NULL;
}

/* Copies the FADT, as much of it as we know about; what it lacks is zero. */
static bool
read_fadt(uint8_t fadt[FADT_RESET_END])
{
	uint32_t rsdt_pa = find_rsdt();
	uint32_t rsdt_length, length;

	if (!table_at(rsdt_pa, "RSDT", &rsdt_length))
		return false;
	for (uint32_t at = HEADER_SIZE; at + 4 <= rsdt_length; at += 4) {
		const uint8_t *entry = mmu_peek(rsdt_pa + at, 4);
		const uint8_t *table = table_at(read32(entry), "FACP", &length);

		if (!table)
			continue;
		memset(fadt, 0, FADT_RESET_END);
		memcpy(fadt, table, MIN(length, (uint32_t)FADT_RESET_END));
		return true;
	}
	return false;
}

/* One small number of byte code at *p, which moves on; false: not one. */
static bool
aml_number(const uint8_t **p, const uint8_t *end, uint32_t *value)
{
	uint32_t skip = 1;

	if (end - *p < 3)
		return false;
	if (**p <= 1) { /* the operators Zero and One */
		*value = **p;
	} else if (**p == AML_BYTE || **p == AML_WORD) {
		*value = (*p)[1];
		skip = **p == AML_BYTE ? 2 : 3;
	} else {
		return false;
	}
	*p += skip;
	return true;
}

/* Sleep types for PM1a and PM1b out of Name(_S5_, Package() { a, b, ... }). */
static bool
find_s5(uint32_t dsdt_pa, uint32_t types[2])
{
	uint32_t length;
	const uint8_t *p = table_at(dsdt_pa, "DSDT", &length);
	const uint8_t *end;

	if (!p)
		return false;
	end = p + length;
	for (p += HEADER_SIZE; end - p >= 8; p++) {
		const uint8_t *q = p + 4;

		if (memcmp(p, "_S5_", 4) != 0 || *q++ != AML_PACKAGE)
			continue;
		q += (*q >> 6) + 1; /* the package's length: 1 to 4 bytes */
		q++;		    /* number of elements */
		if (q < end && aml_number(&q, end, &types[0]) &&
		    aml_number(&q, end, &types[1]))
			return true;
	}
	return false;
}

/* The registers are the firmware's until it is asked for them. */
static void
take_over(const uint8_t *fadt)
{
	uint16_t control = read32(fadt + FADT_PM1A_CONTROL);
	uint16_t smi_command = read32(fadt + FADT_SMI_COMMAND);

	if ((inw(control) & PM1_SCI_ENABLED) || smi_command == 0 ||
	    fadt[FADT_ACPI_ENABLE] == 0)
		return;
	outb(smi_command, fadt[FADT_ACPI_ENABLE]);
	for (int i = 0; i < ENABLE_PATIENCE; i++)
		if (inw(control) & PM1_SCI_ENABLED)
			return;
}

static void
enter_sleep(uint16_t control, uint32_t type)
{
	uint16_t value = inw(control);

	value &= ~(7u << PM1_SLEEP_TYPE_SHIFT);
	value |= (type & 7) << PM1_SLEEP_TYPE_SHIFT;
	outw(control, value | PM1_SLEEP_ENABLE);
}

void
acpi_power_off(void)
{
	uint8_t fadt[FADT_RESET_END];
	uint32_t types[2];
	uint16_t pm1a, pm1b;

	if (!read_fadt(fadt) || !find_s5(read32(fadt + FADT_DSDT), types))
		return;
	pm1a = read32(fadt + FADT_PM1A_CONTROL);
	pm1b = read32(fadt + FADT_PM1B_CONTROL);
	if (pm1a == 0)
		return;
	take_over(fadt);
	enter_sleep(pm1a, types[0]);
	if (pm1b != 0)
		enter_sleep(pm1b, types[1]);
	/* It takes real machines a moment. */
	for (int i = 0; i < OFF_PATIENCE; i++)
		io_delay();
}

void
acpi_reset(void)
{
	uint8_t fadt[FADT_RESET_END];
	const uint8_t *reg = fadt + FADT_RESET_REGISTER;

	if (!read_fadt(fadt) || !(read32(fadt + FADT_FLAGS) & FADT_FLAG_RESET))
		return;
	if (reg[0] == SPACE_IO)
		outb(read32(reg + REGISTER_ADDRESS), fadt[FADT_RESET_VALUE]);
	for (int i = 0; i < OFF_PATIENCE; i++)
		io_delay();
}
