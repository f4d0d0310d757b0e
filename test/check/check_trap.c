/*
 * Traps that sleep: page faults and system calls of a thread, on every port.
 *
 * Several threads, each with a page of its own, unmap it and touch it again, in
 * the thread's own code and inside of a system call. The handler of their faults waits
 * for a mutex that the others want as well, sleeps, lets the clock interrupt it, and
 * maps the page. Afterwards the thread must find all of its registers as they were
 * (arch/probe.h), and the touch must have happened once.
 *
 * The addresses are those of stacks that nobody has: the last slots, which
 * every port's processor really translates (see check_space.c).
 */
#include <kernel/check.h>
#include <kernel/page.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/space.h>
#include <kernel/trap.h>
#include <kernel/wait.h>
#include <arch/cpu_stack.h>
#include <arch/fpu.h>
#include <arch/probe.h>
#include "check_threads.h"
#include "check_trap.h"

#define RW (MAP_READ | MAP_WRITE)
/* Each mixture of sleep, mutex and call comes once; many are a campaign. */
#define ROUNDS_DEFAULT 16
#define NR_THREADS NR_PROBE_PAGES
/* A round sleeps for 0 to this many ticks. */
#define SLEEP_TICKS_MAX 1
/* Long: only a failure waits for it. */
#define LONG_TICKS 1000

/* The system calls of this check. */
enum {
	CALL_SUM = 17, /* the sum of its arguments, after a sleep */
	CALL_TOUCH,    /* faults inside of the call */
	CALL_DEEP,     /* makes CALL_TOUCH inside of the call */
};

struct probe_page probe_pages[NR_PROBE_PAGES];
static struct mutex repair_mutex;
static unsigned nr_migrations, nr_preempted;

static uintptr_t
last_slot_va(size_t n)
{
	return arch_kstack_base() + (process_limit() - n) * ARCH_KSTACK_SLOT -
	       PAGE_SIZE;
}

struct probe_page *
probe_page_find(uintptr_t address)
{
	for (unsigned i = 0; i < NR_PROBE_PAGES; i++)
		if (address - probe_pages[i].va < PAGE_SIZE)
			return &probe_pages[i];
	return NULL;
}

int
probe_page_map(struct probe_page *probe)
{
	return page_insert(&kernel_space, probe->page, probe->va, RW);
}

void
probe_page_unmap(struct probe_page *probe)
{
	page_remove(&kernel_space, probe->va);
}

/* As the thread itself reads the page, wherever it is mapped. */
static uint32_t *
probe_page_word(struct probe_page *probe)
{
	return page_to_virt(probe->page);
}

bool
probe_pages_make(void)
{
	for (unsigned i = 0; i < NR_PROBE_PAGES; i++) {
		probe_pages[i] = (struct probe_page){
			.va = last_slot_va(i + 1),
			.page = alloc_page(GFP_KERNEL | __GFP_ZERO),
		};
		if (!EXPECT(probe_pages[i].page != NULL))
			return false;
	}
	return true;
}

void
probe_pages_free(void)
{
	for (unsigned i = 0; i < NR_PROBE_PAGES; i++) {
		probe_page_unmap(&probe_pages[i]);
		if (probe_pages[i].page != NULL)
			free_page(probe_pages[i].page);
	}
}

/* -- the handlers ------------------------------------------------------------------- */

/* Spins until the clock has interrupted this thread. */
static void
wait_for_tick(void)
{
	unsigned long start = ticks_now();

	while (ticks_now() == start)
		arch_cpu_relax();
}

