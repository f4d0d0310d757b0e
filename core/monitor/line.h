/*
 * Reading a line from the console, with editing and history.
 */
#ifndef MONITOR_LINE_H
#define MONITOR_LINE_H

#include <kernel/types.h>

#define LINE_SIZE 512

/*
 * Reads a line, without its end, into text[LINE_SIZE]. Returns 0;
 * -E_NO_SPACE: it was longer, and all of it is thrown away; -E_NOT_FOUND: the
 * input has ended (what was typed since the last line end is a last line of its
 * own before that); -E_KILLED. Sleeps.
 */
int line_read(const char *prompt, char *text) __must_check;

#endif /* MONITOR_LINE_H */
