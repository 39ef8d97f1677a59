/*
 * Many connections at once, held until standard input ends.
 *
 * Each goes as far as it is told: silent, a part of the name sent, or served,
 * which is to say that the reply and an echo of 64 bytes have come.  When all
 * are there, their number is printed.  At the end each sends the rest of its
 * name, or the next 64 bytes, and must get the right answer.  Any that does
 * not is lost, and the program fails.
 *
 * usage: hold [-p bytes | -s] [-d milliseconds] -n name port connections
 * -p  send so many bytes of the name
 * -s  have it served
 * -d  send one more byte each so often; then nothing is answered in the end
 */

#include <sys/epoll.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dial.h"
#include "number.h"

#define CONNS_MAX   65536
#define IN_FLIGHT   1000 /* less than any backlog */
#define WAVE        32   /* less than the queue of a taker */
#define LINE_MAX    512
#define ECHO_LEN    64
#define PATIENCE_MS 30000

struct conn {
	int fd;
	bool there;   /* as far as it is told to go */
	size_t wants; /* bytes that must come yet */
	bool begun;   /* the first byte of the reply was a + */
};

struct held {
	int loop;
	in_port_t port;
	const char *name;
	size_t part; /* of the request that is sent first */
	bool served;
	long drip_ms;
	struct conn *conns;
	long n;
	long made, there, lost;
	char request[LINE_MAX];
	size_t len;      /* of request, with 64 bytes if it is echoed */
	size_t line_len; /* without them */
};

/* What comes back from our servers and peers is "+OK FINE" and CR LF. */
#define REPLY_LEN 10

static void
conn_lost(struct held *h, struct conn *c)
{
	if (c->fd == -1)
		return;
	(void)close(c->fd); /* a socket's close has nothing to report */
	c->fd = -1;
	h->lost++;
	if (!c->there)
		h->there++;
}

static bool
conn_send(const struct conn *c, const char *p, size_t len)
{
	return send(c->fd, p, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* Read what there is.  Returns false if the connection is no good. */
static bool
conn_read(struct conn *c)
{
	char buf[LINE_MAX];
	ssize_t n;

	n = recv(c->fd, buf, sizeof(buf), 0);
	if (n == -1)
		return errno == EAGAIN;
	if (n == 0 || (size_t)n > c->wants || (!c->begun && buf[0] != '+'))
		return false;
	c->begun = true;
	c->wants -= (size_t)n;
	return true;
}

/* It is connected, or something came: on it goes. */
static void
conn_step(struct held *h, struct conn *c, bool connected)
{
	if (c->fd == -1)
		return;
	if (connected && !c->there && !c->begun) {
		struct epoll_event ev = { .events = EPOLLIN };

		ev.data.ptr = c;
		c->wants = h->served ? REPLY_LEN + ECHO_LEN : 0;
		if (epoll_ctl(h->loop, EPOLL_CTL_MOD, c->fd, &ev) == -1)
			err(1, "epoll_ctl");
		if (h->part > 0 && !conn_send(c, h->request, h->part)) {
			conn_lost(h, c);
			return;
		}
	} else if (!conn_read(c)) {
		conn_lost(h, c);
		return;
	}
	if (c->wants == 0 && !c->there) {
		c->there = true;
		h->there++;
	}
}

/* Wait for events until all are where they are told to be. */
static void
go_there(struct held *h)
{
	const long in_flight = h->served ? WAVE : IN_FLIGHT;
	struct epoll_event ev[64];
	struct conn *c;
	int i, n;

	while (h->there < h->n) {
		while (h->made < h->n && h->made - h->there < in_flight) {
			c = &h->conns[h->made++];
			ev[0].events = EPOLLOUT;
			ev[0].data.ptr = c;
			c->fd = dial(h->port);
			if (epoll_ctl(h->loop, EPOLL_CTL_ADD, c->fd, &ev[0]) ==
			    -1)
				err(1, "epoll_ctl");
		}
		n = epoll_wait(h->loop, ev, 64, PATIENCE_MS);
		if (n == -1 && errno != EINTR)
			err(1, "epoll_wait");
		if (n == 0)
			errx(1, "%ld connections wait in vain",
			    h->made - h->there);
		for (i = 0; i < n; i++)
			conn_step(h, ev[i].data.ptr,
			    (ev[i].events & EPOLLOUT) != 0);
	}
}

/* Every millisecond a part of the clients have their turn, evenly. */
static void
drip(struct held *h)
{
	struct pollfd end = { .fd = STDIN_FILENO, .events = POLLIN };
	struct timespec next;
	long done = 0, due, tick;

	if (clock_gettime(CLOCK_MONOTONIC, &next) == -1)
		err(1, "clock_gettime");
	for (tick = 1; poll(&end, 1, 0) == 0; tick++) {
		for (due = h->n * tick / h->drip_ms; done < due; done++) {
			struct conn *c = &h->conns[done % h->n];

			if (c->fd != -1 && !conn_send(c, "a", 1))
				conn_lost(h, c);
		}
		next.tv_nsec += 1000000;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next,
			   NULL) == EINTR)
			continue;
	}
}

