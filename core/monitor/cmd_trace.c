/*
 * trace: the same requests to every kmalloc back end.
 */
#include <kernel/error.h>
#include <kernel/kmem_view.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include "commands.h"

struct request {
	unsigned long nr, seed;
};

static void
line_print(const char *line, void *unused)
{
	printk("%s\n", line);
}

static int
trace_main(void *arg)
{
	const struct request *request = arg;

	return kmem_trace((unsigned)request->nr, (unsigned)request->seed,
			  line_print, NULL);
}

/* A word "name=NUMBER" with a number from 1 to max. */
static bool
take_word(const char *word, struct request *request)
{
	if (strncmp(word, "n=", 2) == 0)
		return parse_unsigned(word + 2, &request->nr) == 0 &&
		       request->nr >= 1 && request->nr <= KMEM_TRACE_MAX;
	if (strncmp(word, "seed=", 5) == 0)
		return parse_unsigned(word + 5, &request->seed) == 0 &&
		       request->seed <= UINT32_MAX;
	return false;
}

static int
trace_run(int argc, char *argv[])
{
	struct request request = { .nr = KMEM_TRACE_DEFAULT, .seed = 1 };
	int err, code;

	for (int i = 1; i < argc; i++) {
		if (!take_word(argv[i], &request)) {
			printk("trace: %s: n=1 to n=%d and seed=NUMBER can be "
			       "set\n",
			       argv[i], KMEM_TRACE_MAX);
			return -E_INVAL;
		}
	}
	err = kernel_thread_run(0, "trace", trace_main, &request, &code);
	if (err != 0) {
		printk("trace: no thread to run in: %s\n", error_name(err));
		return err;
	}
	return code;
}

const struct command cmd_trace = {
	.name = "trace",
	.usage = "trace [n=REQUESTS] [seed=NUMBER]",
	.help = "the same requests to every kmalloc back end, side by side",
	.run = trace_run,
};
