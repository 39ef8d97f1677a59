/*
 * Turns into a program that finds itself on a connection, as under tcpclient
 * (UCSPI, descriptors 6 and 7) or inetd (0 and 1).
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/environment.h"
#include "cmd/say.h"
#include "cmd/tcpmux/run.h"

static int
run_set_environment(int fd, const char *name)
{
	struct sockaddr_storage remote = { 0 }, local = { 0 };
	socklen_t len = sizeof(remote);

	if (getpeername(fd, (struct sockaddr *)&remote, &len) == -1)
		return -1;
	len = sizeof(local);
	if (getsockname(fd, (struct sockaddr *)&local, &len) == -1)
		return -1;
	return environment_set(name, &remote, &local);
}

int
run_take_fd(int fd, int to, const char *name, char **argv)
{
	/* A copy out of the way, which the program does not see. */
	int high = fcntl(fd, F_DUPFD_CLOEXEC, to + 2);
	int status;

	(void)close(fd); /* the copy is the connection now */
	if (high == -1 || run_set_environment(high, name) == -1 ||
	    dup2(high, to) == -1 || dup2(high, to + 1) == -1) {
		say("%s cannot be given the connection: %s", argv[0],
		    strerror(errno));
		return SAY_SYSTEM;
	}
	(void)execvp(argv[0], argv); /* it returns only to say why not */
	status = errno == ENOENT ? SAY_NO_PROGRAM : SAY_CANNOT_RUN;
	say("%s cannot be run: %s", argv[0], strerror(errno));
	return status;
}
