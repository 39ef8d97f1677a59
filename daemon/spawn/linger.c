/*
 * Connections that have been refused: what still comes in is thrown away, for
 * a bounded time and up to a bounded number of bytes.
 */

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/spawn/linger.h"
#include "table/limits.h"

void
linger_init(struct lingerers *l, int loop, uint32_t slot)
{
	uint32_t i;

	*l = (struct lingerers){ .loop = loop, .slot = slot };
	for (i = 0; i < LINGER_MAX; i++)
		l->places[i].fd = -1;
}

static void
linger_close(struct lingerers *l, struct lingering *p)
{
	(void)close(p->fd); /* nothing is lost that was not thrown away */
	p->fd = -1;
	p->generation++;
	l->count--;
}

/*
 * Throw away what has come; TCP does that without copying it.  Returns
 * whether there may be more to come.
 */
static bool
linger_discard(struct lingering *p)
{
	ssize_t n;

	n = recv(p->fd, NULL, LIMIT_LINGER_BYTES, MSG_TRUNC | MSG_DONTWAIT);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	p->thrown += (uint32_t)n;
	return n > 0 && p->thrown < LIMIT_LINGER_BYTES;
}

void
linger_take_fd(struct lingerers *l, int fd, struct tcpmux_span text,
    int64_t now)
{
	struct lingering *p = &l->places[l->next];
	const struct loop_id id = { l->slot + l->next, p->generation + 1 };

	if (p->fd != -1)
		linger_close(l, p);
	p->fd = fd;
	p->generation = id.generation;
	p->thrown = 0;
	p->deadline = now + LIMIT_LINGER_MS;
	l->next = (l->next + 1) % LINGER_MAX;
	l->count++;
	/* A client that takes no more, or has gone, has itself to blame. */
	if ((text.len > 0 &&
		send(fd, text.p, text.len, MSG_DONTWAIT | MSG_NOSIGNAL) ==
		    -1) ||
	    shutdown(fd, SHUT_WR) == -1 || !linger_discard(p) ||
	    loop_watch_level(l->loop, fd, id) == -1)
		linger_close(l, p);
}

void
linger_event(struct lingerers *l, struct loop_id id)
{
	struct lingering *p = &l->places[id.slot - l->slot];

	if (p->fd != -1 && p->generation == id.generation && !linger_discard(p))
		linger_close(l, p);
}

int
linger_expire(struct lingerers *l, int64_t now)
{
	struct lingering *p;
	uint32_t i;

	for (i = 0; i < LINGER_MAX && l->count > 0; i++) {
		p = &l->places[(l->next + i) % LINGER_MAX];
		if (p->fd == -1)
			continue;
		if (p->deadline > now)
			return (int)(p->deadline - now);
		linger_close(l, p);
	}
	return -1;
}
