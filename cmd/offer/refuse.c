/*
 * Connections that are refused, and a bounded time to hear of it.
 */

#include <errno.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/clock.h"
#include "cmd/offer/refuse.h"
#include "tcpmux.h"

int
refuse_init(struct refusals *r)
{
	unsigned int i;

	r->next = r->count = 0;
	for (i = 0; i < REFUSE_MAX; i++)
		r->places[i].fd = -1;
	r->loop = epoll_create1(EPOLL_CLOEXEC);
	return r->loop == -1 ? -1 : 0;
}

static void
end(struct refusals *r, struct refused *p)
{
	(void)close(p->fd); /* nothing is lost that was not thrown away */
	p->fd = -1;
	r->count--;
}

/* Returns whether there may be more to come. */
static bool
discard(struct refused *p)
{
	const ssize_t n =
	    recv(p->fd, NULL, REFUSE_BYTES, MSG_TRUNC | MSG_DONTWAIT);

	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	p->thrown += n;
	return n > 0 && p->thrown < REFUSE_BYTES;
}

void
refuse_take_fd(struct refusals *r, int fd, const char *text)
{
	struct refused *p = &r->places[r->next];
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = p };

	if (p->fd != -1)
		end(r, p);
	*p = (struct refused){ fd, 0, clock_now() + REFUSE_MS };
	r->next = (r->next + 1) % REFUSE_MAX;
	r->count++;
	/* A client that takes no more, or has gone, has itself to blame. */
	if (tcpmux_reply(fd, '-', text) != 0 || shutdown(fd, SHUT_WR) == -1 ||
	    !discard(p) || epoll_ctl(r->loop, EPOLL_CTL_ADD, fd, &event) == -1)
		end(r, p);
}

int
refuse_step(struct refusals *r)
{
	struct epoll_event events[REFUSE_MAX];
	struct refused *p;
	int64_t time;
	unsigned int i;
	int n;

	if (r->count == 0)
		return -1;
	n = epoll_wait(r->loop, events, REFUSE_MAX, 0);
	while (n-- > 0) {
		p = events[n].data.ptr;
		if (p->fd != -1 && !discard(p))
			end(r, p);
	}
	time = clock_now();
	/* From the oldest on; the first that is not late yet is next. */
	for (i = 0; i < REFUSE_MAX && r->count > 0; i++) {
		p = &r->places[(r->next + i) % REFUSE_MAX];
		if (p->fd != -1 && p->deadline > time)
			return (int)(p->deadline - time);
		if (p->fd != -1)
			end(r, p);
	}
	return -1;
}
