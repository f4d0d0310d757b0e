/*
 * The thread rows, played by what Linux and glibc offer.
 *
 *	switch.yield.2	swapcontext between two contexts (user space; it saves
 *			the signal mask with a system call, every time)
 *	switch.wakeup	two pthreads on one CPU that wake each other by futex
 *	thread.create_exit_wait
 *			pthread_create and pthread_join, alone and while
 *			4,000 other pthreads sleep
 */
#include "peer.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define TURNS 1000
#define SWITCHES_PER_TURN 2
#define THREADS 100
#define MANY_THREADS 4000
#define STACK_BYTES (64 * 1024)

/* All of this runs on one CPU, as the kernel's side does. */
static void
bind_to_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* -- swapcontext ---------------------------------------------------------------- */

static ucontext_t here, there;

static void
swap_partner(void)
{
	for (;;)
		swapcontext(&there, &here);
}

static void
swap_contexts(void)
{
	static char stack[STACK_BYTES];
	struct peer_row row;

	peer_row_init(&row, TURNS * SWITCHES_PER_TURN, "switch.yield.2");
	getcontext(&there);
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = sizeof(stack);
	makecontext(&there, swap_partner, 0);
	while (peer_wants_more(&row)) {
		uint64_t start = peer_now();

		for (unsigned i = 0; i < TURNS; i++)
			swapcontext(&here, &there);
		peer_add(&row, start);
	}
	peer_print(&row);
}

/* -- futex ------------------------------------------------------------------------ */

/* Each side waits for its own word to become 1, and takes it back to 0. */
static unsigned to_main, to_partner;
static unsigned stop;

static void
futex_post(unsigned *word)
{
	__atomic_store_n(word, 1u, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void
futex_take(unsigned *word)
{
	while (__atomic_exchange_n(word, 0u, __ATOMIC_SEQ_CST) == 0)
		syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void *
futex_partner(void *arg)
{
	(void)arg;
	for (;;) {
		futex_take(&to_partner);
		if (__atomic_load_n(&stop, __ATOMIC_SEQ_CST))
			return NULL;
		futex_post(&to_main);
	}
}

static void
futex_ping_pong(void)
{
	struct peer_row row;
	pthread_t partner;
	int err = pthread_create(&partner, NULL, futex_partner, NULL);

	if (err != 0)
		die("pthread_create", err);
	peer_row_init(&row, TURNS * SWITCHES_PER_TURN, "switch.wakeup");
	while (peer_wants_more(&row)) {
		uint64_t start = peer_now();

		for (unsigned i = 0; i < TURNS; i++) {
			futex_post(&to_partner);
			futex_take(&to_main);
		}
		peer_add(&row, start);
	}
	__atomic_store_n(&stop, 1u, __ATOMIC_SEQ_CST);
	futex_post(&to_partner);
	pthread_join(partner, NULL);
	peer_print(&row);
}

/* -- whole lives -------------------------------------------------------------------- */

static void *
short_life(void *arg)
{
	return arg;
}

static void
create_and_join(const char *name)
{
	struct peer_row row;

	peer_row_init(&row, THREADS, "%s", name);
	while (peer_wants_more(&row)) {
		uint64_t start = peer_now();

		for (unsigned i = 0; i < THREADS; i++) {
			pthread_t thread;
			int err =
				pthread_create(&thread, NULL, short_life, NULL);

			if (err != 0)
				die("pthread_create", err);
			pthread_join(thread, NULL);
		}
		peer_add(&row, start);
	}
	peer_print(&row);
}

static void *
sleeper(void *arg)
{
	while (pause() != 0)
		continue;
	return arg;
}

/* The process ends with them asleep. */
static void
start_sleepers(void)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (unsigned i = 0; i < MANY_THREADS; i++) {
		pthread_t thread;
		int err = pthread_create(&thread, &attr, sleeper, NULL);

		if (err != 0)
			die("4,000 threads", err);
	}
}

int
main(int argc, char *argv[])
{
	peer_arguments(argc, argv);
	bind_to_one_cpu();
	swap_contexts();
	futex_ping_pong();
	create_and_join("thread.create_exit_wait");
	if (peer_is_named("thread.create_exit_wait.4000")) {
		start_sleepers();
		create_and_join("thread.create_exit_wait.4000");
	}
	exit(0);
}
