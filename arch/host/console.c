/*
 * The console: standard output, and standard input as an interrupting device.
 *
 * Output is written at once by whoever calls. Input is read by a pthread that
 * belongs to no CPU; it puts the bytes into a ring and posts an interrupt to CPU 0,
 * which empties the ring. The ring has one writer and one reader, so two
 * counters that only grow are all it takes: `written` moves after the bytes are
 * in, `taken` after they are out. When the ring is full the pthread waits; no
 * byte is lost here.
 *
 * A terminal is put into the mode that the kernel's own line editing wants (byte by
 * byte, no echo) but keeps its signals: ctrl-C ends the process. Every way out
 * that we can see puts it back.
 */
#include "host.h"
#include <arch/device.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

/* -- output ------------------------------------------------------------------- */

bool
host_write_all(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, text, n);

		if (done >= 0) {
			text += done;
			n -= (size_t)done;
		} else if (errno == EAGAIN) {
			struct pollfd ready = { .fd = fd, .events = POLLOUT };

			poll(&ready, 1, -1);
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

/* The CPU that panics, plus 1. The others have nothing to say any more. */
static unsigned panicking;

void
arch_console_write(const char *text, size_t n)
{
	irq_state_t irqs = arch_irq_save();
	unsigned dying = atomic_load(&panicking);

	while (dying != 0 && dying != arch_cpu_id() + 1)
		pause();
	if (!host_write_all(STDOUT_FILENO, text, n) && errno == EPIPE)
		host_exit(HOST_EXIT_SIGNAL + SIGPIPE);
	arch_irq_restore(irqs);
}

void
arch_console_panic(void)
{
	unsigned nobody = 0;

	/* Output always is polled and synchronous. */
	(void)atomic_compare_exchange(&panicking, &nobody, arch_cpu_id() + 1);
}

void
host_console_last_word(void)
{
	unsigned me = arch_cpu_id() + 1, ending = 0;

	if (atomic_compare_exchange(&panicking, &ending, me) || ending == me)
		return;
	for (;;) /* another CPU panics, and ends the process */
		pause();
}

/* -- the terminal --------------------------------------------------------------- */

static struct termios terminal_before;
static unsigned terminal_is_raw;

void
host_terminal_raw(void)
{
	struct termios raw;

	if (atomic_load(&terminal_is_raw) != 0 || !isatty(STDIN_FILENO) ||
	    tcgetattr(STDIN_FILENO, &terminal_before) != 0)
		return;
	raw = terminal_before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0)
		atomic_store(&terminal_is_raw, 1u);
}

void
host_terminal_restore(void)
{
	if (atomic_exchange(&terminal_is_raw, 0u) != 0)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal_before);
}

/* -- input ---------------------------------------------------------------------- */

#define RING_BYTES 4096u /* a power of two */
/* How long the pthread waits for room. */
#define RING_FULL_US 1000

static struct {
	char bytes[RING_BYTES];
	unsigned written, taken;
	unsigned ended; /* no more will come */
	bool end_told;
} ring;

static void
ring_put(char c)
{
	while (ring.written - atomic_load(&ring.taken) == RING_BYTES) {
		host_irq_post(0, HOST_IRQ_CONSOLE);
		usleep(RING_FULL_US);
	}
	ring.bytes[ring.written % RING_BYTES] = c;
	atomic_store(&ring.written, ring.written + 1);
}

static void *
input_thread(void *arg)
{
	char bytes[RING_BYTES];
	ssize_t n;

	for (;;) {
		n = read(STDIN_FILENO, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			ring_put(bytes[i]);
		host_irq_post(0, HOST_IRQ_CONSOLE);
	}
	atomic_store(&ring.ended, 1u);
	host_irq_post(0, HOST_IRQ_CONSOLE);
	return NULL;
}

void
host_console_interrupt(void)
{
	unsigned ended = atomic_load(&ring.ended);
	unsigned written = atomic_load(&ring.written);

	while (ring.taken != written) {
		unsigned char c =
			(unsigned char)ring.bytes[ring.taken % RING_BYTES];

		atomic_store(&ring.taken, ring.taken + 1);
		console_input(c);
	}
	if (ended != 0 && !ring.end_told) {
		ring.end_told = true;
		console_input(CONSOLE_EOF);
	}
}

void
arch_devices_init(void)
{
	int error;

	host_terminal_raw();
	error = host_device_start(input_thread);
	if (error != 0)
		host_cannot("a thread for standard input", error);
}
