/*
 * RAM: a file that exists only in memory, mapped once in full.
 *
 * Physical address 0 is the file's first byte. The file is what lets a page
 * appear at a second address: a stack in its slot (mmu.c). Pages that nobody
 * touched take no memory of the host, so a machine may have more RAM than the
 * host has. All of it is zero at the start.
 *
 * With several nodes each has an equal part, and CPUs are dealt out in
 * order: half of them to the first of two.
 */
#include "host.h"
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

int host_ram_fd = -1;
size_t host_ram_bytes;

#define DISTANCE_LOCAL 10
#define DISTANCE_REMOTE 20

int
host_ram_init(size_t bytes)
{
	void *ram;

	if (host_ram_fd >= 0) {
		munmap((void *)HOST_RAM_BASE, host_ram_bytes);
		close(host_ram_fd);
	}
	host_ram_bytes = bytes;
	host_ram_fd = memfd_create("ashlar-ram", MFD_CLOEXEC);
	if (host_ram_fd < 0 || ftruncate(host_ram_fd, (off_t)bytes) != 0)
		return errno;
	ram = mmap((void *)HOST_RAM_BASE, bytes, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
		   host_ram_fd, 0);
	if (ram == MAP_FAILED)
		return errno;
	return ram == (void *)HOST_RAM_BASE ? 0 : EEXIST;
}

static void
add_range(struct boot_info *boot, struct boot_range range)
{
	boot->ranges[boot->nr_ranges++] = range;
}

void
host_boot_info(struct boot_info *boot, const char *command_line)
{
	unsigned nr_nodes = host_machine.nr_nodes;
	uint64_t part = ALIGN_DOWN(host_ram_bytes / nr_nodes, PAGE_SIZE);

	*boot = (struct boot_info){
		.command_line = command_line,
		.loader = "Linux process",
		.nr_cpus = host_machine.nr_cpus,
		.nr_nodes = nr_nodes,
	};
	for (unsigned node = 0; node < nr_nodes; node++) {
		bool last = node == nr_nodes - 1;

		add_range(boot, (struct boot_range){
					.start = node * part,
					.end = last ? host_ram_bytes
						    : (node + 1) * part,
					.kind = BOOT_RAM,
					.node = node,
					.what = "usable",
				});
		for (unsigned to = 0; to < nr_nodes; to++)
			boot->node_distance[node][to] =
				node == to ? DISTANCE_LOCAL : DISTANCE_REMOTE;
	}
	/* So that physical address 0 means "none" everywhere. */
	add_range(boot, (struct boot_range){
				.start = 0,
				.end = PAGE_SIZE,
				.kind = BOOT_RESERVED,
				.what = "first page",
			});
	for (unsigned cpu = 0; cpu < boot->nr_cpus; cpu++)
		boot->node_of_cpu[cpu] =
			(unsigned char)(cpu * nr_nodes / boot->nr_cpus);
}
