/*
 * One message with one descriptor.
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "cmd/fdpass.h"

int
fdpass_send(int to, int fd, struct iovec *iov, size_t n, int flags)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = {
		.msg_iov = iov,
		.msg_iovlen = n,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	ssize_t sent;

	memset(&control, 0, sizeof(control));
	header->cmsg_len = CMSG_LEN(sizeof(int));
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	do
		sent = sendmsg(to, &message, flags | MSG_NOSIGNAL);
	while (sent == -1 && errno == EINTR);
	return sent == -1 ? -1 : 0;
}
