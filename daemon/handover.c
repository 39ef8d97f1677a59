/*
 * Handing a connection over, and taking it.
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/handover.h"
#include "os/message.h"

int
handover_send(int queue, const struct tcpmux_handover *h,
    struct tcpmux_span name, int fd)
{
	char message[sizeof(*h) + TCPMUX_NAME_MAX];

	/* A name is never longer; the table's are checked. */
	if (name.len > TCPMUX_NAME_MAX)
		name.len = TCPMUX_NAME_MAX;
	memcpy(message, h, sizeof(*h));
	if (name.len > 0)
		memcpy(message + sizeof(*h), name.p, name.len);
	return message_send(queue, message, sizeof(*h) + name.len, fd);
}

/* Is it a socket of TCP that does not listen? */
static bool
is_connection(int fd)
{
	int protocol = 0, listens = 1;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 &&
	    protocol == IPPROTO_TCP &&
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 &&
	    listens == 0;
}

int
handover_take(int queue, struct tcpmux_handover *h, uint32_t nservices)
{
	ssize_t n;
	int fd;

	n = message_receive(queue, h, sizeof(*h), &fd);
	if (n == 0 && fd == -1) {
		errno = EPIPE;
		return -1;
	}
	if (n == -1) {
		if (errno != EAGAIN)
			errno = EBADMSG;
		return -1;
	}
	if (n == sizeof(*h) && h->version == TCPMUX_HANDOVER_VERSION &&
	    h->service < nservices && h->accepted >= 0 && fd != -1 &&
	    is_connection(fd))
		return fd;
	if (fd != -1)
		(void)close(fd); /* whatever it was, nobody asked for it */
	errno = EBADMSG;
	return -1;
}
