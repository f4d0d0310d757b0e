/* The null port has no machine, see <port/cpu.h>. */
#ifndef PORT_FPU_H
#define PORT_FPU_H

#include <kernel/types.h>

struct fpu_state {
	uint8_t nothing;
};

#endif /* PORT_FPU_H */
