/*
 * The birth of a process: do_fork and kernel_thread.
 *
 * A new process is built in private, in the order below; the first step that
 * fails undoes the ones before it, in reverse, and nobody has seen anything. Only when
 * it is complete is it published (pid, lists, count: one step), and only then
 * started. After sched_start it may already have run and ended: nothing of it is
 * touched any more, the pid was copied before.
 *
 *	limit -> alloc_proc -> stack -> mm -> frame and context -> publish -> start
 *	          free_proc (with stack and context) <- mm
 *
 * How a thread starts: the port puts a trap frame at the top of its stack and
 * points its context at forkret (arch_kernel_thread_forge; arch_thread_forge for a
 * frame that do_fork was given). The first
 * switch_to "returns" into forkret, which ends the switch and leaves through
 * the frame as if from a trap; the frame leads to fn(arg), and fn's result to
 * do_exit.
 */
#include <kernel/string.h>
#include "internal.h"

/* Idle stacks are asked for so often for one birth. */
#define MAP_ROUNDS_MAX 1000

struct fork_args {
	unsigned clone_flags;
	unsigned bound_cpu;
	const char *name; /* NULL: the parent's */
	/* Either what a kernel thread runs, */
	thread_fn *fn;
	void *arg;
	/* or, with fn NULL, the frame to return to and the stack there. */
	const struct trapframe *tf;
	uintptr_t stack;
};

/*
 * A stack for a control block that came without one. Idle ones, on any CPU, may
 * hold all slots or much of the memory. Those that are asked for may go to
 * others' births, and other deaths leave new ones behind: so again, as long as
 * there were any, or a slot should be free. Each time somebody else got on. The
 * bound is for the day when someone loses a stack.
 */
static __noinline int
map_kstack(struct proc_struct *proc)
{
	int ret = -E_NO_MEM;

	for (unsigned i = 0; i < MAP_ROUNDS_MAX; i++) {
		bool may_help = proc_nr_kept() > 0;

		ret = kstack_alloc(&proc->kstack);
		if (ret == -E_NO_FREE_PROC)
			may_help = !proc_limit_reached();
		if (ret == 0 || !may_help)
			break;
		(void)proc_release_kept();
		yield();
	}
	return ret;
}

static inline int
setup_kstack(struct proc_struct *proc)
{
	return likely(proc->kstack != 0) ? 0 : map_kstack(proc);
}

/* Kernel threads own no user space, and share nothing. Where a parent has
 * one, CLONE_VM will share it, and anything else copy it. */
static int
copy_mm(struct proc_struct *proc, unsigned clone_flags)
{
	debug_assert(current->mm == NULL);
	return 0;
}

static __always_inline void
copy_thread(struct proc_struct *proc, const struct fork_args *args)
{
	void *kstack = (void *)proc->kstack;

	proc->tf = args->fn != NULL
			   ? arch_kernel_thread_forge(&proc->context, kstack,
						      args->fn, args->arg)
			   : arch_thread_forge(&proc->context, kstack,
					       args->stack, args->tf);
}

/* Takes over what a child has from its parent and from the caller. */
static __always_inline void
inherit(struct proc_struct *proc, const struct fork_args *args)
{
	const struct proc_struct *parent = current;

	if (args->name == NULL)
		__builtin_memcpy(proc->name, parent->name, sizeof(proc->name));
	else
		set_proc_name(proc, args->name);
	proc->bound_cpu = args->bound_cpu;
	proc->cpu = args->bound_cpu != CPU_ANY
			    ? args->bound_cpu
			    : atomic_load_relaxed(&parent->cpu);
}

static __always_inline int
fork_process(const struct fork_args *args)
{
	struct proc_struct *proc;
	int ret;

	ret = -E_NO_FREE_PROC;
	if (proc_limit_reached())
		goto out;
	ret = -E_NO_MEM;
	proc = alloc_proc();
	if (proc == NULL)
		goto out;
	inherit(proc, args);
	ret = setup_kstack(proc);
	if (ret != 0)
		goto out_free_proc;
	ret = copy_mm(proc, args->clone_flags);
	if (ret != 0)
		goto out_free_proc;
	copy_thread(proc, args);
	ret = proc_publish(proc);
	if (likely(ret > 0))
		return ret;

out_free_proc:
	free_proc(proc);
out:
	return ret;
}

/* For all but the usual case, which is worth a copy of its own. */
static __noinline int
fork_any(const struct fork_args *args)
{
	return fork_process(args);
}

int
do_fork(unsigned clone_flags, uintptr_t stack, const struct trapframe *tf)
{
	const struct fork_args args = {
		.clone_flags = clone_flags,
		.stack = stack,
		.tf = tf,
		.bound_cpu = CPU_ANY,
	};

	return fork_any(&args);
}

int
kernel_thread(thread_fn *fn, void *arg, unsigned clone_flags)
{
	const struct fork_args args = {
		.clone_flags = clone_flags | CLONE_VM,
		.bound_cpu = CPU_ANY,
		.fn = fn,
		.arg = arg,
	};

	return fork_process(&args);
}

int
kernel_thread_on(unsigned cpu, const char *name, thread_fn *fn, void *arg)
{
	const struct fork_args args = {
		.clone_flags = CLONE_VM,
		.bound_cpu = cpu,
		.name = name,
		.fn = fn,
		.arg = arg,
	};

	if (cpu != CPU_ANY && cpu >= nr_cpus)
		return -E_INVAL;
	return fork_any(&args);
}
