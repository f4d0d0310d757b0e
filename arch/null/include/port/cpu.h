/*
 * The null port: no machine at all.
 *
 * It completes the types of the port contract and defines none of its
 * functions, so that every one that core calls stays an undefined symbol of
 * build/null/core.o. tools/check compares those with include/arch/contract.syms.
 *
 * A new port starts as a copy of this folder.
 */
#ifndef PORT_CPU_H
#define PORT_CPU_H

#endif /* PORT_CPU_H */
