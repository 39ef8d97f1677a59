/*
 * Messages between processes: of a fixed size, with one descriptor at most.
 */

#ifndef OS_MESSAGE_H
#define OS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Two connected, close-on-exec sockets that keep messages apart and whole:
 * ends[0] for the one who sends, ends[1] for the one who receives, who sees
 * an end when every copy of ends[0] is closed.  Both are non-blocking.
 * sndbuf bounds what may wait between them, 0 is the kernel's default.
 * Returns 0, or -1 with errno.
 */
int message_pair(int ends[static 2], int sndbuf);

/*
 * Send size bytes and, unless it is -1, a copy of fd.  Never waits.  Returns
 * 0, or -1 with errno: EAGAIN if there is no room, EPIPE if nobody is there,
 * ETOOMANYREFS if too many descriptors are on their way.
 */
int message_send(int socket, const void *message, size_t size, int fd);

/* Does this errno of message_send() say that nobody is there any more? */
bool message_is_gone(int error);

/*
 * Receive a message of up to size bytes and, if fd is not NULL, the
 * descriptor that came with it, close-on-exec and the caller's to close, or
 * -1.  Never waits.  Any descriptor but the first, and all if fd is NULL, are
 * dropped by the kernel.  Returns the length of the message; 0 at the end, or
 * for an empty message; or -1 with errno: EAGAIN if there is none, EMSGSIZE if
 * it was longer, or had more descriptors than that or than this process may
 * have, and then it is gone.  Unless the result is -1, *fd is the caller's.
 */
ssize_t message_receive(int socket, void *message, size_t size, int *fd);

#endif
