/*
 * Start-up of the port: from boot.S to kernel_main().
 *
 * boot.S has turned paging on and called x86_start() on the boot stack. The
 * order here follows from what can go wrong: first the tables that make an
 * exception arrive somewhere, and the interrupts that the firmware left on
 * silenced; then a console to tell it on, then final page permissions, and
 * only then what a loader wrote, which may be anything.
 */
#include <kernel/printk.h>
#include <kernel/string.h>
#include <kernel/types.h>
#include <arch/boot.h>
#include "32/desc.h"
#include "multiboot.h"
#include "x86.h"

static struct boot_info boot;
static struct multiboot_result result;

static void
say(const char *text)
{
	arch_console_write(text, strlen(text));
}

static void __noreturn
refuse(const char *reason)
{
	say("boot: ");
	say(reason);
	say("\n");
	arch_halt(BOOT_EXIT_CODE);
}

void
x86_start(uint32_t multiboot_info)
{
	struct multiboot_image image = {
		.start = arch_virt_to_phys(image_start).addr,
		.end = arch_virt_to_phys(image_end).addr,
		.direct_map_end = DIRECT_MAP_MIB * 1024u * 1024u,
	};

	desc_init();
	fpu_setup();
	pic_init();
	console_init_serial();
	mmu_init_early();
	multiboot_parse(multiboot_info, mmu_peek, &image, &boot, &result);
	if (result.text_screen)
		console_init_screen();
	if (result.error)
		refuse(result.error);
	if (result.warning) {
		say("boot: ");
		say(result.warning);
		say("\n");
	}
	mmu_cut_direct_map(result.ram_end);
	boot.nr_cpus = 1;
	boot.nr_nodes = 1;
	boot.node_distance[0][0] = 10;
	kernel_main(&boot);
}

/* One CPU so far: there is nobody to start and nobody to kick. */
void
arch_cpus_start(void)
{
}

void
arch_cpu_kick(unsigned cpu)
{
	(void)cpu;
}
