/*
 * Failpoints: places that can be made to fail, with one set of attributes for all of
 * them. When a thread arms it for itself, interrupts that come in between are not
 * counted, as they belong to somebody else.
 */
#include <kernel/error.h>
#include <kernel/failpoint.h>
#include <kernel/inject.h>
#include <kernel/option.h>
#include <kernel/printk.h>
#include <kernel/thread.h>

struct inject_attr failpoint_attr = { .name = "failpoint" };

void
failpoint_arm(unsigned n)
{
	struct inject_settings settings = INJECT_SETTINGS_DEFAULT;

	settings.nth = n;
	settings.times = 1;
	settings.seed = 1;
	settings.pid = current->pid;
	if (n > 0)
		inject_arm(&failpoint_attr, &settings);
	else
		inject_disarm(&failpoint_attr);
}

bool
failpoint_disarm(void)
{
	inject_disarm(&failpoint_attr);
	return atomic_load(&failpoint_attr.nr_failed) > 0;
}

bool
failpoint(void)
{
	return inject_should_fail(&failpoint_attr, 1,
				  (uintptr_t)__builtin_return_address(0));
}

/* -- by text ---------------------------------------------------------------------- */

int
failpoint_write(const char *text)
{
	struct inject_settings settings;

	if (inject_text_is_off(text)) {
		inject_disarm(&failpoint_attr);
		return 0;
	}
	if (!KERNEL_DEBUG) {
		printk("failpoint: in debug builds only; failslab is in this "
		       "one\n");
		return -E_INVAL;
	}
	if (inject_parse("failpoint", text, &settings, NULL, NULL) != 0)
		return -E_INVAL;
	inject_sites_clear(&failpoint_attr);
	inject_arm(&failpoint_attr, &settings);
	return 0;
}

static const char *
failpoint_get(void)
{
	static char text[160];

	return inject_text(&failpoint_attr, text, sizeof(text));
}

const struct boot_option failpoint_option = {
	.name = "failpoint",
	.help = "debug builds: allocations of any kind fail on purpose",
	.values = "off, nth=N,interval=N,probability=N,times=N,...",
	.set = failpoint_write,
	.get = failpoint_get,
};