/* Everything that code which may sleep can do, and then the repair. */
static int
repair_page(struct page_fault *fault)
{
	struct probe_page *probe = probe_page_find(fault->address);
	struct proc_struct *self = current;
	unsigned cpu = atomic_load_relaxed(&self->cpu), runs = self->runs;
	int error;

	if (!EXPECT(probe != NULL))
		return -E_FAULT;
	EXPECT(fault->no_sleep == NULL && may_sleep() && !in_interrupt());
	EXPECT_EQ(fault->address, probe->va);
	EXPECT_EQ(fault->access & ~(unsigned)PAGE_FAULT_WRITE, 0);
	EXPECT(self->tf == fault->tf && arch_frame_irqs_on(fault->tf));
	EXPECT_EQ(self->nr_traps, probe->nr_expected);
	if (probe->nr_faults % 8 == 0) {
		wait_for_tick();
		if (self->runs != runs)
			(void)atomic_add(&nr_preempted, 1u);
	}
	mutex_lock(&repair_mutex);
	if (probe->sleep_ticks > 0)
		(void)sleep_ticks(probe->sleep_ticks);
	else
		yield();
	error = probe_page_map(probe);
	mutex_unlock(&repair_mutex);
	if (atomic_load_relaxed(&self->cpu) != cpu)
		(void)atomic_add(&nr_migrations, 1u);
	EXPECT(self->tf == fault->tf);
	EXPECT_EQ(self->nr_traps, probe->nr_expected);
	probe->nr_faults++;
	return error;
}

static long
sum_of_args(const struct syscall *call)
{
	long sum = 0;

	for (unsigned i = 0; i < NR_SYSCALL_ARGS; i++)
		sum += call->args[i];
	return sum;
}

static long
handle_call(struct trapframe *tf, const struct syscall *call)
{
	struct syscall inner = *call;
	long result = 0;

	EXPECT(may_sleep() && !in_interrupt() && current->tf == tf);
	switch (call->number) {
	case CALL_SUM:
		(void)sleep_ticks(1);
		return sum_of_args(call);
	case CALL_TOUCH:
		EXPECT(arch_probe_touch((uintptr_t)call->args[0],
					(uintptr_t)call->args[1]));
		return sum_of_args(call);
	case CALL_DEEP:
		inner.number = CALL_TOUCH;
		EXPECT(arch_probe_syscall(&inner, &result));
		return result;
	default:
		return -E_INVAL;
	}
}

/* -- the threads -------------------------------------------------------------------- */

/* One fault, in a depth of `nr_calls` system calls. */
static void
touch_once(struct probe_page *probe, unsigned round)
{
	static const long numbers[] = { 0, CALL_TOUCH, CALL_DEEP };
	unsigned nr_calls = round % ARRAY_SIZE(numbers);
	uint32_t *word = probe_page_word(probe), before = *word;
	unsigned nr_faults = probe->nr_faults;
	struct syscall call = {
		.number = numbers[nr_calls],
		.args = { (long)probe->va, (long)round * 7, 3, -4, 5, -6 },
	};
	long result;

	probe_page_unmap(probe);
	probe->nr_expected = nr_calls + 1;
	probe->sleep_ticks = round / 8 % (SLEEP_TICKS_MAX + 1);
	if (nr_calls == 0) {
		EXPECT(arch_probe_touch(probe->va, round * 0x01010101u));
	} else {
		EXPECT(arch_probe_syscall(&call, &result));
		EXPECT_EQ(result, sum_of_args(&call));
	}
	EXPECT_EQ(*word, before + 1);
	EXPECT_EQ(probe->nr_faults, nr_faults + 1);
	EXPECT_EQ(current->nr_traps, 0);
	EXPECT_EQ(current->irq_depth, 0);
	EXPECT(arch_irqs_on());
}

static int
thread_touch(void *arg)
{
	struct probe_page *probe = arg;
	unsigned long rounds = check_arg("rounds", ROUNDS_DEFAULT);
	struct syscall call = { .number = CALL_SUM,
				.args = { 1, 2, 3, 4, 5, 6 } };
	long result;

	for (unsigned long i = 0; i < rounds; i++) {
		touch_once(probe, (unsigned)i);
		if (i % 16 != 0)
			continue;
		EXPECT(arch_probe_syscall(&call, &result));
		EXPECT_EQ(result, sum_of_args(&call));
	}
	return 0;
}

static unsigned long
count_migrations(void)
{
	unsigned long nr = 0;

	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		nr += atomic_load_relaxed(&run_queues[cpu].nr_migrations_in);
	return nr;
}

