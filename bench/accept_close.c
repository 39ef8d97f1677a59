/*
 * The floor of the benchmark: accepts a connection, closes it, and so on.
 *
 * It reads nothing and says nothing.  No server of anything can be cheaper, so
 * what a server costs is told as a multiple of this.
 *
 * usage: accept_close
 * It prints the port that it listens on.
 */

#include <sys/epoll.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#include "listen.h"

static int
watch(int listener)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int loop;

	loop = epoll_create1(EPOLL_CLOEXEC);
	if (loop == -1 || epoll_ctl(loop, EPOLL_CTL_ADD, listener, &ev) == -1)
		err(1, "epoll");
	return loop;
}

static void
accept_all(int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1)
		(void)close(fd); /* a socket's close has nothing to report */
	if (errno != EAGAIN && errno != ECONNABORTED)
		err(1, "accept4");
}

int
main(void)
{
	const int listener = listen_somewhere();
	const int loop = watch(listener);
	struct epoll_event ev;

	for (;;) {
		if (epoll_wait(loop, &ev, 1, -1) == -1 && errno != EINTR)
			err(1, "epoll_wait");
		accept_all(listener);
	}
}
