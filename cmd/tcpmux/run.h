/*
 * Runs a program on a connection.
 */

#ifndef CMD_TCPMUX_RUN_H
#define CMD_TCPMUX_RUN_H

/*
 * Become the program argv[0], with the socket fd, which it takes, as the
 * descriptors to and to + 1, and UCSPI's variables.  name is that of the
 * service.  Returns only if that fails: the exit status, having said why.
 */
int run_take_fd(int fd, int to, const char *name, char **argv);

#endif
