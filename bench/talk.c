/*
 * What a service of the benchmark does with a connection.
 */

#include "talk.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CONNS_MAX  65536
#define BUFFER_MAX 131072

static const char answer[] = "+OK FINE\r\n";

/* What is known of each connection, by its descriptor. */
static struct {
	bool named;    /* the name line is behind us */
	bool watched;  /* by the loop */
	uint64_t sent; /* by DUTY_SOURCE */
} conns[CONNS_MAX];

static char buffer[BUFFER_MAX];

static bool
send_whole(int fd, const char *p, size_t len)
{
	return send(fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len;
}

/*
 * The name is read, and with it what is behind it in the same segment: the
 * conversations here begin with an echo of that.
 */
static bool
take_name(const struct talk *t, int fd, const char **p, size_t *len)
{
	const char *end;

	if (conns[fd].named)
		return true;
	end = memchr(*p, '\n', *len);
	if (end == NULL)
		return false;
	*len -= (size_t)(end + 1 - *p);
	*p = end + 1;
	conns[fd].named = true;
	return !t->answers || send_whole(fd, answer, sizeof(answer) - 1);
}

/* Returns false when the connection is over, well or not. */
static bool
take_input(const struct talk *t, int fd)
{
	const char *p;
	size_t len;
	ssize_t n;

	for (;;) {
		n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
		if (n == -1)
			return errno == EAGAIN;
		if (n == 0)
			return false;
		p = buffer;
		len = (size_t)n;
		if (!take_name(t, fd, &p, &len))
			return false;
		if (t->duty == DUTY_ECHO && len > 0 && !send_whole(fd, p, len))
			return false;
		if (t->duty == DUTY_SOURCE)
			return true;
	}
}

/* Send what is left to send; the end of it is the end of our output. */
static bool
give_output(const struct talk *t, int fd)
{
	uint64_t left;
	ssize_t n;

	while ((left = t->bytes - conns[fd].sent) > 0) {
		n = send(fd, buffer, left < BUFFER_MAX ? left : BUFFER_MAX,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -1)
			return errno == EAGAIN;
		conns[fd].sent += (uint64_t)n;
	}
	return shutdown(fd, SHUT_WR) == 0;
}

void
talk_go_on(const struct talk *t, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	bool over;

	ev.data.fd = fd;
	over = !take_input(t, fd) ||
	    (t->duty == DUTY_SOURCE && conns[fd].named &&
		conns[fd].sent < t->bytes && !give_output(t, fd));
	if (over) {
		(void)close(fd); /* a socket's close has nothing to report */
		return;
	}
	if (conns[fd].watched)
		return;
	if (t->duty == DUTY_SOURCE)
		ev.events |= EPOLLOUT;
	if (epoll_ctl(t->loop, EPOLL_CTL_ADD, fd, &ev) == -1)
		err(1, "epoll_ctl");
	conns[fd].watched = true;
}

void
talk_begin(const struct talk *t, int fd)
{
	if (fd >= CONNS_MAX)
		errx(1, "too many connections");
	conns[fd].named = !t->reads_name;
	conns[fd].watched = false;
	conns[fd].sent = 0;
	if (!t->reads_name && t->answers &&
	    !send_whole(fd, answer, sizeof(answer) - 1)) {
		(void)close(fd); /* a socket's close has nothing to report */
		return;
	}
	talk_go_on(t, fd);
}
