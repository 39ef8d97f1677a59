/*
 * The client of the benchmark: connects many times, asks for a name, reads one
 * reply and closes, so many connections at a time.
 *
 * Each takes the next of 10,160 source addresses, 127.0.1.1 to 127.0.40.254,
 * so that no run ends for want of ports while old connections linger in
 * TIME_WAIT.  A good reply begins with + and ends with CR LF.  With -q none
 * is expected, and the end of the connection is as good.
 *
 * usage: client [-q] [-c connections at a time] [-n name] port connections
 */

#include <sys/epoll.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNS_MAX   1024
#define REPLY_MAX   512
#define PATIENCE_MS 10000

/* Source addresses: 127.0.1.1 and those behind it, 254 of each 256. */
#define SOURCE_FIRST 0x7f000101U
#define SOURCES      (40 * 254)

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
	char request[REPLY_MAX];
	size_t len; /* of request */
	long left;  /* connections to be made yet */
	int open;
	unsigned int source;
	long good, failed;
};

static struct sockaddr_in
address(uint32_t host, in_port_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	a.sin_addr.s_addr = htonl(host);
	a.sin_port = htons(port);
	return a;
}

/* Begin a connection.  What fails here is this machine's fault: the end. */
static void
conn_open(struct load *l, struct conn *c)
{
	const unsigned int n = l->source++ % SOURCES;
	const struct sockaddr_in from =
	    address(SOURCE_FIRST + n / 254 * 256 + n % 254, 0);
	const struct sockaddr_in to = address(INADDR_LOOPBACK, l->port);
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	const int on = 1;

	ev.data.ptr = c;
	c->asked = false;
	c->len = 0;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1 ||
	    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
		sizeof(on)) == -1 ||
	    bind(c->fd, (const struct sockaddr *)&from, sizeof(from)) == -1 ||
	    (connect(c->fd, (const struct sockaddr *)&to, sizeof(to)) == -1 &&
		errno != EINPROGRESS) ||
	    epoll_ctl(l->loop, EPOLL_CTL_ADD, c->fd, &ev) == -1)
		err(1, "cannot connect");
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
is_whole(const struct conn *c)
{
	/* xinetd has a NUL behind it. */
	return memmem(c->reply, c->len, "\r\n", 2) != NULL;
}

static bool
is_good(const struct conn *c)
{
	return is_whole(c) && c->reply[0] == '+';
}

/* Returns false if nothing can come of this connection any more. */
static bool
ask(const struct load *l, struct conn *c)
{
	c->asked = true;
	return l->len == 0 ||
	    send(c->fd, l->request, l->len, MSG_NOSIGNAL) == (ssize_t)l->len;
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
		if (is_whole(c))
			break;
	}
	conn_close(l, c,
	    is_good(c) || (l->quiet && (n == 0 || errno == ECONNRESET)));
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

static long
number(const char *text, long max)
{
	char *end;
	long n;

	n = strtol(text, &end, 10);
	if (end == text || *end != '\0' || n < 1 || n > max)
		errx(64, "%s: not a number from 1 to %ld", text, max);
	return n;
}

static void
set_request(struct load *l, const char *name)
{
	int len;

	if (*name == '\0')
		return;
	len = snprintf(l->request, sizeof(l->request), "%s\r\n", name);
	if (len >= (int)sizeof(l->request))
		errx(64, "the name is too long");
	l->len = (size_t)len;
}

int
main(int argc, char *argv[])
{
	struct load l = { .loop = epoll_create1(EPOLL_CLOEXEC) };
	int at_a_time = 16;
	int c;

	if (l.loop == -1)
		err(1, "epoll_create1");
	while ((c = getopt(argc, argv, "c:n:q")) != -1) {
		switch (c) {
		case 'c':
			at_a_time = (int)number(optarg, CONNS_MAX);
			break;
		case 'n':
			set_request(&l, optarg);
			break;
		case 'q':
			l.quiet = true;
			break;
		default:
			return 64;
		}
	}
	if (argc - optind != 2)
		errx(64, "usage: client [-q] [-c n] [-n name] port count");
	l.port = (in_port_t)number(argv[optind], 65535);
	l.left = number(argv[optind + 1], 1000000000);
	load_run(&l, at_a_time);
	if (l.failed > 0)
		errx(1, "%ld of %ld connections failed", l.failed,
		    l.failed + l.good);
	return 0;
}
