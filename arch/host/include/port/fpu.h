/*
 * Host: x87 and SSE. The upper halves of longer vectors are not part of it: no
 * function may rely on them across a call, and a switch is a call.
 */
#ifndef PORT_FPU_H
#define PORT_FPU_H

/* As fxsave64 lays it out. */
#define FPU_STATE_BYTES 512

struct fpu_state {
	uint8_t bytes[FPU_STATE_BYTES];
} __aligned(16);

#endif /* PORT_FPU_H */
