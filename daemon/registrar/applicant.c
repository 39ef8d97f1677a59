/*
 * Applicants: who has connected to the control socket and has not yet asked
 * for anything.
 *
 * All wait equally long, so that the oldest is the next to be late.
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/registrar/applicant.h"
#include "daemon/registrar/errands.h"
#include "daemon/registrar/offer.h"
#include "daemon/registrar/registrar.h"
#include "os/message.h"
#include "os/peer.h"

#define PLACE_NONE UINT32_MAX

struct applicant {
	int fd; /* -1: this place is free */
	uint32_t generation;
	uint32_t uid;
	int64_t deadline;
	uint32_t prev, next; /* by age; or of the free places */
};

struct applicants {
	uint32_t first_slot;
	uint32_t oldest, newest, free;
	struct applicant v[APPLICANTS_MAX];
};

struct applicants *
applicants_new(uint32_t first)
{
	struct applicants *a = calloc(1, sizeof(*a));
	uint32_t i;

	if (a == NULL)
		return NULL;
	a->first_slot = first;
	a->oldest = a->newest = PLACE_NONE;
	for (i = 0; i < APPLICANTS_MAX; i++) {
		a->v[i].fd = -1;
		a->v[i].next = i + 1 < APPLICANTS_MAX ? i + 1 : PLACE_NONE;
	}
	return a;
}

/* He waits no longer; his socket is the caller's. */
static int
release(struct applicants *a, const struct registry *r, uint32_t i)
{
	struct applicant *p = &a->v[i];
	const int fd = p->fd;

	if (p->prev != PLACE_NONE)
		a->v[p->prev].next = p->next;
	else
		a->oldest = p->next;
	if (p->next != PLACE_NONE)
		a->v[p->next].prev = p->prev;
	else
		a->newest = p->prev;
	(void)loop_forget(r->loop, fd); /* he is watched */
	p->fd = -1;
	p->generation++;
	p->next = a->free;
	a->free = i;
	return fd;
}

static void
refuse(struct applicants *a, const struct registry *r, uint32_t i,
    enum request_answer why)
{
	const int fd = release(a, r, i);

	grant_refuse(fd, why);
	(void)close(fd); /* he has been told */
}

/* Make room for one more of this user. */
static void
make_room(struct applicants *a, const struct registry *r, uint32_t uid)
{
	uint32_t i, of_user = 0, oldest = PLACE_NONE;

	for (i = a->newest; i != PLACE_NONE; i = a->v[i].prev) {
		if (a->v[i].uid != uid)
			continue;
		of_user++;
		oldest = i;
	}
	if (of_user >= APPLICANTS_PER_USER_MAX)
		refuse(a, r, oldest, REQUEST_BUSY);
	else if (a->free == PLACE_NONE)
		refuse(a, r, a->oldest, REQUEST_BUSY);
}

/* Let somebody wait; owns fd. */
static void
let_wait(struct applicants *a, const struct registry *r, int fd, uint32_t uid,
    int64_t deadline)
{
	struct applicant *p;
	struct loop_id id;
	uint32_t i;

	make_room(a, r, uid);
	i = a->free;
	p = &a->v[i];
	id = (struct loop_id){ a->first_slot + i, p->generation };
	if (loop_watch_level(r->loop, fd, id) == -1) {
		(void)close(fd); /* he may come again */
		return;
	}
	a->free = p->next;
	p->fd = fd;
	p->uid = uid;
	p->deadline = deadline;
	p->prev = a->newest;
	p->next = PLACE_NONE;
	if (a->newest != PLACE_NONE)
		a->v[a->newest].next = i;
	else
		a->oldest = i;
	a->newest = i;
}

/*
 * Hear what he has to say.  Returns false if that is nothing yet; else fd is
 * an offer's or the monitor's, or is closed.
 */
static bool
hear(struct registry *r, int fd, const struct peer *peer)
{
	const struct tcpmux_span nothing = { NULL, 0 };
	char line[TCPMUX_REQUEST_MAX];
	struct request q;
	ssize_t n;

	n = message_receive(fd, line, sizeof(line), NULL);
	if (n == -1 && errno == EAGAIN)
		return false;
	if (n > 0 && request_parse(line, (size_t)n, &q) == 0) {
		if (q.what != ASK_OFFER) {
			errands_request(r->errands, r, fd, peer, &q);
			return true;
		}
		if (offer_request(r, fd, peer, &q))
			return true;
	} else if (n != 0)
		offer_refuse(r, fd, peer, nothing, REQUEST_UNCLEAR);
	else
		/* He has gone, or said nothing: who knows? */
		grant_refuse(fd, REQUEST_UNCLEAR);
	(void)close(fd); /* he has been told */
	return true;
}

static void
admit(struct applicants *a, struct registry *r, int fd)
{
	static struct peer peer; /* it is large */

	if (peer_read(fd, &peer) == -1) {
		(void)close(fd); /* nobody knows who that is */
		return;
	}
	/* The request has often come already, and needs no loop then. */
	if (!hear(r, fd, &peer))
		let_wait(a, r, fd, peer.uid, r->now + REGISTRAR_REQUEST_MS);
}

bool
applicants_accept(struct applicants *a, struct registry *r, int listener)
{
	const int flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
	const int fd = accept4(listener, NULL, NULL, flags);

	if (fd == -1)
		return errno == EAGAIN || errno == ECONNABORTED;
	admit(a, r, fd);
	return true;
}

void
applicants_adopt(struct applicants *a, struct registry *r, int fd,
    int64_t deadline)
{
	static struct peer peer; /* it is large */

	if (peer_read(fd, &peer) == -1)
		(void)close(fd); /* nobody knows who that is */
	else
		let_wait(a, r, fd, peer.uid, deadline);
}

void
applicants_event(struct applicants *a, struct registry *r, struct loop_id id)
{
	static struct peer peer; /* it is large */
	const uint32_t i = id.slot - a->first_slot;
	int fd;

	if (a->v[i].fd == -1 || a->v[i].generation != id.generation)
		return;
	fd = release(a, r, i);
	if (peer_read(fd, &peer) == -1 || !hear(r, fd, &peer))
		(void)close(fd); /* to be readable and silent is the end */
}

int64_t
applicants_due(struct applicants *a, struct registry *r)
{
	while (a->oldest != PLACE_NONE && a->v[a->oldest].deadline <= r->now)
		refuse(a, r, a->oldest, REQUEST_LATE);
	return a->oldest == PLACE_NONE ? INT64_MAX : a->v[a->oldest].deadline;
}

void
applicants_stop(struct applicants *a, struct registry *r)
{
	while (a->oldest != PLACE_NONE)
		refuse(a, r, a->oldest, REQUEST_STOPPING);
}

int
applicants_get(const struct applicants *a, uint32_t *step, int64_t *deadline)
{
	uint32_t i = a->oldest, n;

	for (n = 0; n < *step && i != PLACE_NONE; n++)
		i = a->v[i].next;
	if (i == PLACE_NONE)
		return -1;
	(*step)++;
	*deadline = a->v[i].deadline;
	return a->v[i].fd;
}
