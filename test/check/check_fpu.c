/*
 * Floating-point and vector registers: each thread that uses them has its own.
 *
 * Threads fill them with values that nobody else has and give up the CPU in one of
 * three ways: by a call, by a page fault whose handler does, or by spinning until the
 * clock takes it away. Two of them share CPU 0, so that they meet in the same
 * registers; two more go wherever they are sent. On CPU 0 there is also a thread
 * that uses no such registers and does the same.
 */
#include <kernel/check.h>
#include <kernel/printk.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/trap.h>
#include <arch/fpu.h>
#include <arch/probe.h>
#include "check_threads.h"
#include "check_trap.h"

#define NR_USERS 4
#define NR_BOUND 2 /* of these, to CPU 0 */
#define NR_CALLS 600
#define NR_TOUCHES 600
/* Then it spins until the clock has taken the CPU from it as often as this. */
#define NR_PREEMPTIONS 4
#define SPIN_ROUNDS 500000
/* Long: only a failure waits for it. */
#define LONG_TICKS 1000

struct user {
	struct fpu_state state;
	unsigned number;
	unsigned nr_kept; /* times that its registers were as they should be */
	unsigned runs;	  /* times that it was scheduled in */
};

static struct user users[NR_USERS];
static unsigned stop_other;

static int
yield_and_map(struct page_fault *fault)
{
	struct probe_page *probe = probe_page_find(fault->address);

	yield();
	return probe_page_map(probe);
}

static unsigned
seed_of(const struct user *user, unsigned i)
{
	return i * NR_USERS + user->number;
}

/* Gives up the CPU itself, by a call and by a page fault. */
static void
use_and_give_up(struct user *user, struct probe_page *probe)
{
	for (unsigned i = 0; i < NR_CALLS; i++)
		user->nr_kept +=
			arch_probe_fpu_call(schedule, seed_of(user, i));
	for (unsigned i = 0; i < NR_TOUCHES; i++) {
		probe_page_unmap(probe);
		user->nr_kept +=
			arch_probe_fpu_touch(probe->va, seed_of(user, i), 1);
	}
}

/* The page is mapped: whenever this thread is scheduled in again, it has been
 * preempted. Others always want CPU 0; under fifo they would wait. */
static void
use_until_preempted(struct user *user, struct probe_page *probe)
{
	unsigned runs = current->runs, i = 0;
	unsigned long start = ticks_now();

	while (current->runs - runs < NR_PREEMPTIONS &&
	       ticks_now() - start < LONG_TICKS) {
		EXPECT(arch_probe_fpu_touch(probe->va, seed_of(user, i++),
					    SPIN_ROUNDS));
		arch_cpu_relax(); /* a port may have to look for interrupts */
	}
	EXPECT(current->runs - runs >= NR_PREEMPTIONS);
}

static int
thread_use_fpu(void *arg)
{
	struct user *user = arg;
	struct probe_page *probe = &probe_pages[user->number];
	unsigned runs = current->runs;

	arch_fpu_init(&user->state);
	sched_set_fpu(&user->state);
	use_and_give_up(user, probe);
	if (user->number < NR_BOUND && strcmp(sched_class_name(), "rr") == 0)
		use_until_preempted(user, probe);
	sched_set_fpu(NULL);
	user->runs = current->runs - runs;
	return 0;
}

static int
thread_use_none(void *arg)
{
	struct probe_page *probe = &probe_pages[NR_USERS];
	uintptr_t seed = 0x5eed;

	while (atomic_load(&stop_other) == 0) {
		EXPECT(current->fpu == NULL);
		probe_page_unmap(probe);
		EXPECT(arch_probe_touch(probe->va, seed++));
		yield();
	}
	return 0;
}

/* What arch_fpu_init makes is what a program finds: nothing in the vectors and
 * the control words of the convention, which arch_probe_fpu_call restores. */
static void
expect_start_state(void)
{
	static struct fpu_state made, found;
	irq_state_t irqs;

	arch_fpu_init(&made);
	memset(&found, 0, sizeof(found));
	local_intr_save(irqs);
	arch_fpu_load(&made);
	arch_fpu_save(&found);
	arch_fpu_load(&made);
	arch_fpu_save(&made);
	local_intr_restore(irqs);
	EXPECT_EQ(memcmp(&made, &found, sizeof(made)), 0);
}

/* A state that is given back has the control words as they were, so no CPU keeps those
 * that only this thread wanted. They are what a new state has that is not zero. The
 * other registers are anybody's between two calls: a sanitizer's, for one. */
static void
expect_given_back(void)
{
	static struct fpu_state made, given;
	const unsigned char *wanted = (const unsigned char *)&made;
	const unsigned char *found = (const unsigned char *)&given;
	unsigned nr_wanted = 0;

	arch_fpu_init(&made);
	arch_fpu_init(&given);
	sched_set_fpu(&given);
	memset(&given, 0, sizeof(given));
	sched_set_fpu(NULL);
	for (size_t i = 0; i < sizeof(made); i++) {
		if (wanted[i] == 0)
			continue;
		nr_wanted++;
		EXPECT_EQ(found[i], wanted[i]);
	}
	EXPECT(nr_wanted > 0);
}

static void
expect_users(void)
{
	unsigned nr_kept = 0;

	for (unsigned i = 0; i < NR_USERS; i++) {
		EXPECT_EQ(users[i].nr_kept, NR_CALLS + NR_TOUCHES);
		nr_kept += users[i].nr_kept;
	}
	for (unsigned i = 0; i < NR_BOUND; i++)
		EXPECT(users[i].runs >= 1000);
	printk("# fpu: %u times all registers were kept; %u and %u switches on "
	       "CPU 0\n",
	       nr_kept, users[0].runs, users[1].runs);
}

void
check_fpu(void)
{
	struct quiet_state before = quiet_state_take();
	page_fault_fn *handler;
	int other;

	if (!probe_pages_make())
		return;
	expect_start_state();
	expect_given_back();
	stop_other = 0;
	handler = trap_set_page_fault_handler(yield_and_map);
	other = kernel_thread_on(0, "no fpu", thread_use_none, NULL);
	EXPECT(other > 1);
	for (unsigned i = 0; i < NR_USERS; i++) {
		users[i] = (struct user){ .number = i };
		EXPECT(kernel_thread_on(i < NR_BOUND ? 0 : CPU_ANY, "fpu",
					thread_use_fpu, &users[i]) > 1);
	}
	for (unsigned i = 0; i < NR_USERS; i++)
		EXPECT(do_wait(0, NULL) > 0);
	atomic_store(&stop_other, 1u);
	EXPECT_EQ(do_wait(other, NULL), other);
	(void)trap_set_page_fault_handler(handler);
	expect_users();
	probe_pages_free();
	quiet_state_expect(&before);
}