static void
wait_for_end(void)
{
	char c;

	while (read(STDIN_FILENO, &c, 1) > 0)
		continue;
}

/*
 * All were held; now each must still be as good as new.  They come in waves
 * that a taker's queue can hold.
 */
static void
finish(struct held *h)
{
	struct conn *c;
	long end, i, n = h->n;

	h->there = h->n = 0;
	for (i = 0; i < n; i = end) {
		end = i + WAVE < n ? i + WAVE : n;
		h->n = end;
		for (c = &h->conns[i]; c < &h->conns[end]; c++) {
			c->there = c->fd == -1;
			if (c->there)
				h->there++;
			c->wants = h->served ? ECHO_LEN : REPLY_LEN;
			if (!c->there &&
			    !conn_send(c, h->request + h->part,
				h->len - h->part))
				conn_lost(h, c);
		}
		go_there(h);
	}
}

static void
prepare(struct held *h, bool part_given, size_t part)
{
	int len;

	len = snprintf(h->request, sizeof(h->request), "%s\r\n%064d%064d",
	    h->name, 0, 0);
	if (len < 0 || len >= (int)sizeof(h->request))
		errx(64, "the name is too long");
	h->line_len = (size_t)len - 2 * (size_t)ECHO_LEN;
	h->len = h->served ? (size_t)len : h->line_len;
	h->part = h->served ? h->line_len + ECHO_LEN : 0;
	if (part_given)
		h->part = part < h->line_len ? part : h->line_len - 1;
	h->conns = calloc((size_t)h->n, sizeof(*h->conns));
	if (h->conns == NULL)
		err(1, "calloc");
}

static void
options(struct held *h, int argc, char *argv[])
{
	long part = 0;
	int c;

	while ((c = getopt(argc, argv, "d:n:p:s")) != -1) {
		switch (c) {
		case 'd':
			h->drip_ms = number(optarg, 10000);
			break;
		case 'n':
			h->name = optarg;
			break;
		case 'p':
			part = number(optarg, 255);
			break;
		case 's':
			h->served = true;
			break;
		default:
			_exit(64);
		}
	}
	if (argc - optind != 2 || h->name == NULL)
		errx(64,
		    "usage: hold [-p bytes | -s] [-d ms] -n name "
		    "port connections");
	h->port = (in_port_t)number(argv[optind], 65535);
	h->n = number(argv[optind + 1], CONNS_MAX);
	prepare(h, part > 0, (size_t)part);
}

int
main(int argc, char *argv[])
{
	struct held h = { .loop = epoll_create1(EPOLL_CLOEXEC) };

	if (h.loop == -1)
		err(1, "epoll_create1");
	options(&h, argc, argv);
	go_there(&h);
	if (printf("%ld\n", h.n - h.lost) < 0 || fflush(stdout) == EOF)
		err(1, "stdout");
	if (h.drip_ms > 0)
		drip(&h);
	else
		wait_for_end();
	if (h.drip_ms == 0)
		finish(&h);
	if (h.lost > 0)
		errx(1, "%ld of %ld connections were lost", h.lost, h.n);
	return 0;
}
