/* The null port has no machine, see <port/cpu.h>. */
#ifndef PORT_CPU_STACK_H
#define PORT_CPU_STACK_H

#endif /* PORT_CPU_STACK_H */
