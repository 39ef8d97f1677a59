/*
 * Connections that wait for nobody: those that a program has not taken from
 * its offer when that ended, though it keeps its end of the socket.
 */

#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "daemon/registrar/unread.h"

struct unread {
	int fd;
	uint32_t uid;
};

int
unread_init(struct registry *r)
{
	r->nunread = 0;
	r->unread = calloc((size_t)r->g->max_offers + 1, sizeof(*r->unread));
	return r->unread == NULL ? -1 : 0;
}

bool
unread_waits(int fd)
{
	int bytes;

	return ioctl(fd, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

/* All that was to be said over it has been, and read. */
static void
settle(struct registry *r, int fd, uint32_t uid)
{
	(void)close(fd); /* nothing is left in it */
	book_settle(r->book, uid);
}

void
unread_close(struct registry *r, int fd, uint32_t uid)
{
	/* There are no more of them than the book has room for. */
	if (!unread_waits(fd) || r->nunread == r->g->max_offers) {
		settle(r, fd, uid);
		return;
	}
	if (r->nunread == 0)
		r->unread_due = r->now + UNREAD_LOOK_MS;
	r->unread[r->nunread++] = (struct unread){ fd, uid };
}

void
unread_look(struct registry *r)
{
	uint32_t i = 0;

	while (i < r->nunread) {
		const struct unread u = r->unread[i];

		if (unread_waits(u.fd)) {
			i++;
			continue;
		}
		r->unread[i] = r->unread[--r->nunread];
		settle(r, u.fd, u.uid);
	}
}

int64_t
unread_due(struct registry *r)
{
	if (r->nunread > 0 && r->unread_due <= r->now) {
		unread_look(r);
		r->unread_due = r->now + UNREAD_LOOK_MS;
	}
	return r->nunread > 0 ? r->unread_due : INT64_MAX;
}

uint32_t
unread_count(const struct registry *r)
{
	return r->nunread;
}

int
unread_get(const struct registry *r, uint32_t number, uint32_t *uid)
{
	*uid = r->unread[number].uid;
	return r->unread[number].fd;
}
