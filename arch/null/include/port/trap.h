/* The null port has no machine, see <port/cpu.h>. */
#ifndef PORT_TRAP_H
#define PORT_TRAP_H

#endif /* PORT_TRAP_H */
