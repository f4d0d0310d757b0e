/*
 * colours: where objects of different slabs fall in a processor's cache.
 */
#include <kernel/error.h>
#include <kernel/kmem_view.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include "commands.h"

struct request {
	const char *name; /* of a cache, or NULL */
	unsigned long object_size;
	unsigned long way_size;
};

static void
line_print(const char *line, void *unused)
{
	printk("%s\n", line);
}

/* Measures, so it is bound to one CPU. */
static int
compare_main(void *arg)
{
	const struct request *request = arg;

	return kmem_compare_colours(request->object_size, request->way_size,
				    line_print, NULL);
}

static int
compare(struct request *request)
{
	int code, err = kernel_thread_run(0, "colours", compare_main, request,
					  &code);

	if (err != 0) {
		printk("colours: no thread to measure in: %s\n",
		       error_name(err));
		return err;
	}
	return code;
}

static int
colours_run(int argc, char *argv[])
{
	struct request request = { .way_size = KMEM_WAY_DEFAULT };

	if (argc < 2 || argc > 3)
		return command_usage(&cmd_colours);
	if (argc == 3 && (parse_size(argv[2], &request.way_size) != 0 ||
			  !IS_POWER_OF_2(request.way_size) ||
			  request.way_size < KMEM_WAY_MIN ||
			  request.way_size > KMEM_WAY_MAX)) {
		printk("colours: %s: ways are a power of two from %d to %d "
		       "bytes\n",
		       argv[2], KMEM_WAY_MIN, KMEM_WAY_MAX);
		return -E_INVAL;
	}
	if (parse_size(argv[1], &request.object_size) == 0)
		return compare(&request);
	return kmem_show_colours(argv[1], request.way_size, line_print, NULL);
}

const struct command cmd_colours = {
	.name = "colours",
	.usage = "colours NAME|SIZE [WAY]",
	.help = "where a cache's slabs fall in a CPU's cache; SIZE: walks, timed",
	.run = colours_run,
};
