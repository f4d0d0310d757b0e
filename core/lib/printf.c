/*
 * Formatting: vsnprintf and snprintf.
 *
 * One pass over the format. Plain text and converted arguments go into an
 * `out`, which copies what there is room for and counts everything. A
 * conversion is parsed into a `spec`, then laid out as
 *
 *	blanks | sign or 0x | zeros | digits or text | blanks
 *
 * Nothing is written twice and nothing is called through a pointer.
 *
 * On 32 bits the compiler would call a helper to divide 64-bit numbers, which a
 * kernel does not have. So decimal digits of large numbers come four at a time,
 * by long division in digits of 16 bits (divide_by_10000).
 */
#include <kernel/printk.h>
#include <kernel/string.h>

/* Octal digits of 64 bits. */
#define DIGITS_MAX 22
/* Wider than any buffer; keeps sums in an int. */
#define WIDTH_MAX 1000000

struct out {
	char *at;
	size_t room; /* without the NUL */
	size_t total;
};

enum spec_flags {
	FLAG_LEFT = 1 << 0,  /* - */
	FLAG_PLUS = 1 << 1,  /* + */
	FLAG_SPACE = 1 << 2, /* blank */
	FLAG_ZERO = 1 << 3,  /* 0 */
	FLAG_ALT = 1 << 4,   /* # */
};

struct spec {
	unsigned flags;
	int width;
	int precision;	/* -1: none given */
	unsigned bytes; /* size of an integer argument */
};

/* Our own, so that it can be pointed to: va_list may be an array. */
struct args {
	va_list list;
};

/* -- output ------------------------------------------------------------------- */

static void
put(struct out *out, const char *text, size_t n)
{
	size_t copied = MIN(n, out->room);

	memcpy(out->at, text, copied);
	out->at += copied;
	out->room -= copied;
	out->total += n;
}

static void
put_many(struct out *out, char c, int n)
{
	size_t copied;

	if (n <= 0)
		return;
	copied = MIN((size_t)n, out->room);
	memset(out->at, c, copied);
	out->at += copied;
	out->room -= copied;
	out->total += (size_t)n;
}

/* -- conversions ---------------------------------------------------------------- */

static void
put_text(struct out *out, const struct spec *spec, const char *text, size_t n)
{
	int blanks = spec->width - (int)n;

	if (!(spec->flags & FLAG_LEFT))
		put_many(out, ' ', blanks);
	put(out, text, n);
	if (spec->flags & FLAG_LEFT)
		put_many(out, ' ', blanks);
}

/* Lays out digits; the number's own zeros are in them. */
static void
put_digits(struct out *out, const struct spec *spec, const char *prefix,
	   const char *digits, int nr_digits)
{
	int nr_prefix = (int)strlen(prefix);
	int zeros = MAX(spec->precision - nr_digits, 0);
	int blanks = spec->width - nr_prefix - zeros - nr_digits;

	if ((spec->flags & FLAG_ZERO) && !(spec->flags & FLAG_LEFT) &&
	    spec->precision < 0 && blanks > 0) {
		zeros += blanks;
		blanks = 0;
	}
	if (!(spec->flags & FLAG_LEFT))
		put_many(out, ' ', blanks);
	put(out, prefix, (size_t)nr_prefix);
	put_many(out, '0', zeros);
	put(out, digits, (size_t)nr_digits);
	if (spec->flags & FLAG_LEFT)
		put_many(out, ' ', blanks);
}

/* Divides by 10,000; returns the remainder. */
static uint32_t
divide_by_10000(uint64_t *value)
{
	uint32_t high = (uint32_t)(*value >> 32), low = (uint32_t)*value;
	uint32_t parts[4] = { high >> 16, high & 0xffff, low >> 16,
			      low & 0xffff };
	uint32_t rest = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
		uint32_t n = rest << 16 | parts[i];

		parts[i] = n / 10000;
		rest = n % 10000;
	}
	*value = (uint64_t)(parts[0] << 16 | parts[1]) << 32 |
		 (parts[2] << 16 | parts[3]);
	return rest;
}

