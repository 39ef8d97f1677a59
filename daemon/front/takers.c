/*
 * The programs that take connections themselves, as a front knows them.
 *
 * Each taker has a place by its number.  Those of one name are a ring, which
 * begins with the one whose turn it is.
 */

#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/front/takers.h"
#include "os/descriptor.h"
#include "os/message.h"

/*
 * So many other names come before a number is taken again (see offers.h): more
 * than the channel ever holds, so that a connection that waits for a taker of
 * its name (TAKER_SOON) has its turn before the number can be another name's.
 */
#define NAMES_SPARE 1024

struct taker {
	int fd; /* if it is here; -1: it comes in a moment */
	bool here;
	bool hidden;
	uint32_t what; /* it serves; as for takers_find() */
	uint32_t prev, next;
};

/*
 * What was never used is 0, and takes no memory.  So a ring is known by the
 * number of its first taker and one more, and 0 is nobody.
 */
struct takers {
	const struct table *table;
	int channel;
	uint32_t max;
	struct taker *v;
	uint32_t *services; /* the ring of each service */
	uint32_t *names;    /* of each offered name, by its number */
	uint8_t *stale;     /* names that another registrar has yet to say */
	struct offers *offers;
};

uint32_t
takers_max(const struct generation *g)
{
	return table_count(g->table, SERVICE_SOCKET) + g->max_offers;
}

uint32_t
takers_offers_max(const struct generation *g)
{
	const uint32_t wanted = g->table->max_offers;
	struct rlimit nofile = { 0, 0 };

	if (g->control == -1)
		return 0;
	/* Cannot fail: the resource exists and nofile is valid. */
	(void)getrlimit(RLIMIT_NOFILE, &nofile);
	if (nofile.rlim_cur / TAKERS_OFFERS_PART >= wanted)
		return wanted;
	return (uint32_t)(nofile.rlim_cur / TAKERS_OFFERS_PART);
}

bool
takers_serve(const struct table *t, uint32_t what)
{
	return what >= TAKERS_OFFERED ||
	    t->services[what].kind == SERVICE_SOCKET ||
	    t->services[what].kind == SERVICE_OFFERED;
}

struct takers *
takers_new(const struct generation *g, int channel)
{
	const uint32_t max = channel == -1 ? 0 : takers_max(g);
	/* Names are said anew before the old ones are forgotten. */
	const uint32_t names = max == 0 ? 0 : 2 * max + NAMES_SPARE;
	struct takers *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->table = g->table;
	t->channel = channel;
	t->max = max;
	t->v = calloc((size_t)max + 1, sizeof(*t->v));
	t->services = calloc(g->table->nservices, sizeof(*t->services));
	t->names = calloc((size_t)names + 1, sizeof(*t->names));
	t->stale = calloc((size_t)names + 1, sizeof(*t->stale));
	t->offers = offers_new(names);
	if (t->v == NULL || t->services == NULL || t->names == NULL ||
	    t->stale == NULL || t->offers == NULL) {
		takers_free(t);
		return NULL;
	}
	return t;
}

/* Where the ring of those who serve something begins. */
static uint32_t *
ring_of(const struct takers *t, uint32_t what)
{
	return what >= TAKERS_OFFERED ? &t->names[what - TAKERS_OFFERED] :
					&t->services[what];
}

/* A taker at the end of its ring: it has its turn after the others. */
static void
ring_append(struct takers *t, uint32_t taker)
{
	uint32_t *ring = ring_of(t, t->v[taker].what);
	struct taker *new = &t->v[taker], *first;

	if (*ring == 0) {
		new->prev = new->next = taker;
		*ring = taker + 1;
		return;
	}
	first = &t->v[*ring - 1];
	new->next = *ring - 1;
	new->prev = first->prev;
	t->v[first->prev].next = taker;
	first->prev = taker;
}

