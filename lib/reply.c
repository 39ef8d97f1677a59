/*
 * Saying + or - to a connection.
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "tcpmux.h"

int
tcpmux_reply(int fd, char sign, const char *text)
{
	const struct tcpmux_reply reply = { sign, { text, strlen(text) } };
	char line[TCPMUX_REPLY_MAX];
	ssize_t len, n;

	len = tcpmux_format_reply(line, sizeof(line), reply);
	if (len < 0)
		return (int)len;
	n = send(fd, line, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == len)
		return 0;
	/* A part of a reply is no reply, and the rest would have to wait. */
	if (n != -1)
		errno = EAGAIN;
	return TCPMUX_ERR_SYSTEM;
}