/* Digits of value, written backwards from `end`; returns where they start. */
static char *
decimal(char *end, uint64_t value)
{
	uint32_t low;

	while (value >> 32 != 0) {
		uint32_t four = divide_by_10000(&value);

		for (int i = 0; i < 4; i++, four /= 10)
			*--end = (char)('0' + four % 10);
	}
	for (low = (uint32_t)value; low != 0; low /= 10)
		*--end = (char)('0' + low % 10);
	return end;
}

static char *
power_of_two(char *end, uint64_t value, unsigned bits, const char *digits)
{
	for (; value != 0; value >>= bits)
		*--end = digits[value & ((1u << bits) - 1)];
	return end;
}

static void
put_unsigned(struct out *out, const struct spec *spec, char conversion,
	     const char *prefix, uint64_t value)
{
	char buf[DIGITS_MAX + 1], *end = buf + sizeof(buf), *start;

	switch (conversion) {
	case 'o':
		start = power_of_two(end, value, 3, "01234567");
		/* "Alternate" octal: the first digit is 0. */
		if ((spec->flags & FLAG_ALT) &&
		    spec->precision <= end - start &&
		    (value != 0 || spec->precision == 0))
			*--start = '0';
		break;
	case 'x':
	case 'p':
		start = power_of_two(end, value, 4, "0123456789abcdef");
		break;
	case 'X':
		start = power_of_two(end, value, 4, "0123456789ABCDEF");
		break;
	default:
		start = decimal(end, value);
		break;
	}
	/* Precision 0 is the only way to have no digit at all. */
	if (value == 0 && spec->precision < 0)
		*--start = '0';
	put_digits(out, spec, prefix, start, (int)(end - start));
}

static uint64_t
get_unsigned(struct args *args, unsigned bytes)
{
	if (bytes > sizeof(unsigned))
		return va_arg(args->list, unsigned long long);
	if (bytes == sizeof(unsigned char))
		return (unsigned char)va_arg(args->list, unsigned);
	if (bytes == sizeof(unsigned short))
		return (unsigned short)va_arg(args->list, unsigned);
	return va_arg(args->list, unsigned);
}

static int64_t
get_signed(struct args *args, unsigned bytes)
{
	uint64_t value = get_unsigned(args, bytes);

	if (bytes == sizeof(signed char))
		return (signed char)value;
	if (bytes == sizeof(short))
		return (short)value;
	if (bytes == sizeof(int))
		return (int)value;
	return (int64_t)value;
}