static void
ring_remove(struct takers *t, uint32_t taker)
{
	uint32_t *ring = ring_of(t, t->v[taker].what);
	const struct taker *old = &t->v[taker];

	if (old->next == taker) {
		*ring = 0;
		return;
	}
	t->v[old->prev].next = old->next;
	t->v[old->next].prev = old->prev;
	if (*ring - 1 == taker)
		*ring = old->next + 1;
}

void
takers_forget(struct takers *t, uint32_t taker)
{
	if (taker >= t->max || !t->v[taker].here)
		return;
	ring_remove(t, taker);
	descriptor_close(&t->v[taker].fd); /* whoever it was is gone */
	t->v[taker].here = false;
}

/* Everybody who serves this is gone. */
static void
forget_ring(struct takers *t, uint32_t what)
{
	const uint32_t *ring = ring_of(t, what);

	while (*ring != 0)
		takers_forget(t, *ring - 1);
}

static void
forget_name(struct takers *t, uint32_t number)
{
	forget_ring(t, TAKERS_OFFERED + number);
	offers_remove(t->offers, number);
	t->stale[number] = false;
}

/* Another registrar begins: until it has said all, the names are kept. */
static void
forget_all(struct takers *t)
{
	const struct offers *o = t->offers;
	struct tcpmux_span name = { NULL, 0 };
	uint32_t i;

	for (i = 0; i < t->max; i++)
		takers_forget(t, i);
	while ((i = offers_behind(o, name)) != OFFER_NONE) {
		t->stale[i] = true;
		name = offers_name(o, i);
	}
}

/* It has: what it has not said is no more. */
static void
forget_stale(struct takers *t)
{
	const struct offers *o = t->offers;
	struct tcpmux_span name = { NULL, 0 };
	uint32_t i;

	while ((i = offers_behind(o, name)) != OFFER_NONE) {
		name = offers_name(o, i);
		if (t->stale[i])
			forget_name(t, i); /* its bytes stay */
	}
}

/* The number of an offered name, which is taken in if need be. */
static uint32_t
take_name(struct takers *t, struct tcpmux_span name)
{
	uint32_t number = offers_find(t->offers, name);

	/* Who comes back may spell it in another way. */
	if (number != OFFER_NONE && t->names[number] == 0 &&
	    memcmp(offers_name(t->offers, number).p, name.p, name.len) != 0) {
		forget_name(t, number);
		number = OFFER_NONE;
	}
	if (number == OFFER_NONE)
		number = offers_add(t->offers, name);
	if (number != OFFER_NONE)
		t->stale[number] = false;
	return number;
}

/* One more, with its queue, which is closed if nothing can be done with it. */
static void
take_taker(struct takers *t, const struct taker_message *m, int fd)
{
	const struct tcpmux_span name = { m->name, m->len };
	uint32_t what = m->service;

	if (what == SERVICE_NONE) {
		what = take_name(t, name);
		if (what == OFFER_NONE) {
			descriptor_close(&fd); /* there is no room */
			return;
		}
		what += TAKERS_OFFERED;
	}
	takers_forget(t, m->taker);
	t->v[m->taker] = (struct taker){
		.fd = fd,
		.here = true,
		.hidden = m->hidden != 0,
		.what = what,
	};
	ring_append(t, m->taker);
}

/* Is it a name, and no service's? */
static bool
is_name(const struct takers *t, const struct taker_message *m)
{
	const struct tcpmux_span name = { m->name, m->len };

	return m->len <= sizeof(m->name) && tcpmux_check_name(name) == 0 &&
	    table_find(t->table, name) == SERVICE_NONE;
}

/* Is that somebody who can be here, with his queue? */
static bool
is_taker(const struct takers *t, const struct taker_message *m, int fd)
{
	if ((fd == -1) != (m->what == TAKER_SOON) || m->taker >= t->max)
		return false;
	if (m->service == SERVICE_NONE)
		return is_name(t, m);
	return m->service < t->table->nservices &&
	    takers_serve(t->table, m->service);
}

