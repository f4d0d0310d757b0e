/*
 * i386: x87 and SSE.
 */
#ifndef PORT_FPU_H
#define PORT_FPU_H

/* As fxsave lays it out; fnsave needs the first 108 bytes. */
#define FPU_STATE_BYTES 512

struct fpu_state {
	uint8_t bytes[FPU_STATE_BYTES];
} __aligned(16);

#endif /* PORT_FPU_H */
