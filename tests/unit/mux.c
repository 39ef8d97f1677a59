/*
 * A multiplexer in a test's own hands: no thread, both ends step by step.
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "mux.h"

#define BYTES(s) (s), sizeof(s) - 1

/* Listen on a port, 0 for any, of a family's loopback.  Returns it. */
int
mux_listen(int family, uint16_t *port, int backlog)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(*port),
		.sin6_addr = in6addr_loopback };
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(*port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	const bool is_v6 = family == AF_INET6;
	struct sockaddr *sa =
	    is_v6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in;
	socklen_t len = is_v6 ? sizeof(in6) : sizeof(in);
	int fd;

	fd = socket(family, SOCK_STREAM, 0);
	if (fd == -1 || bind(fd, sa, len) == -1 || listen(fd, backlog) == -1 ||
	    getsockname(fd, sa, &len) == -1) {
		if (fd != -1)
			assert_int_equal(close(fd), 0);
		return -1;
	}
	*port = ntohs(is_v6 ? in6.sin6_port : in.sin_port);
	return fd;
}

/* The same port of both families. */
void
mux_listen_on_both(int fds[static 2], uint16_t *port, int backlog6)
{
	int tries;

	for (tries = 0; tries < 100; tries++) {
		*port = 0;
		fds[1] = mux_listen(AF_INET, port, 8);
		assert_true(fds[1] != -1);
		fds[0] = mux_listen(AF_INET6, port, backlog6);
		if (fds[0] != -1)
			return;
		assert_int_equal(close(fds[1]), 0);
	}
	fail_msg("no port is free in both families");
}

struct tcpmux_call *
mux_call(const char *host, uint16_t port, unsigned int flags, int timeout_ms)
{
	static const char *const name = "echo";
	const struct tcpmux_target target = {
		.size = sizeof(target),
		.host = host,
		.port = port,
		.names = &name,
		.nnames = 1,
		.flags = flags,
		.timeout_ms = timeout_ms,
	};
	struct tcpmux_call *c;

	c = tcpmux_call_new(&target);
	assert_non_null(c);
	return c;
}

/* Step until somebody connects.  Returns the connection. */
int
mux_accept(struct tcpmux_call *c, int listener)
{
	struct pollfd watched[] = {
		{ .fd = listener, .events = POLLIN },
		{ .fd = tcpmux_call_fd(c), .events = POLLIN },
	};

	for (;;) {
		assert_true(poll(watched, 2, -1) > 0);
		if (watched[0].revents != 0)
			return accept(listener, NULL, NULL);
		assert_int_equal(tcpmux_call_step(c), TCPMUX_ERR_AGAIN);
	}
}

/* Step until all of p has come to fd. */
void
mux_hear(struct tcpmux_call *c, int fd, const char *p, size_t len)
{
	struct pollfd watched[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = tcpmux_call_fd(c), .events = POLLIN },
	};
	char buf[64];
	size_t n = 0;

	while (n < len) {
		assert_true(poll(watched, 2, -1) > 0);
		if (watched[0].revents != 0) {
			const ssize_t got = read(fd, buf + n, len - n);

			assert_true(got > 0);
			n += (size_t)got;
		} else {
			assert_int_equal(tcpmux_call_step(c), TCPMUX_ERR_AGAIN);
		}
	}
	assert_memory_equal(buf, p, len);
}

void
mux_say(int fd, const char *p, size_t len)
{
	assert_int_equal(send(fd, p, len, MSG_NOSIGNAL), len);
}

/* Is the socket as one from connect() alone, and is x next on it? */
static void
assert_plain(int fd)
{
	char c = 0;
	int on = 1;
	socklen_t len = sizeof(on);

	assert_true(fd != -1);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	if (getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len) == 0)
		assert_int_equal(on, 0);
	assert_int_equal(read(fd, &c, 1), 1);
	assert_int_equal(c, 'x');
	assert_int_equal(read(fd, &c, 1), 0);
}

/* Serve a call at a listener up to its end, and free it. */
void
mux_serve(struct tcpmux_call *c, int listener, const char *address)
{
	int fd, peer;

	peer = mux_accept(c, listener);
	mux_hear(c, peer, BYTES("echo\r\n"));
	mux_say(peer, BYTES("+Go\r\nx"));
	assert_int_equal(shutdown(peer, SHUT_WR), 0);
	assert_int_equal(tcpmux_call_wait(c), 0);
	assert_string_equal(tcpmux_call_text(c), "Go");
	if (address != NULL)
		assert_string_equal(tcpmux_call_address(c), address);
	fd = tcpmux_call_take(c);
	assert_int_equal(tcpmux_call_take(c), -1);
	tcpmux_call_free(c);
	assert_plain(fd);
	assert_int_equal(close(fd), 0);
	assert_int_equal(close(peer), 0);
}

const char *
mux_address(const char *host, uint16_t port)
{
	static char text[64];

	assert_true(snprintf(text, sizeof(text), "%s:%u", host, port) > 0);
	return text;
}
