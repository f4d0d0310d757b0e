/*
 * What fuzz targets share: a machine, the bytes of an input, and expectations.
 *
 * A target is a program: LLVMFuzzerTestOneInput decodes an input into calls of the
 * kernel and expects what must be true of any. libFuzzer calls it with inputs
 * that it breeds (`make fuzz`); replay.c with those of a folder (`make test`).
 * NODES=1|2 and LAYER=sheaf|array (cpu=) in the environment choose the machine; an
 * input is for all of them.
 */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <kernel/types.h>

/* libFuzzer's own names. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* -- bytes --------------------------------------------------------------------- */

struct fuzz_input {
	const uint8_t *at, *end;
};

static inline bool
fuzz_is_over(const struct fuzz_input *input)
{
	return input->at == input->end;
}

/* 0 after the end. */
static inline unsigned
fuzz_byte(struct fuzz_input *input)
{
	return fuzz_is_over(input) ? 0 : *input->at++;
}

static inline unsigned
fuzz_word(struct fuzz_input *input)
{
	unsigned low = fuzz_byte(input);

	return low | fuzz_byte(input) << 8;
}

/* -- expectations ---------------------------------------------------------------- */

/* Ends the program, which makes the input a finding. */
#define FUZZ_EXPECT(cond)                                                      \
	((cond) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #cond))
void fuzz_fail(const char *file, int line, const char *what) __noreturn;

/* -- the machine ------------------------------------------------------------------- */

/* RAM of 8 MiB in one node, or 64 MiB in two; slab serves kmalloc, by the layer of
 * LAYER (else the default one). Once. */
void fuzz_machine_start(void);

/*
 * Nobody has an object or a page who had none at fuzz_rest_remember, all caches
 * and lists agree, and so many calls were reported as nonsense since the last time.
 * in_same_slabs: no cache was tuned that existed then, so that what the allocator
 * has for itself lies in the same slabs; else it may lie in more.
 */
void fuzz_rest_remember(void);
void fuzz_rest_expect(unsigned long nr_reports, bool in_same_slabs);

/* Takes pages until only so many are free, or (SIZE_MAX) gives them all back. */
void fuzz_hoard(size_t nr_left);
/* Whether an allocation may fail or come from another node now. */
bool fuzz_memory_is_short(void);

#endif /* TEST_FUZZ_H */
