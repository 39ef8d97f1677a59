/*
 * The client of the benchmark: connects many times, asks for a name, reads one
 * reply and closes, so many connections at a time.
 *
 * A good reply begins with + and ends with CR LF.  With -e, 64 bytes go with
 * the name and must come back behind the reply.  With -q nothing is expected,
 * and the end of the connection is as good.  With -s, the names are NAME0 to
 * the one before NAMEn, in an order that no cache can guess.
 *
 * With -f, so many percent of the connections may fail.
 *
 * usage: client [-eq] [-c connections at a time] [-f percent] [-n name]
 *        [-s names] port connections
 */

#include <sys/epoll.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dial.h"
#include "number.h"

#define CONNS_MAX   1024
#define REPLY_MAX   512
#define ECHO_LEN    64
#define PATIENCE_MS 10000

struct conn {
	int fd;
	bool asked;
	size_t len; /* of reply */
	char reply[REPLY_MAX];
};

struct load {
	int loop;
	in_port_t port;
	bool quiet;
	const char *name;
	long names;      /* 0: just the one */
	size_t echo_len; /* of what must come back */
	long left;       /* connections to be made yet */
	int open;
	long good, failed;
};

static char echo[ECHO_LEN + 1] =
    "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqr";

static void
conn_open(struct load *l, struct conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET };

	ev.data.ptr = c;
	c->asked = false;
	c->len = 0;
	c->fd = dial(l->port);
	if (epoll_ctl(l->loop, EPOLL_CTL_ADD, c->fd, &ev) == -1)
		err(1, "epoll_ctl");
	l->left--;
	l->open++;
}

/* The conversation is over, well or not: the next takes its place. */
static void
conn_close(struct load *l, struct conn *c, bool good)
{
	(void)close(c->fd); /* a socket's close has nothing to report */
	l->open--;
	if (good)
		l->good++;
	else
		l->failed++;
	if (l->left > 0)
		conn_open(l, c);
}

static bool
is_whole(const struct conn *c, size_t echo_len)
{
	/* xinetd has a NUL behind it. */
	const char *end = memmem(c->reply, c->len, "\r\n", 2);

	return end != NULL &&
	    (size_t)(c->reply + c->len - (end + 2)) >= echo_len;
}

static bool
is_good(const struct conn *c, size_t echo_len)
{
	return is_whole(c, echo_len) && c->reply[0] == '+' &&
	    (echo_len == 0 ||
		memcmp(c->reply + c->len - echo_len, echo, echo_len) == 0);
}

/* Returns false if nothing can come of this connection any more. */
static bool
ask(struct load *l, struct conn *c)
{
	char request[REPLY_MAX];
	int len;

	c->asked = true;
	if (l->name == NULL)
		return true;
	if (l->names == 0)
		len = snprintf(request, sizeof(request), "%s\r\n%.*s", l->name,
		    (int)l->echo_len, echo);
	else
		len = snprintf(request, sizeof(request), "%s%ld\r\n%.*s",
		    l->name, l->left * 7919 % l->names, (int)l->echo_len, echo);
	if (len < 0 || len >= (int)sizeof(request))
		errx(64, "the name is too long");
	return send(c->fd, request, (size_t)len, MSG_NOSIGNAL) == len;
}

static void
conn_step(struct load *l, struct conn *c, uint32_t events)
{
	ssize_t n;

	if (!c->asked) {
		if (!(events & (EPOLLOUT | EPOLLHUP | EPOLLERR)))
			return;
		if (!ask(l, c)) {
			conn_close(l, c, l->quiet && errno != ECONNREFUSED);
			return;
		}
	}
	for (;;) {
		n = recv(c->fd, c->reply + c->len, REPLY_MAX - c->len, 0);
		if (n == -1 && errno == EAGAIN)
			return;
		if (n <= 0)
			break;
		c->len += (size_t)n;
		if (is_whole(c, l->echo_len))
			break;
	}
	conn_close(l, c,
	    is_good(c, l->echo_len) ||
		(l->quiet && (n == 0 || errno == ECONNRESET)));
}

static void
load_run(struct load *l, int at_a_time)
{
	static struct conn conns[CONNS_MAX];
	struct epoll_event ev[64];
	int i, n;

	for (i = 0; i < at_a_time && l->left > 0; i++)
		conn_open(l, &conns[i]);
	while (l->open > 0) {
		n = epoll_wait(l->loop, ev, 64, PATIENCE_MS);
		if (n == -1 && errno != EINTR)
			err(1, "epoll_wait");
		if (n == 0)
			errx(1, "%d connections wait in vain", l->open);
		for (i = 0; i < n; i++)
			conn_step(l, ev[i].data.ptr, ev[i].events);
	}
}

int
main(int argc, char *argv[])
{
	struct load l = { .loop = epoll_create1(EPOLL_CLOEXEC) };
	int at_a_time = 16;
	long percent = 0;
	int c;

	if (l.loop == -1)
		err(1, "epoll_create1");
	while ((c = getopt(argc, argv, "c:ef:n:qs:")) != -1) {
		switch (c) {
		case 'c':
			at_a_time = (int)number(optarg, CONNS_MAX);
			break;
		case 'e':
			l.echo_len = ECHO_LEN;
			break;
		case 'f':
			percent = number(optarg, 100);
			break;
		case 'n':
			l.name = optarg;
			break;
		case 'q':
			l.quiet = true;
			break;
		case 's':
			l.names = number(optarg, 1000000);
			break;
		default:
			return 64;
		}
	}
	if (argc - optind != 2)
		errx(64,
		    "usage: client [-eq] [-c n] [-f percent] [-n name] "
		    "[-s names] port connections");
	l.port = (in_port_t)number(argv[optind], 65535);
	l.left = number(argv[optind + 1], 1000000000);
	load_run(&l, at_a_time);
	if (l.failed * 100 > percent * (l.failed + l.good))
		errx(1, "%ld of %ld connections failed", l.failed,
		    l.failed + l.good);
	return 0;
}
