/*
 * What a connected stream socket is told about its connection.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "os/stream.h"

/* Probes that a silent peer does not answer until it is given up. */
#define PROBES 4

static int
set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

int
stream_set_nodelay(int fd)
{
	return set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

int
stream_set_late_ack(int fd)
{
	return set(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
}

int
stream_set_nonblocking(int fd)
{
	/* A socket has no other flag that could be lost. */
	return fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
}

int
stream_set_abort(int fd, bool on)
{
	const struct linger linger = { on, 0 };

	return setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* In seconds, and never 0. */
static int
seconds(uint32_t ms)
{
	return ms < 1000 ? 1 : (int)(ms / 1000);
}

int
stream_set_keepalive(int fd, uint32_t ms)
{
	/* The last sets the kernel's clock by what has been heard so far. */
	if (set(fd, SOL_SOCKET, SO_KEEPALIVE, 1) == -1 ||
	    set(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES) == -1 ||
	    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds(ms / PROBES)) == -1 ||
	    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds(ms)) == -1)
		return -1;
	return 0;
}

int
stream_error(int fd)
{
	socklen_t len = sizeof(int);
	int error;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		return errno;
	return error;
}