void
check_trap_sleep(void)
{
	struct quiet_state before = quiet_state_take();
	unsigned long migrations = count_migrations(), nr_faults = 0;
	page_fault_fn *fault_handler;
	syscall_fn *call_handler;

	if (!probe_pages_make())
		return;
	mutex_init(&repair_mutex);
	nr_migrations = nr_preempted = 0;
	fault_handler = trap_set_page_fault_handler(repair_page);
	call_handler = trap_set_syscall_handler(handle_call);
	for (unsigned i = 0; i < NR_THREADS; i++)
		EXPECT(kernel_thread(thread_touch, &probe_pages[i], 0) > 1);
	while (do_wait(0, NULL) > 0)
		;
	(void)trap_set_page_fault_handler(fault_handler);
	(void)trap_set_syscall_handler(call_handler);
	for (unsigned i = 0; i < NR_THREADS; i++)
		nr_faults += probe_pages[i].nr_faults;
	printk("# trap_sleep: %lu faults; %u were preempted, %u ended on "
	       "another CPU; %lu migrations\n",
	       nr_faults, nr_preempted, nr_migrations,
	       count_migrations() - migrations);
	EXPECT_EQ(nr_faults, check_arg("rounds", ROUNDS_DEFAULT) * NR_THREADS);
	EXPECT(nr_cpus == 1 || nr_migrations > 0);
	probe_pages_free();
	quiet_state_expect(&before);
}

/* -- refusals ----------------------------------------------------------------------- */

/* What the handler was told last. */
static const char *last_no_sleep;
static unsigned nr_refused;

static int
refuse(struct page_fault *fault)
{
	last_no_sleep = fault->no_sleep;
	nr_refused++;
	EXPECT(arch_irqs_on() == arch_frame_irqs_on(fault->tf));
	EXPECT(fault->no_sleep != NULL || may_sleep());
	return -E_FAULT;
}

/* A load from an address that nobody answers for. */
static void
expect_refused(bool may_sleep_there)
{
	unsigned before = nr_refused;
	uint32_t value = 5;
	int error = arch_probe_load(last_slot_va(1), &value);

	EXPECT_EQ(error, -E_FAULT);
	EXPECT_EQ(nr_refused, before + 1);
	EXPECT(may_sleep_there == (last_no_sleep == NULL));
	EXPECT_EQ(current->nr_traps, in_interrupt() ? 1 : 0);
}

/* The same where the thread must not be preempted either, though that is due: the
 * trap's end leaves it to a later place. */
static void
expect_refused_and_not_preempted(void)
{
	struct proc_struct *self = current;
	unsigned runs = self->runs;

	set_need_resched(self);
	expect_refused(false);
	EXPECT(need_resched(self));
	EXPECT_EQ(self->runs, runs);
}

static unsigned timer_ran;

static void
load_in_interrupt(struct timer *timer)
{
	expect_refused(false);
	atomic_store(&timer_ran, 1u);
}

static void
expect_refused_in_interrupt(void)
{
	struct timer timer;

	timer_ran = 0;
	timer_init(&timer, load_in_interrupt);
	timer_arm(&timer, 1);
	while (atomic_load(&timer_ran) == 0)
		arch_cpu_relax();
	(void)timer_cancel(&timer);
}

/* A refused access comes back with the error, in every context, and the handler
 * knows whether it may sleep there. */
void
check_trap_refusals(void)
{
	struct spinlock lock = SPINLOCK_INIT(LOCK_RANK_WORK, "check_trap");
	page_fault_fn *before = trap_set_page_fault_handler(refuse);
	irq_state_t irqs;
	uint32_t value = 0, word = 4711;

	EXPECT_EQ(arch_probe_load((uintptr_t)&word, &value), 0);
	EXPECT_EQ(value, word);
	expect_refused(true);
	local_intr_save(irqs);
	expect_refused_and_not_preempted();
	local_intr_restore(irqs);
	spin_lock(&lock);
	expect_refused_and_not_preempted();
	spin_unlock(&lock);
	irqs = spin_lock_irqsave(&lock);
	expect_refused_and_not_preempted();
	spin_unlock_irqrestore(&lock, irqs);
	preempt_disable();
	expect_refused_and_not_preempted();
	preempt_enable();
	expect_refused_in_interrupt();
	expect_refused(true);
	(void)trap_set_page_fault_handler(NULL);
	EXPECT_EQ(arch_probe_load(last_slot_va(1), &value), -E_FAULT);
	(void)trap_set_page_fault_handler(before);
}

