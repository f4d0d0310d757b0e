/*
 * COM1, a 16550 UART: 115200 baud, 8 data bits, no parity, 1 stop bit.
 *
 * Output. The UART takes 16 bytes into its FIFO whenever it says "empty". A
 * write puts as much as it can straight into the FIFO, so on an emulated UART,
 * which is always empty, nothing is ever buffered and no interrupt is
 * taken. What does not fit goes into a ring, which the "empty" interrupt
 * drains:
 *
 *     serial_write -> FIFO (while empty)      THRE interrupt -> ring to FIFO
 *                  -> ring (the rest)
 *
 *   invariant: ring not empty  =>  THRE interrupt enabled, or polling
 *
 * When the ring is full the writer polls until there is room: nothing is ever
 * lost. Before interrupts are set up, and in a panic, all output is polled;
 * panic first sends what the ring still holds.
 *
 * Input: up to 16 bytes arrive per interrupt and go to console_input().
 *
 * Bytes may arrive before this driver does, since nobody has promised to type only
 * after the prompt. They are kept (`early`) until interrupts are on. Turning the
 * FIFO on throws away what the receiver holds, so the driver first reads until
 * the sender pauses. A sender that never pauses gets a UART without its FIFO:
 * QEMU sends no byte before the last one was read, so that loses nothing. Until
 * interrupts are on, every polled write also looks at the receiver.
 *
 * Lines end in '\n' alone. QEMU and `cat` show that well, scripts compare
 * whole lines; a terminal program on a real line is told to add the carriage return.
 *
 * Locking: tx_lock (a bare word: the log's lock is held already, and a panic
 * must get past it) guards the ring and the THR register, interrupts off.
 *
 * A UART that is not there reads as 0xff and is left alone (one that vanishes
 * later reads as "empty"). One that stays full is waited for, however long: it is
 * QEMU, whose reader does not read.
 */
#include <kernel/atomic.h>
#include <arch/cpu.h>
#include "x86.h"

#define COM1 0x3f8

enum uart_register {
	UART_DATA = COM1 + 0,
	UART_DIVISOR_LOW = COM1 + 0,
	UART_IER = COM1 + 1,
	UART_DIVISOR_HIGH = COM1 + 1,
	UART_IIR = COM1 + 2,
	UART_FCR = COM1 + 2,
	UART_LCR = COM1 + 3,
	UART_MCR = COM1 + 4,
	UART_LSR = COM1 + 5,
	UART_MSR = COM1 + 6,
};

#define IER_RX 0x01
#define IER_TX 0x02
#define IIR_NONE 0x01
#define IIR_FIFO 0xc0
#define FCR_ENABLE_CLEAR_TRIGGER8 0x87
#define LCR_8N1 0x03
#define LCR_DIVISOR 0x80
#define MCR_DTR_RTS_OUT2 0x0b
#define LSR_RX 0x01
#define LSR_THR_EMPTY 0x20
#define LSR_ALL_EMPTY 0x40
#define ABSENT 0xff

#define DIVISOR_115200 1
#define FIFO_SIZE 16

/* A power of two: indices run freely. */
#define RING_SIZE 4096u

/* How many bytes are kept that arrive before interrupts are on; what comes
 * after them stays where it is. */
#define EARLY_MAX 2048u
/* A sender pauses when nothing arrives while the status is read this often: 50 ms
 * on a PC, where a byte takes 0.1 ms. */
#define PAUSE_READS 50000u

static bool present;
static bool polling = true;
static bool interrupts_on;
static unsigned fifo_size = 1;

static unsigned tx_lock;
static char ring[RING_SIZE];
static unsigned ring_head; /* next to send */
static unsigned ring_tail; /* next to fill */
static bool tx_interrupt_on;

static uint8_t early[EARLY_MAX];
static unsigned nr_early;

/* Takes what has arrived so far, before interrupts are on. */
static void
receive_early(void)
{
	while (nr_early < EARLY_MAX && (inb(UART_LSR) & LSR_RX))
		early[nr_early++] = inb(UART_DATA);
}

/* Takes what arrives until the sender pauses; false: it does not. */
static bool
receive_until_pause(void)
{
	unsigned nr_before;

	do {
		nr_before = nr_early;
		receive_early();
		for (unsigned i = 0; i < PAUSE_READS && nr_early > nr_before &&
				     !(inb(UART_LSR) & LSR_RX);
		     i++)
			;
	} while (nr_early > nr_before && nr_early < EARLY_MAX);
	return nr_early < EARLY_MAX;
}

