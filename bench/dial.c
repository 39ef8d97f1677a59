/*
 * Connections to a server on this machine, from many addresses.
 */

#include "dial.h"

#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <stdint.h>

/* 127.0.1.1 and those behind it, 254 of each 256. */
#define SOURCE_FIRST 0x7f000101U
#define SOURCES      (40 * 254)

static struct sockaddr_in
address(uint32_t host, in_port_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	a.sin_addr.s_addr = htonl(host);
	a.sin_port = htons(port);
	return a;
}

int
dial(in_port_t port)
{
	static unsigned int source;
	const unsigned int n = source++ % SOURCES;
	const struct sockaddr_in from =
	    address(SOURCE_FIRST + n / 254 * 256 + n % 254, 0);
	const struct sockaddr_in to = address(INADDR_LOOPBACK, port);
	const int on = 1;
	int fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
		sizeof(on)) == -1 ||
	    bind(fd, (const struct sockaddr *)&from, sizeof(from)) == -1 ||
	    (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == -1 &&
		errno != EINPROGRESS))
		err(1, "cannot connect");
	return fd;
}
