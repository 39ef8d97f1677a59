/*
 * The three descriptors that a program takes for granted.
 */

#ifndef CMD_STANDARD_H
#define CMD_STANDARD_H

/*
 * Have the descriptors 0 to 2 open, so that no socket becomes one of them.
 * An input that was closed is empty, and an output cannot be written.  Returns
 * 0, or -1 with errno.
 */
int standard_open(void);

#endif