static irq_state_t
tx_acquire(void)
{
	irq_state_t state = arch_irq_save();

	while (!polling && atomic_exchange(&tx_lock, 1u) != 0)
		arch_cpu_relax();
	return state;
}

static void
tx_release(irq_state_t state)
{
	atomic_store(&tx_lock, 0u);
	arch_irq_restore(state);
}

static bool
thr_empty(void)
{
	return inb(UART_LSR) & LSR_THR_EMPTY;
}

static void
wait_thr_empty(void)
{
	while (!thr_empty())
		;
}

static void
set_tx_interrupt(bool on)
{
	if (on == tx_interrupt_on)
		return;
	tx_interrupt_on = on;
	outb(UART_IER, on ? IER_RX | IER_TX : IER_RX);
}

/* Fills the FIFO, which is empty, from the ring. */
static void
ring_to_fifo(void)
{
	for (unsigned i = 0; i < fifo_size && ring_head != ring_tail; i++)
		outb(UART_DATA, ring[ring_head++ % RING_SIZE]);
}

static void
ring_put(char c)
{
	while (ring_tail - ring_head == RING_SIZE) {
		wait_thr_empty();
		ring_to_fifo();
	}
	ring[ring_tail++ % RING_SIZE] = c;
}

/* Sends into the FIFO while it is empty; returns how many it took. */
static size_t
fifo_write(const char *text, size_t n)
{
	size_t sent = 0;

	while (sent < n && thr_empty())
		for (unsigned i = 0; i < fifo_size && sent < n; i++)
			outb(UART_DATA, text[sent++]);
	return sent;
}

static void
write_polled(const char *text, size_t n)
{
	while (n > 0) {
		size_t sent = fifo_write(text, n);

		if (!interrupts_on)
			receive_early();
		text += sent;
		n -= sent;
		if (n > 0)
			wait_thr_empty();
	}
}

void
serial_write(const char *text, size_t n)
{
	irq_state_t state;
	size_t sent = 0;

	if (!present)
		return;
	state = tx_acquire();
	if (polling) {
		write_polled(text, n);
	} else {
		if (ring_head == ring_tail)
			sent = fifo_write(text, n);
		while (sent < n)
			ring_put(text[sent++]);
		set_tx_interrupt(ring_head != ring_tail);
	}
	tx_release(state);
}

void
serial_flush(void)
{
	if (!present)
		return;
	polling = true;
	while (ring_head != ring_tail) {
		wait_thr_empty();
		ring_to_fifo();
	}
	while (!(inb(UART_LSR) & LSR_ALL_EMPTY))
		;
}

void
serial_init(void)
{
	outb(UART_IER, 0);
	outb(UART_LCR, LCR_DIVISOR);
	outb(UART_DIVISOR_LOW, DIVISOR_115200);
	outb(UART_DIVISOR_HIGH, 0);
	outb(UART_LCR, LCR_8N1);
	outb(UART_MCR, MCR_DTR_RTS_OUT2);
	present = inb(UART_LSR) != ABSENT;
	if (!present || !receive_until_pause())
		return;
	outb(UART_FCR, FCR_ENABLE_CLEAR_TRIGGER8);
	if ((inb(UART_IIR) & IIR_FIFO) == IIR_FIFO)
		fifo_size = FIFO_SIZE;
	/* QEMU passes the next byte on when one is read. Should one have come
	 * just now, the FIFO was emptied without a read; without this one QEMU
	 * would keep all others for ever. */
	receive_early();
	(void)inb(UART_DATA);
}

void
serial_enable_interrupts(void)
{
	if (!present)
		return;
	receive_early();
	interrupts_on = true;
	polling = false;
	outb(UART_IER, IER_RX);
	pic_unmask(IRQ_COM1);
	for (unsigned i = 0; i < nr_early; i++)
		console_input(early[i]);
	/* The request for what lies in the FIFO may have come and gone before
	 * the interrupt controller looked. */
	serial_interrupt();
}

void
serial_interrupt(void)
{
	/* Reading IIR, LSR and MSR takes back every cause there is; the line
	 * must have been low before the next interrupt can raise it. */
	while (!(inb(UART_IIR) & IIR_NONE)) {
		irq_state_t state;

		while (inb(UART_LSR) & LSR_RX)
			console_input(inb(UART_DATA));
		inb(UART_MSR);

		state = tx_acquire();
		if (tx_interrupt_on && thr_empty()) {
			ring_to_fifo();
			set_tx_interrupt(ring_head != ring_tail);
		}
		tx_release(state);
	}
}
