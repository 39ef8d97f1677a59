/*
 * Messages between processes, by SCM_RIGHTS.
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/message.h"

/* Room for one descriptor, aligned as the kernel wants it. */
union room {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int
message_pair(int ends[static 2], int sndbuf)
{
	const int flags = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
	int saved;

	if (socketpair(AF_UNIX, flags, 0, ends) == -1)
		return -1;
	if ((sndbuf != 0 &&
		setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &sndbuf,
		    sizeof(sndbuf)) == -1) ||
	    shutdown(ends[0], SHUT_RD) == -1)
		goto fail;
	return 0;
fail:
	saved = errno;
	(void)close(ends[0]); /* they have carried nothing */
	(void)close(ends[1]);
	errno = saved;
	return -1;
}

int
message_send(int socket, const void *message, size_t size, int fd)
{
	/* sendmsg() does not write to it, though its prototype could. */
	const union {
		const void *in;
		void *out;
	} base = { message };
	struct iovec iov = { base.out, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union room room = { .bytes = { 0 } };
	ssize_t n;

	if (fd != -1) {
		room.head.cmsg_level = SOL_SOCKET;
		room.head.cmsg_type = SCM_RIGHTS;
		room.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&room.head), &fd, sizeof(int));
		msg.msg_control = room.bytes;
		msg.msg_controllen = sizeof(room.bytes);
	}
	n = sendmsg(socket, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	return n == -1 ? -1 : 0; /* a message goes whole or not at all */
}

bool
message_is_gone(int error)
{
	return error == EPIPE || error == ECONNRESET || error == ECONNREFUSED ||
	    error == ENOTCONN;
}

ssize_t
message_receive(int socket, void *message, size_t size, int *fd)
{
	struct iovec iov = { message, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union room room = { .bytes = { 0 } };
	ssize_t n;
	int got = -1;

	if (fd != NULL) {
		*fd = -1;
		msg.msg_control = room.bytes;
		/* Not the padding behind it, where a second would fit. */
		msg.msg_controllen = CMSG_LEN(sizeof(int));
	}
	n = recvmsg(socket, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n == -1)
		return -1;
	if (fd != NULL && msg.msg_controllen >= CMSG_LEN(sizeof(int)) &&
	    room.head.cmsg_level == SOL_SOCKET &&
	    room.head.cmsg_type == SCM_RIGHTS)
		memcpy(&got, CMSG_DATA(&room.head), sizeof(int));
	if (msg.msg_flags & (MSG_TRUNC | (fd != NULL ? MSG_CTRUNC : 0))) {
		if (got != -1)
			(void)close(got); /* of a message that is dropped */
		errno = EMSGSIZE;
		return -1;
	}
	if (fd != NULL)
		*fd = got;
	return n;
}
