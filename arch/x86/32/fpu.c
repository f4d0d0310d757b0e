/*
 * The floating-point unit and SSE.
 *
 * A CPU with FXSR (all since the Pentium II) saves x87, MMX and SSE registers with
 * one instruction, once CR4 says that the system knows about SSE; before that, SSE
 * instructions are invalid opcodes. An older CPU has x87 only, which fnsave saves;
 * that instruction resets the unit too, which harms nobody, because whoever wants
 * the registers next loads them.
 *
 * CR0.NE reports x87 errors as exception 16, and CR4.OSXMMEXCPT those of SSE as
 * exception 19. CR0.TS is not used: registers are saved and loaded at once, not when
 * somebody touches them.
 */
#include <kernel/string.h>
#include <arch/fpu.h>
#include "../x86.h"

#define CPUID_FXSR (1u << 24)
#define CPUID_SSE (1u << 25)
#define CR0_MP 0x00000002u
#define CR4_OSFXSR 0x200u
#define CR4_OSXMMEXCPT 0x400u

/* Offsets in what fxsave and fnsave write, and the values of the convention. */
#define CONTROL_WORD 0
#define FNSAVE_TAG_WORD 8
#define FXSAVE_MXCSR 24
#define CONTROL_WORD_START 0x037fu /* 64-bit precision, exceptions masked */
#define TAG_WORD_EMPTY 0xffffu
#define MXCSR_START 0x1f80u

bool fpu_has_sse;
static bool has_fxsr;

void
fpu_setup(void)
{
	uint32_t eax = 1, ebx, ecx = 0, edx, cr0, cr4;

	__asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	has_fxsr = (edx & CPUID_FXSR) != 0;
	fpu_has_sse = has_fxsr && (edx & CPUID_SSE) != 0;
	__asm__("movl %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("movl %0, %%cr0; fninit" : : "r"(cr0 | CR0_MP));
	if (!has_fxsr)
		return;
	__asm__("movl %%cr4, %0" : "=r"(cr4));
	cr4 |= CR4_OSFXSR | (fpu_has_sse ? CR4_OSXMMEXCPT : 0);
	__asm__ volatile("movl %0, %%cr4" : : "r"(cr4));
}

static void
put_word(struct fpu_state *state, size_t offset, uint16_t value)
{
	__builtin_memcpy(&state->bytes[offset], &value, sizeof(value));
}

/* In fxsave's layout a tag word of 0 says that all registers are empty. */
void
arch_fpu_init(struct fpu_state *state)
{
	memset(state, 0, sizeof(*state));
	put_word(state, CONTROL_WORD, CONTROL_WORD_START);
	if (fpu_has_sse)
		put_word(state, FXSAVE_MXCSR, MXCSR_START);
	if (!has_fxsr)
		put_word(state, FNSAVE_TAG_WORD, TAG_WORD_EMPTY);
}

void
arch_fpu_save(struct fpu_state *state)
{
	if (has_fxsr)
		__asm__ volatile("fxsave %0" : "=m"(*state));
	else
		__asm__ volatile("fnsave %0" : "=m"(*state));
}

void
arch_fpu_load(const struct fpu_state *state)
{
	if (has_fxsr)
		__asm__ volatile("fxrstor %0" : : "m"(*state));
	else
		__asm__ volatile("frstor %0" : : "m"(*state));
}
