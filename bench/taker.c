/*
 * A service of the benchmark that takes connections from tcpmuxd.
 *
 * It listens at a path, which the configuration names as `socket`.  Each
 * message from there is a connection whose name line has been read: 128 bytes,
 * the name of the service and one descriptor.  It says "+OK FINE", and then does as echo does.
 *
 * usage: taker [-d | -s bytes] path
 */

#include <sys/epoll.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "listen.h"
#include "number.h"
#include "talk.h"

#define HEADER_LEN 128
#define NAME_LEN   255
#define BATCH      64

/* Descriptors below are the listener and queues; the rest, connections. */
#define QUEUES_MAX 1024

static bool is_queue[QUEUES_MAX];

static void
watch(const struct talk *t, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };

	ev.data.fd = fd;
	if (epoll_ctl(t->loop, EPOLL_CTL_ADD, fd, &ev) == -1)
		err(1, "epoll_ctl");
}

static void
accept_queues(const struct talk *t, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
		if (fd >= QUEUES_MAX)
			errx(1, "a queue comes too late");
		is_queue[fd] = true;
		watch(t, fd);
	}
	if (errno != EAGAIN && errno != ECONNABORTED)
		err(1, "accept4");
}

/* Returns a connection; or -1, and sets *over if the queue has ended. */
static int
take(int queue, bool *over)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char header[HEADER_LEN + NAME_LEN];
	struct iovec iov = { .iov_base = header, .iov_len = sizeof(header) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	const struct cmsghdr *c;
	ssize_t n;
	int fd;

	msg.msg_control = &control;
	msg.msg_controllen = sizeof(control);
	n = recvmsg(queue, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	*over = n == 0 || (n == -1 && errno != EAGAIN);
	if (n <= 0)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (n < HEADER_LEN || c == NULL || c->cmsg_type != SCM_RIGHTS)
		errx(1, "no hand-over: %zd bytes", n);
	(void)memcpy(&fd, CMSG_DATA(c), sizeof(fd)); /* returns its target */
	return fd;
}

static void
take_all(const struct talk *t, int queue)
{
	bool over = false;
	int fd, i;

	for (i = 0; i < BATCH; i++) {
		fd = take(queue, &over);
		if (fd == -1)
			break;
		if (fd < QUEUES_MAX)
			is_queue[fd] = false;
		talk_begin(t, fd);
	}
	if (over) {
		is_queue[queue] = false;
		(void)close(queue); /* a socket's close has nothing to report */
	}
}

static void
serve(const struct talk *t, int listener)
{
	struct epoll_event ev[BATCH];
	int fd, i, n;

	watch(t, listener);
	for (;;) {
		n = epoll_wait(t->loop, ev, BATCH, -1);
		if (n == -1 && errno != EINTR)
			err(1, "epoll_wait");
		for (i = 0; i < n; i++) {
			fd = ev[i].data.fd;
			if (fd == listener)
				accept_queues(t, listener);
			else if (fd < QUEUES_MAX && is_queue[fd])
				take_all(t, fd);
			else
				talk_go_on(t, fd);
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
	t.answers = true;
	while ((c = getopt(argc, argv, "ds:")) != -1) {
		switch (c) {
		case 'd':
			t.duty = DUTY_DISCARD;
			break;
		case 's':
			t.duty = DUTY_SOURCE;
			t.bytes = (uint64_t)number(optarg, 1L << 40);
			break;
		default:
			return 64;
		}
	}
	if (argc - optind != 1)
		errx(64, "usage: taker [-d | -s bytes] path");
	serve(&t, listen_at(argv[optind], SOCK_SEQPACKET));
}