/* -- the return to user mode --------------------------------------------------------- */

/* On the host a thread with an mm stands for a process; on a machine a call that
 * the kernel makes itself never counts as one of user mode. */
static bool was_user;
static unsigned nr_returns;

static long
kill_caller(struct trapframe *tf, const struct syscall *call)
{
	was_user = arch_frame_is_user(tf);
	EXPECT_EQ(do_kill(current->pid), 0);
	return 0;
}

/* What a process has, and what its thread still has when it is killed. */
static struct space user_space;
static struct fpu_state user_fpu;

static int
thread_be_user(void *arg)
{
	struct syscall call = { .number = CALL_SUM };
	long result;

	current->mm = arg;
	space_use(&user_space);
	arch_fpu_init(&user_fpu);
	sched_set_fpu(&user_fpu);
	EXPECT(arch_probe_syscall(&call, &result));
	nr_returns++;
	current->mm = NULL;
	return 0;
}

/* Whoever was killed inside of a system call does not return to user mode, but
 * to the kernel. However it ends, it leaves neither a space nor registers behind: the
 * control block's next life would have them. */
void
check_trap_user(void)
{
	struct quiet_state before = quiet_state_take();
	syscall_fn *handler = trap_set_syscall_handler(kill_caller);
	static char mm;
	int code = 1, pid;

	if (!EXPECT_EQ(space_create(&user_space), 0))
		return;
	nr_returns = 0;
	pid = kernel_thread(thread_be_user, &mm, 0);
	EXPECT_EQ(do_wait(pid, &code), pid);
	EXPECT_EQ(nr_returns, was_user ? 0 : 1);
	EXPECT_EQ(code, was_user ? -E_KILLED : 0);
	EXPECT_EQ(user_space.cpus, 0);
	space_destroy(&user_space);
	printk("# trap_user: the call came from %s mode\n",
	       was_user ? "user" : "kernel");
	(void)trap_set_syscall_handler(handler);
	quiet_state_expect(&before);
}

/* -- restartable ranges ---------------------------------------------------------------- */

/*
 * A pop that faults when it reads its stack, which lies in a page that is not
 * mapped. While the fault is handled, all CPUs get other stacks: a pop that
 * started again finds its object there, and one that did not, in the old one.
 */
static struct cpu_stack *range_stacks[MAX_CPUS];
static struct cpu_stack other_stack;
static void *old_slots[2], *other_slots[2];
static int old_object, other_object;

static int
exchange_stacks(struct page_fault *fault)
{
	struct probe_page *probe = &probe_pages[0];

	EXPECT(fault->no_sleep == NULL);
	(void)sleep_ticks(1);
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
		range_stacks[cpu] = &other_stack;
	return probe_page_map(probe);
}

void
check_trap_restart(void)
{
	struct quiet_state before = quiet_state_take();
	page_fault_fn *handler;
	struct cpu_stack *old;

	if (!probe_pages_make())
		return;
	old_slots[1] = &old_object;
	other_slots[1] = &other_object;
	*(struct cpu_stack *)page_to_virt(probe_pages[0].page) =
		(struct cpu_stack){ .top = &old_slots[1] };
	other_stack = (struct cpu_stack){ .top = &other_slots[1] };
	old = (struct cpu_stack *)probe_pages[0].va;
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
		range_stacks[cpu] = old;
	handler = trap_set_page_fault_handler(exchange_stacks);
	EXPECT(arch_cpu_stack_pop(range_stacks) == &other_object);
	(void)trap_set_page_fault_handler(handler);
	EXPECT(old->top == &old_slots[1]);
	EXPECT(other_stack.top == &other_slots[0]);
	probe_pages_free();
	quiet_state_expect(&before);
}
