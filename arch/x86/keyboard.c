/*
 * The PC keyboard behind its 8042 controller, scancode set 1.
 *
 * A key sends a code when pressed and the code + 0x80 when released; 0xe0
 * announces a key that early keyboards did not have. Arrows and their
 * neighbours become the escape sequences that a serial terminal sends, so that
 * the reader knows only one kind.
 */
#include "x86.h"

#define KBD_DATA 0x60
#define KBD_STATUS 0x64
#define STATUS_FULL 0x01
#define STATUS_MOUSE 0x20
#define ABSENT 0xff

#define RELEASED 0x80
#define PREFIX 0xe0

enum scancode {
	KEY_CTRL = 0x1d,
	KEY_SHIFT_LEFT = 0x2a,
	KEY_SHIFT_RIGHT = 0x36,
	KEY_CAPS_LOCK = 0x3a,
	KEY_SLASH = 0x35,
	KEY_ENTER = 0x1c,
};

static const char plain[] = "\0\033"
			    "1234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0"
			    "\\zxcvbnm,./\0*\0 ";
static const char shifted[] = "\0\033"
			      "!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0"
			      "|ZXCVBNM<>?\0*\0 ";

/* What follows "ESC [" for keys with the prefix. */
static const struct {
	uint8_t scancode;
	const char *sequence;
} extended[] = {
	{ 0x48, "A" },	{ 0x50, "B" },	{ 0x4d, "C" },	{ 0x4b, "D" },
	{ 0x47, "H" },	{ 0x4f, "F" },	{ 0x49, "5~" }, { 0x51, "6~" },
	{ 0x52, "2~" }, { 0x53, "3~" },
};

static bool shift, ctrl, caps, prefix;

static void
key_extended(uint8_t code)
{
	if (code == KEY_SLASH || code == KEY_ENTER) {
		console_input(plain[code]);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(extended); i++) {
		if (extended[i].scancode != code)
			continue;
		console_input('\033');
		console_input('[');
		for (const char *s = extended[i].sequence; *s; s++)
			console_input(*s);
	}
}

static void
key_plain(uint8_t code)
{
	char c;
	bool letter;

	if (code >= sizeof(plain) - 1)
		return;
	c = plain[code];
	letter = c >= 'a' && c <= 'z';
	if (ctrl && letter)
		c &= 0x1f;
	else if (shift != (caps && letter))
		c = shifted[code];
	if (c)
		console_input((uint8_t)c);
}

static void
keyboard_code(uint8_t code)
{
	bool was_prefix = prefix;
	bool pressed = !(code & RELEASED);

	prefix = code == PREFIX;
	if (prefix)
		return;
	code &= ~RELEASED;
	switch (code) {
	case KEY_SHIFT_LEFT:
	case KEY_SHIFT_RIGHT:
		if (!was_prefix) /* with it: a fake that comes with arrows */
			shift = pressed;
		return;
	case KEY_CTRL:
		ctrl = pressed;
		return;
	case KEY_CAPS_LOCK:
		caps ^= pressed;
		return;
	}
	if (pressed && was_prefix)
		key_extended(code);
	else if (pressed)
		key_plain(code);
}

void
keyboard_interrupt(void)
{
	uint8_t status;

	while ((status = inb(KBD_STATUS)) != ABSENT && (status & STATUS_FULL)) {
		uint8_t code = inb(KBD_DATA);

		if (!(status & STATUS_MOUSE))
			keyboard_code(code);
	}
}

void
keyboard_init(void)
{
	if (inb(KBD_STATUS) == ABSENT)
		return;
	/* What was typed before we came is input like any other; unread, it
	 * would keep the line high for ever. */
	keyboard_interrupt();
	pic_unmask(IRQ_KEYBOARD);
}
