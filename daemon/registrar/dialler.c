/*
 * The programs at the sockets that the configuration names: each is dialled,
 * again and again while it is not there.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/handover.h"
#include "daemon/registrar/dialler.h"
#include "daemon/registrar/unread.h"
#include "os/descriptor.h"
#include "os/log.h"
#include "os/message.h"

/* The first wait before a program is dialled again, and the longest. */
#define DIAL_FIRST_MS 50
#define DIAL_LAST_MS  1000

/* One service's program. */
struct dialled {
	uint32_t service;
	uint32_t generation; /* of its socket, for the loop */
	int fd;              /* -1: not there */
	int old;             /* has connections it did not take; or -1 */
	int64_t due;         /* when it is dialled again */
	int64_t wait;
};

struct dialler {
	int64_t due; /* the first of all */
	struct dialled v[];
};

int
dialler_init(struct registry *r)
{
	const struct table *t = r->g->table;
	uint32_t i, n = 0;

	r->ndialled = table_count(t, SERVICE_SOCKET);
	r->dialler = calloc(1,
	    sizeof(*r->dialler) + r->ndialled * sizeof(struct dialled));
	if (r->dialler == NULL)
		return -1;
	for (i = 0; i < t->nservices; i++)
		if (t->services[i].kind == SERVICE_SOCKET)
			r->dialler->v[n++] = (struct dialled){
				.service = i,
				.fd = -1,
				.old = -1,
				.wait = DIAL_FIRST_MS,
			};
	return 0;
}

/* Returns a connected socket, or -1 with errno. */
static int
dial(const char *path)
{
	const int flags = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
	const int room = HANDOVER_SNDBUF;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, saved;

	/* The configuration has no longer path. */
	memcpy(sun.sun_path, path, strnlen(path, sizeof(sun.sun_path) - 1));
	fd = socket(AF_UNIX, flags, 0);
	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) == -1 ||
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		goto fail;
	return fd;
fail:
	saved = errno;
	(void)close(fd); /* nobody has seen it */
	errno = saved;
	return -1;
}

/* It is not there, or not any more: dial again, after a while. */
static void
dial_later(const struct registry *r, struct dialled *d)
{
	d->due = r->now + d->wait;
	d->wait = d->wait * 2 < DIAL_LAST_MS ? d->wait * 2 : DIAL_LAST_MS;
}

static void
dial_one(struct registry *r, uint32_t i)
{
	struct dialled *d = &r->dialler->v[i];
	const struct service *s = &r->g->table->services[d->service];
	const struct loop_id id = { i, d->generation };

	/* Else a program could have ever more of them (unread.h). */
	if (d->old != -1 && unread_waits(d->old)) {
		d->due = r->now + UNREAD_LOOK_MS;
		return;
	}
	descriptor_close(&d->old);
	d->fd = dial(s->socket);
	if (d->fd == -1) {
		if (d->wait == DIAL_FIRST_MS)
			log_say("service %s: nobody is at %s: %s", s->name,
			    s->socket, strerror(errno));
		dial_later(r, d);
		return;
	}
	if (loop_watch_level(r->loop, d->fd, id) == -1) {
		(void)close(d->fd); /* nobody has been told of it */
		d->fd = -1;
		dial_later(r, d);
		return;
	}
	if (d->wait != DIAL_FIRST_MS)
		log_say("service %s: somebody is at %s again", s->name,
		    s->socket);
	d->wait = DIAL_FIRST_MS;
	news_change(r->news, i);
}

int64_t
dialler_due(struct registry *r)
{
	struct dialler *all = r->dialler;
	int64_t next = INT64_MAX;
	uint32_t i;

	if (all->due > r->now)
		return all->due;
	for (i = 0; i < r->ndialled; i++) {
		if (all->v[i].fd == -1 && all->v[i].due <= r->now)
			dial_one(r, i);
		if (all->v[i].fd == -1 && all->v[i].due < next)
			next = all->v[i].due;
	}
	all->due = next;
	return next;
}

/* What a program says to us means nothing; its end does. */
void
dialler_event(struct registry *r, struct loop_id id)
{
	struct dialled *d = &r->dialler->v[id.slot];
	char byte;
	ssize_t n;

	if (d->fd == -1 || d->generation != id.generation)
		return;
	/* One at a time, so that it cannot keep us from all the others. */
	n = message_receive(d->fd, &byte, 1, NULL);
	if (n > 0 || (n == -1 && (errno == EAGAIN || errno == EMSGSIZE)))
		return;
	(void)loop_forget(r->loop, d->fd); /* it is watched */
	d->old = d->fd;                    /* it is at its end */
	d->fd = -1;
	d->generation++;
	/* Soon: it may be starting again, or closing whatever comes. */
	d->due = r->now + DIAL_FIRST_MS;
	if (r->dialler->due > d->due)
		r->dialler->due = d->due;
	news_change(r->news, id.slot);
}

int
dialler_say(const struct registry *r, uint32_t subject, struct taker_message *m)
{
	const struct dialled *d = &r->dialler->v[subject];

	m->what = d->fd == -1 ? TAKER_GONE : TAKER_HERE;
	m->taker = subject;
	m->service = d->service;
	return d->fd;
}
