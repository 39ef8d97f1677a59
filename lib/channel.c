/*
 * What the daemon sends: connections, and lines of text.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/channel.h"

_Static_assert(sizeof(struct tcpmux_handover) == 128, "nothing is padding");

/* Room for one descriptor, aligned as the kernel wants it. */
union room {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* What recvmsg() has said of a message. */
struct look {
	ssize_t n;
	int fd; /* the first that came with it, or -1 */
	bool
	    is_cut; /* it has more bytes or descriptors than we have room for */
	bool is_short; /* it has descriptors that we did not get */
};

/* Look at the next message, which stays there; its descriptor is a copy. */
static struct look
look_at(int channel, struct channel_message *m)
{
	struct iovec iov = { m->is.bytes, sizeof(m->is.bytes) };
	union room room = { .bytes = { 0 } };
	/* Not the padding behind it, where a second would fit. */
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = room.bytes,
		.msg_controllen = CMSG_LEN(sizeof(int)) };
	const int flags = MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
	struct look l = { .fd = -1 };

	l.n = recvmsg(channel, &msg, flags);
	/* That the daemon has not read all comes first, and once. */
	if (l.n == -1 && errno == ECONNRESET)
		l.n = recvmsg(channel, &msg, flags);
	if (l.n == -1)
		return l;
	if (msg.msg_controllen >= CMSG_LEN(sizeof(int)) &&
	    room.head.cmsg_level == SOL_SOCKET &&
	    room.head.cmsg_type == SCM_RIGHTS)
		memcpy(&l.fd, CMSG_DATA(&room.head), sizeof(int));
	l.is_cut = (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
	l.is_short = (msg.msg_flags & MSG_CTRUNC) != 0 && l.fd == -1;
	return l;
}

/*
 * Take the message that was looked at.  Another process that has our socket
 * may have been faster; then what we take now is not it.
 */
static bool
take(int channel, const struct channel_message *m, ssize_t n)
{
	char bytes[sizeof(m->is.bytes)];
	ssize_t taken;

	taken = recv(channel, bytes, sizeof(bytes), MSG_DONTWAIT);
	return taken == n && memcmp(bytes, m->is.bytes, (size_t)n) == 0;
}

/* Has this process no descriptor left?  Sets errno. */
static bool
is_full(int any)
{
	int fd = fcntl(any, F_DUPFD_CLOEXEC, 0);

	if (fd == -1)
		return true;
	(void)close(fd); /* a copy */
	return false;
}

/* Is it a socket of TCP that is connected, which none is that listens? */
static bool
is_connection(int fd)
{
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(peer), size = sizeof(int);
	int protocol = 0;

	return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
	    (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP) &&
	    getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
	    (peer.ss_family == AF_INET || peer.ss_family == AF_INET6);
}

static bool
is_handover(struct channel_message *m, const struct look *l)
{
	const size_t head = sizeof(m->is.head);

	if (l->fd == -1 || (size_t)l->n <= head ||
	    m->is.head.version != TCPMUX_HANDOVER_VERSION)
		return false;
	m->name.p = m->is.bytes + head;
	m->name.len = (size_t)l->n - head;
	return tcpmux_check_name(m->name) == 0 && is_connection(l->fd);
}

static bool
is_line(struct channel_message *m, const struct look *l)
{
	return l->fd == -1 &&
	    tcpmux_parse_reply(m->is.bytes, (size_t)l->n, TCPMUX_STRICT,
		&m->reply) == l->n;
}

enum channel_what
tcpmux_channel_receive(int channel, struct channel_message *m, int *fd)
{
	bool is_again = false;
	struct look l;

	*fd = -1;
	for (;;) {
		l = look_at(channel, m);
		if (l.n == -1 && (errno == EAGAIN || errno == EINTR))
			return CHANNEL_NOTHING;
		if (l.n <= 0 && l.fd == -1)
			return CHANNEL_END;
		/* A connection that we cannot take is one to take later. */
		if (l.is_short && is_full(channel))
			return CHANNEL_FULL;
		/* One may have become free meanwhile. */
		if (l.is_short && !is_again) {
			is_again = true;
			continue;
		}
		is_again = false;
		if (take(channel, m, l.n) && !l.is_cut) {
			if (is_line(m, &l))
				return CHANNEL_LINE;
			*fd = l.fd;
			if (is_handover(m, &l))
				return CHANNEL_CONNECTION;
			*fd = -1;
		}
		if (l.fd != -1)
			(void)close(l.fd); /* not for us, or not a connection */
	}
}
