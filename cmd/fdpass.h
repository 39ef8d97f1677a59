/*
 * Passes descriptors over Unix sockets.
 */

#ifndef CMD_FDPASS_H
#define CMD_FDPASS_H

#include <stddef.h>
#include <sys/uio.h>

/*
 * Send fd, which stays the caller's, in one message with the bytes of the n
 * pieces at iov, of which there is at least one.  flags are those of
 * sendmsg(2); there is never a SIGPIPE.  Returns 0, or -1 with errno.
 */
int fdpass_send(int to, int fd, struct iovec *iov, size_t n, int flags);

#endif
