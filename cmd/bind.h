/*
 * Takes a path for a Unix socket, from one that nobody listens at any more, but
 * never from anything else.
 */

#ifndef CMD_BIND_H
#define CMD_BIND_H

#include <sys/un.h>

/*
 * Bind fd, a socket that does not block, to the path of un.  Returns 0, or -1
 * with errno: EADDRINUSE if somebody listens there, or if it is no socket.
 */
int bind_path(int fd, const struct sockaddr_un *un);

#endif
