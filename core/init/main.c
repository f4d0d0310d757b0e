/*
 * Start-up, as one visible list of calls, and init, the first thread.
 *
 * The port enters kernel_main() on the boot CPU with interrupts off and the
 * direct map in place. What each line makes possible is what the next ones
 * need; nothing is set up twice, and nothing before its turn. Self-checks run where
 * their subject has just become ready (`check=`).
 *
 * The boot CPU's flow of control then becomes its idle thread. Everything else
 * that happens is done by init and its descendants: init says hello, starts
 * the first job (checks of threads, then `run=` or the console), and from then
 * on reaps orphans. When its last child is gone there is nothing left
 * to do, and the kernel powers off: with 0, or with 1 if something that was asked
 * for did not happen: a check or a command of the `run=` script failed, or
 * a setting was refused. `poweroff` without a code ends with the same.
 */
#include <kernel/check.h>
#include <kernel/init.h>
#include <kernel/kmalloc.h>
#include <kernel/monitor.h>
#include <kernel/option.h>
#include <kernel/page.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/reaper.h>
#include <kernel/restart.h>
#include <kernel/string.h>
#include <kernel/tlb.h>
#include <kernel/work.h>
#include <arch/boot.h>
#include <arch/device.h>

uint64_t boot_started_at, init_started_at;

static char script[MONITOR_SCRIPT_MAX];

static int
run_set(const char *value)
{
	if (strlen(value) >= sizeof(script))
		return -E_NO_SPACE;
	(void)strlcpy(script, value, sizeof(script));
	return 0;
}

static const char *
run_get(void)
{
	return script;
}

const struct boot_option run_option = {
	.name = "run",
	.help = "commands for the monitor to run instead of reading the console",
	.values = "\"command; command; ...\" of up to 1023 characters",
	.set = run_set,
	.get = run_get,
};

BUILD_ASSERT(MONITOR_SCRIPT_MAX == 1024); /* as the text says */

/* The first job, a child of init: the checks of threads, then the script or
 * the console. Its exit code says how the script went. */
static int
first_job(void *arg)
{
	checks_run_stage(CHECK_THREADS);
	if (script[0] == '\0')
		return monitor_main(arg);
	return monitor_run(script) == 0 ? 0 : INIT_FAILED;
}

static int
init_main(void *arg)
{
	int job, pid, code, exit_code = 0;

	init_started_at = arch_cycles();
	printk("this initproc, pid = %d, name = \"%s\"\n", current->pid,
	       current->name);
	printk("To U: \"%s\".\n", (const char *)arg);
	printk("To U: \"en.., Bye, Bye. :)\"\n");

	job = kernel_thread_on(CPU_ANY, script[0] != '\0' ? "run" : "monitor",
			       first_job, NULL);
	if (job < 0)
		panic("init: no thread for the first job: %s", error_name(job));
	while ((pid = do_wait(0, &code)) > 0) {
		if (pid == job) {
			exit_code = code;
			job = 0; /* the pid may come again */
		}
	}
	if (exit_code == 0)
		exit_code = init_exit_code();
	printk("init: the last job is done, powering off\n");
	arch_halt(exit_code);
}

void
kernel_main(const struct boot_info *boot)
{
	boot_started_at = arch_cycles();
	printk("Ashlar (%s), %u CPU%s\n", boot->loader, boot->nr_cpus,
	       boot->nr_cpus == 1 ? "" : "s");
	if (options_apply(boot_options, boot->command_line) > 0)
		init_note_failure();
	sched_init(boot->nr_cpus);
	restart_init();

	page_init(boot);
	if (process_limit_check(boot->nr_cpus) != 0)
		init_note_failure();
	checks_run_stage(CHECK_PAGE);
	if (arch_mmu_init(&kernel_space.arch, process_limit()) != 0)
		panic("kernel_main: no memory for the kernel's page tables");
	checks_run_stage(CHECK_SPACE);
	kmem_init();
	checks_run_stage(CHECK_KMEM);

	arch_devices_init();
	proc_init(init_main);
	work_start();
	kmem_debug_say_unknown();
	arch_clock_init();
	reaper_start();
	printk("++ setup timer interrupts\n");
	arch_cpus_start();
	sched_cpu_online();
	arch_irq_enable();
	cpu_idle();
}

void
cpu_main(unsigned cpu)
{
	assert(arch_cpu_id() == cpu && current == &idle_threads[cpu]);
	arch_clock_init();
	reaper_start();
	sched_cpu_online();
	arch_irq_enable();
	cpu_idle();
}
