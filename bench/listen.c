/*
 * Sockets to listen on, and telling whoever has started us where.
 */

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "listen.h"

int
listen_at(const char *path, int type)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(a.sun_path))
		errx(64, "%s: too long", path);
	(void)memcpy(a.sun_path, path, strlen(path)); /* returns its target */
	(void)umask(0);                               /* cannot fail */
	fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&a, sizeof(a)) == -1 ||
	    listen(fd, SOMAXCONN) == -1)
		err(1, "%s", path);
	if (puts("0") == EOF || fflush(stdout) == EOF)
		err(1, "stdout");
	return fd;
}

int
listen_somewhere(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&a, len) == -1 ||
	    listen(fd, SOMAXCONN) == -1 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) == -1)
		err(1, "cannot listen");
	if (printf("%d\n", ntohs(a.sin_port)) < 0 || fflush(stdout) == EOF)
		err(1, "stdout");
	return fd;
}