static void
convert_signed(struct out *out, const struct spec *spec, struct args *args)
{
	int64_t value = get_signed(args, spec->bytes);
	const char *sign = value < 0			? "-"
			   : (spec->flags & FLAG_PLUS)	? "+"
			   : (spec->flags & FLAG_SPACE) ? " "
							: "";

	put_unsigned(out, spec, 'd', sign,
		     value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static void
convert_unsigned(struct out *out, const struct spec *spec, char conversion,
		 struct args *args)
{
	uint64_t value = get_unsigned(args, spec->bytes);
	const char *prefix = "";

	if ((spec->flags & FLAG_ALT) && value != 0 && conversion == 'x')
		prefix = "0x";
	else if ((spec->flags & FLAG_ALT) && value != 0 && conversion == 'X')
		prefix = "0X";
	put_unsigned(out, spec, conversion, prefix, value);
}

/* All digits, so that columns of pointers line up. */
static void
convert_pointer(struct out *out, struct spec *spec, struct args *args)
{
	spec->precision = 2 * sizeof(void *);
	put_unsigned(out, spec, 'p', "0x",
		     (uintptr_t)va_arg(args->list, void *));
}

static void
convert_string(struct out *out, const struct spec *spec, struct args *args)
{
	const char *text = va_arg(args->list, const char *);

	if (text == NULL)
		text = "(null)";
	put_text(out, spec, text,
		 spec->precision < 0 ? strlen(text)
				     : strnlen(text, (size_t)spec->precision));
}

/* -- the format ------------------------------------------------------------------ */

static const char *
parse_flags(const char *format, struct spec *spec)
{
	for (;; format++) {
		switch (*format) {
		case '-':
			spec->flags |= FLAG_LEFT;
			break;
		case '+':
			spec->flags |= FLAG_PLUS;
			break;
		case ' ':
			spec->flags |= FLAG_SPACE;
			break;
		case '0':
			spec->flags |= FLAG_ZERO;
			break;
		case '#':
			spec->flags |= FLAG_ALT;
			break;
		default:
			return format;
		}
	}
}

/* A number, or * for the next argument. */
static const char *
parse_number(const char *format, int *number, struct args *args)
{
	int n = 0;

	if (*format == '*') {
		n = va_arg(args->list, int);
		*number = MAX(MIN(n, WIDTH_MAX), -WIDTH_MAX);
		return format + 1;
	}
	for (; *format >= '0' && *format <= '9'; format++)
		n = MIN(n * 10 + (*format - '0'), WIDTH_MAX);
	*number = n;
	return format;
}

static const char *
parse_length(const char *format, struct spec *spec)
{
	switch (*format) {
	case 'h':
		spec->bytes = format[1] == 'h' ? sizeof(char) : sizeof(short);
		return format + (format[1] == 'h' ? 2 : 1);
	case 'l':
		spec->bytes = format[1] == 'l' ? sizeof(long long)
					       : sizeof(long);
		return format + (format[1] == 'l' ? 2 : 1);
	case 'j':
		spec->bytes = sizeof(intmax_t);
		return format + 1;
	case 'z':
		spec->bytes = sizeof(size_t);
		return format + 1;
	case 't':
		spec->bytes = sizeof(ptrdiff_t);
		return format + 1;
	default:
		spec->bytes = sizeof(int);
		return format;
	}
}

/* Everything between % and the letter. */
static const char *
parse_spec(const char *format, struct spec *spec, struct args *args)
{
	*spec = (struct spec){ .precision = -1 };
	format = parse_flags(format, spec);
	format = parse_number(format, &spec->width, args);
	if (spec->width < 0) {
		spec->flags |= FLAG_LEFT;
		spec->width = -spec->width;
	}
	if (*format == '.') {
		format = parse_number(format + 1, &spec->precision, args);
		if (spec->precision < 0)
			spec->precision = -1;
	}
	return parse_length(format, spec);
}

/* One conversion, format behind its %; returns what is behind it. */
static const char *
convert(struct out *out, const char *format, struct args *args)
{
	const char *start = format - 1;
	struct spec spec;
	char c;

	format = parse_spec(format, &spec, args);
	switch (*format) {
	case 'd':
	case 'i':
		convert_signed(out, &spec, args);
		break;
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		convert_unsigned(out, &spec, *format, args);
		break;
	case 'p':
		convert_pointer(out, &spec, args);
		break;
	case 's':
		convert_string(out, &spec, args);
		break;
	case 'c':
		c = (char)va_arg(args->list, int);
		put_text(out, &spec, &c, 1);
		break;
	case '%':
		put(out, "%", 1);
		break;
	case '\0':
		put(out, start, (size_t)(format - start));
		return format;
	default:
		/* Not ours: shown as it is. */
		put(out, start, (size_t)(format + 1 - start));
		break;
	}
	return format + 1;
}

int
vsnprintf(char *buf, size_t size, const char *format, va_list ap)
{
	struct out out = { .at = buf, .room = size > 0 ? size - 1 : 0 };
	struct args args;

	va_copy(args.list, ap);
	while (*format != '\0') {
		const char *plain = format;

		while (*format != '\0' && *format != '%')
			format++;
		put(&out, plain, (size_t)(format - plain));
		if (*format == '%')
			format = convert(&out, format + 1, &args);
	}
	va_end(args.list);
	if (size > 0)
		*out.at = '\0';
	return (int)out.total;
}

int
snprintf(char *buf, size_t size, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(buf, size, format, ap);
	va_end(ap);
	return n;
}
