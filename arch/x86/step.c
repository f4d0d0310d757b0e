/*
 * Single-stepping (arch/step.h): the trap flag of the stepped thread.
 *
 * To interrupt before an instruction is to return to it from the debug trap when
 * the clock's interrupt is already waiting: the CPU takes it as soon as
 * interrupts are on, before it executes anything.
 */
#include <arch/step.h>
#include "x86.h"

#define EFLAGS_TF 0x100u

static step_fn *step_hook;

bool
arch_step_start(step_fn *fn)
{
	step_hook = fn;
	__asm__ volatile("pushfl; orl %0, (%%esp); popfl"
			 :
			 : "i"(EFLAGS_TF)
			 : "memory", "cc");
	return true;
}

bool
step_trap(struct trapframe *tf)
{
	if (step_hook == NULL || (tf->eflags & EFLAGS_TF) == 0)
		return false;
	switch (step_hook(tf->eip)) {
	case STEP_STRIKE:
		pit_tick_now();
		break;
	case STEP_STOP:
		step_hook = NULL;
		tf->eflags &= ~EFLAGS_TF;
		break;
	case STEP_ON:
		break;
	}
	return true;
}
