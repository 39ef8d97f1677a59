/*
 * Asking the daemon of this machine one thing, and its answer.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/control.h"
#include "tcpmux.h"

/* From one try to the next, while the daemon has no time. */
#define PAUSE_MS 20

/* Room for one descriptor, aligned as the kernel wants it. */
union room {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* One message: bytes, and the file that may come with them. */
struct message {
	char bytes[TCPMUX_REPLY_MAX];
	ssize_t n;
	int fd; /* or -1 */
	int flags;
};

/* Returns the time until end, at most INT_MAX, or -1 if that is for ever. */
static int
time_left(int64_t end)
{
	const int64_t rest = end - tcpmux_clock_now();

	if (end == -1)
		return -1;
	return rest > 0 ? (int)rest : 0;
}

/* Wait for input of fd, if it is not -1, for ms, or for ever if that is -1. */
static int
wait_for(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == -1 ? TCPMUX_ERR_SYSTEM : 0;
}

/* Connect to the daemon: returns a descriptor, or an enum tcpmux_err. */
static int
dial(struct control *control, int64_t end)
{
	int fd, rest;

	for (;;) {
		fd = tcpmux_control_dial(control);
		if (fd != -1)
			return fd;
		if (errno == ENOENT || errno == ENOTDIR ||
		    errno == ECONNREFUSED)
			return TCPMUX_ERR_NO_DAEMON;
		if (errno != EAGAIN)
			return TCPMUX_ERR_SYSTEM;
		rest = time_left(end);
		if (rest == 0)
			return TCPMUX_ERR_TIMEOUT;
		if (rest == -1 || rest > PAUSE_MS)
			rest = PAUSE_MS;
		if (wait_for(-1, rest) != 0)
			return TCPMUX_ERR_SYSTEM;
	}
}

/* Take a message without waiting.  m->n is as of recvmsg(2), with errno. */
static void
take_message(int fd, struct message *m)
{
	struct iovec iov = { m->bytes, sizeof(m->bytes) };
	union room room = { .bytes = { 0 } };
	/* Not the padding behind it, where a second would fit. */
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = room.bytes,
		.msg_controllen = CMSG_LEN(sizeof(int)) };

	m->fd = -1;
	m->n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	/* That the daemon has not read all comes first, and once. */
	if (m->n == -1 && errno == ECONNRESET)
		m->n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (m->n == -1)
		return;
	if (msg.msg_controllen >= CMSG_LEN(sizeof(int)) &&
	    room.head.cmsg_level == SOL_SOCKET &&
	    room.head.cmsg_type == SCM_RIGHTS)
		memcpy(&m->fd, CMSG_DATA(&room.head), sizeof(int));
	m->flags = msg.msg_flags;
}

/* Wait for the answer, until end. */
static int
await_message(int fd, int64_t end, struct message *m)
{
	int rest;

	for (;;) {
		take_message(fd, m);
		if (m->n != -1)
			return 0;
		if (errno != EAGAIN)
			return TCPMUX_ERR_SYSTEM;
		rest = time_left(end);
		if (rest == 0)
			return TCPMUX_ERR_TIMEOUT;
		if (wait_for(fd, rest) != 0)
			return TCPMUX_ERR_SYSTEM;
	}
}

/* A file has an end, and never makes its reader wait. */
static bool
is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* What it says, into answer; returns as tcpmux_ask() does. */
static int
understand(const struct message *m, char answer[TCPMUX_REPLY_MAX])
{
	struct tcpmux_reply reply;

	if (m->n == 0 && m->fd == -1)
		return TCPMUX_ERR_CLOSED;
	/* A file that did not get here found no descriptor free. */
	if ((m->flags & MSG_CTRUNC) != 0 && m->fd == -1) {
		errno = EMFILE;
		return TCPMUX_ERR_SYSTEM;
	}
	if ((m->flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
	    tcpmux_parse_reply(m->bytes, (size_t)m->n, TCPMUX_STRICT, &reply) !=
		m->n ||
	    m->n == 0 || (m->fd != -1 && !is_file(m->fd)))
		return TCPMUX_ERR_FOREIGN;
	/* It fits, as the sign and CR LF are left out. */
	memcpy(answer, reply.text.p, reply.text.len);
	answer[reply.text.len] = '\0';
	return reply.sign == '+' ? 0 : TCPMUX_ERR_REFUSED;
}

/* Ask at a socket, and set *text as tcpmux_ask() does. */
static int
ask(int fd, const char *request, size_t len, int64_t end,
    char answer[TCPMUX_REPLY_MAX], int *text)
{
	struct message m;
	int r;

	/* A daemon that has closed already may have said why: that is read. */
	if (send(fd, request, len, MSG_NOSIGNAL) == -1 && errno != EPIPE &&
	    errno != ECONNRESET)
		return TCPMUX_ERR_SYSTEM;
	r = await_message(fd, end, &m);
	if (r != 0)
		return r;
	r = understand(&m, answer);
	if (text != NULL && (r == 0 || r == TCPMUX_ERR_REFUSED))
		*text = m.fd;
	else if (m.fd != -1)
		(void)close(m.fd); /* it was for reading */
	return r;
}

int
tcpmux_ask(const char *control, const char *request, int timeout_ms,
    char answer[TCPMUX_REPLY_MAX], int *text)
{
	const int64_t end =
	    timeout_ms < 0 ? -1 : tcpmux_clock_now() + timeout_ms;
	const struct tcpmux_span name = { request, strlen(request) };
	char line[TCPMUX_REQUEST_MAX];
	struct control places;
	ssize_t len;
	int fd, r, saved;

	answer[0] = '\0';
	if (text != NULL)
		*text = -1;
	len = tcpmux_format_request(line, sizeof(line), name);
	if (len < 0 || tcpmux_control_find(&places, control) == -1)
		return TCPMUX_ERR_ARGUMENT;
	fd = dial(&places, end);
	if (fd < 0)
		return fd;
	r = ask(fd, line, (size_t)len, end, answer, text);
	saved = errno;
	(void)close(fd); /* all has been said */
	errno = saved;
	return r;
}