/* Do what a message says, of which fd comes, or -1. */
static void
obey(struct takers *t, const struct taker_message *m, int fd)
{
	const struct tcpmux_span name = { m->name, m->len };
	uint32_t number;

	if ((m->what == TAKER_SOON || m->what == TAKER_HERE) &&
	    is_taker(t, m, fd)) {
		take_taker(t, m, fd);
		return;
	}
	if (fd != -1)
		(void)close(fd); /* of a message that says nothing */
	switch (m->what) {
	case TAKER_GONE:
		takers_forget(t, m->taker);
		break;
	case TAKER_KEPT:
		if (is_name(t, m) &&
		    (number = take_name(t, name)) != OFFER_NONE)
			forget_ring(t, TAKERS_OFFERED + number);
		break;
	case TAKER_FREE:
		if (is_name(t, m) &&
		    (number = offers_find(t->offers, name)) != OFFER_NONE)
			forget_name(t, number);
		break;
	case TAKER_ALL:
		forget_stale(t);
		break;
	case TAKER_FORGET:
		forget_all(t);
		break;
	}
}

bool
takers_receive(struct takers *t)
{
	struct taker_message m;
	bool all = false;
	ssize_t n;
	int fd;

	while (t->channel != -1) {
		n = message_receive(t->channel, &m, sizeof(m), &fd);
		if (n == -1 && errno == EMSGSIZE)
			continue; /* that one is lost; the next may not be */
		if (n <= 0)
			break;
		if (n == sizeof(m)) {
			all |= m.what == TAKER_ALL;
			obey(t, &m, fd);
		} else if (fd != -1)
			(void)close(fd); /* of what is no message */
	}
	return all;
}

const struct offers *
takers_offers(const struct takers *t)
{
	return t->offers;
}

bool
takers_are_there(const struct takers *t, uint32_t what)
{
	return *ring_of(t, what) != 0;
}

bool
takers_are_listed(const struct takers *t, uint32_t what)
{
	const uint32_t first = *ring_of(t, what);
	uint32_t i = first;

	if (first == 0)
		return false;
	do {
		if (t->v[i - 1].hidden)
			return false;
		i = t->v[i - 1].next + 1;
	} while (i != first);
	return true;
}

/* Bytes that wait in a queue; if the kernel cannot say, it is no choice. */
static int
queued(int queue)
{
	int n;

	return ioctl(queue, SIOCOUTQ, &n) == -1 ? INT_MAX : n;
}

/* Of a ring of several, the first of those with the fewest that wait. */
static uint32_t
find_least(const struct takers *t, uint32_t first)
{
	uint32_t i = first, best = first;
	int n, least = INT_MAX;

	do {
		n = queued(t->v[i].fd);
		if (n < least) {
			least = n;
			best = i;
		}
		i = t->v[i].next;
	} while (i != first && least > 0);
	return best;
}

int
takers_find(struct takers *t, uint32_t what, uint32_t *taker)
{
	uint32_t *ring = ring_of(t, what);
	const uint32_t first = *ring - 1;

	if (*ring == 0)
		return -1;
	*taker = first;
	if (t->v[first].next != first) {
		*taker = find_least(t, first);
		*ring = t->v[*taker].next + 1; /* they take turns */
	}
	return t->v[*taker].fd;
}

bool
takers_has_room(int queue)
{
	int room;
	socklen_t len = sizeof(room);

	return getsockopt(queue, SOL_SOCKET, SO_SNDBUF, &room, &len) == 0 &&
	    queued(queue) < room;
}

void
takers_free(struct takers *t)
{
	uint32_t i;

	if (t == NULL)
		return;
	for (i = 0; t->v != NULL && i < t->max; i++)
		if (t->v[i].here)
			(void)close(t->v[i].fd); /* nobody asks any more */
	free(t->v);
	free(t->services);
	free(t->names);
	free(t->stale);
	offers_free(t->offers);
	free(t);
}
