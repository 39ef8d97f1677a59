/*
 * A service of the benchmark that listens itself, on a port or at a path.
 *
 * It is what clients are connected to directly, and what stands behind the
 * relays.  The kernel chooses the port, which is printed.
 *
 * usage: echo [-n] [-d | -s bytes] [path]
 * -n  a name line comes first, and is answered
 * -d  throw the input away, and do not send it back
 * -s  send so many bytes instead
 */

#include <sys/epoll.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "listen.h"
#include "number.h"
#include "talk.h"

static void
accept_all(const struct talk *t, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1)
		talk_begin(t, fd);
	if (errno != EAGAIN && errno != ECONNABORTED)
		err(1, "accept4");
}

static void
serve(const struct talk *t, int listener)
{
	struct epoll_event ev[64];
	int i, n;

	ev[0].events = EPOLLIN;
	ev[0].data.fd = listener;
	if (epoll_ctl(t->loop, EPOLL_CTL_ADD, listener, &ev[0]) == -1)
		err(1, "epoll_ctl");
	for (;;) {
		n = epoll_wait(t->loop, ev, 64, -1);
		if (n == -1 && errno != EINTR)
			err(1, "epoll_wait");
		for (i = 0; i < n; i++) {
			if (ev[i].data.fd == listener)
				accept_all(t, listener);
			else
				talk_go_on(t, ev[i].data.fd);
		}
	}
}

int
main(int argc, char *argv[])
{
	struct talk t = { .loop = epoll_create1(EPOLL_CLOEXEC) };
	int c;

	if (t.loop == -1)
		err(1, "epoll_create1");
	while ((c = getopt(argc, argv, "dns:")) != -1) {
		switch (c) {
		case 'd':
			t.duty = DUTY_DISCARD;
			break;
		case 'n':
			t.reads_name = t.answers = true;
			break;
		case 's':
			t.duty = DUTY_SOURCE;
			t.bytes = (uint64_t)number(optarg, 1L << 40);
			break;
		default:
			return 64;
		}
	}
	if (argc - optind > 1)
		errx(64, "usage: echo [-n] [-d | -s bytes] [path]");
	serve(&t,
	    argv[optind] != NULL ? listen_at(argv[optind], SOCK_STREAM) :
				   listen_somewhere());
}
