/*
 * Joins standard input and output with a connection.
 */

#ifndef CMD_TCPMUX_JOIN_H
#define CMD_TCPMUX_JOIN_H

#include <stdbool.h>

/*
 * Carry bytes between standard input and output and the connected socket fd,
 * which it takes, until both directions have ended, each in its own time; at
 * a terminal, until the other side has ended.  verbose shows how much and how
 * fast.  Returns the exit status, and has said why if it is not 0.
 */
int join_take_fd(int fd, bool verbose);

#endif
