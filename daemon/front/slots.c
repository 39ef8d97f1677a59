/*
 * The places for connections in a front.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "daemon/front/slots.h"
#include "daemon/front/takers.h"

/*
 * Descriptors that are for other things: the standard three, the loop, the
 * sockets to the others, and the connection that has no slot yet.
 */
#define FDS_RESERVED 10

/* As many connections as there can be descriptors. */
static uint32_t
slots_wanted(const struct generation *g)
{
	const rlim_t others =
	    FDS_RESERVED + g->listeners.n + (rlim_t)takers_max(g);
	struct rlimit nofile = { 0, 0 };

	/* Cannot fail: the resource exists and nofile is valid. */
	(void)getrlimit(RLIMIT_NOFILE, &nofile);
	if (nofile.rlim_cur <= others)
		return 0;
	if (nofile.rlim_cur - others >= SLOTS_MAX)
		return SLOTS_MAX;
	return (uint32_t)(nofile.rlim_cur - others);
}

size_t
slots_memory_size(const struct generation *g)
{
	return sizeof(struct slots_shared) +
	    slots_wanted(g) * sizeof(struct conn);
}

/* A place for what PROXY headers tell, if there are listeners with one. */
static int
make_locals(struct slots *s, const struct listeners *l)
{
	bool proxied = false;
	size_t i;

	for (i = 0; i < l->n; i++)
		proxied |= l->v[i].rule->proxied;
	if (!proxied)
		return 0;
	/* Pages of places that were never used take no memory. */
	s->locals = calloc(s->n, sizeof(*s->locals));
	return s->locals == NULL ? -1 : 0;
}

int
slots_init(struct slots *s, const struct generation *g, void *memory)
{
	s->shared = memory;
	s->conns = s->shared->conns;
	s->locals = NULL;
	s->n = slots_wanted(g);
	s->used = 0;
	s->free = SLOT_NONE;
	s->numbered = 0;
	s->waiting = (struct slots_queue){ SLOT_NONE, SLOT_NONE };
	s->lingering = (struct slots_queue){ SLOT_NONE, SLOT_NONE };
	return s->n == 0 ? -1 : make_locals(s, &g->listeners);
}

void
slots_release(void *memory, size_t size, struct meter *meter)
{
	struct slots_shared *shared = memory;
	const size_t n = (size - sizeof(*shared)) / sizeof(struct conn);
	const size_t used = *(const volatile uint32_t *)&shared->used;
	size_t i;

	for (i = 0; i < used && i < n; i++)
		if (shared->conns[i].flags & CONN_COUNTED)
			conn_leave(&shared->conns[i], meter);
}

bool
slots_next_guest(const void *memory, size_t size, uint32_t *place, int64_t now,
    struct guest *guest)
{
	const struct slots_shared *shared = memory;
	const size_t n = (size - sizeof(*shared)) / sizeof(struct conn);
	const size_t used = *(const volatile uint32_t *)&shared->used;
	struct conn c;

	for (; *place < used && *place < n; (*place)++) {
		c = *(const volatile struct conn *)&shared->conns[*place];
		if (c.generation == 0 || c.state >= CONN_OVER)
			continue;
		*guest = (struct guest){
			.place = (*place)++,
			.number = c.generation,
			.state = c.state == CONN_LINGER ? GUEST_LINGERING :
							  GUEST_WAITING,
			.service = SERVICE_NONE,
			.listener = c.listener,
			.port = c.port,
			.accepted = now - conn_age(&c, now * 1000) / 1000,
			.in = -1,
			.out = -1,
		};
		memcpy(guest->peer, c.peer, sizeof(guest->peer));
		if (c.state == CONN_HAND && c.service < TAKERS_OFFERED)
			guest->service = c.service;
		return true;
	}
	return false;
}

struct conn *
slots_find(const struct slots *s, uint32_t place, uint32_t generation)
{
	struct conn *c = &s->conns[place];

	if (place >= s->used || c->generation != generation ||
	    c->state == CONN_OVER)
		return NULL;
	return c;
}

void
slots_count(const void *memory, uint64_t *waiting, uint64_t *lingering)
{
	const volatile struct slots_shared *shared = memory;

	*waiting = shared->waiting;
	*lingering = shared->lingering;
}

/* How many are in q, for all to see. */
static uint32_t *
length_of(struct slots *s, const struct slots_queue *q)
{
	return q == &s->waiting ? &s->shared->waiting : &s->shared->lingering;
}

struct conn *
slots_take(struct slots *s)
{
	struct conn *c;

	if (s->free != SLOT_NONE) {
		c = &s->conns[s->free];
		s->free = c->next;
	} else if (s->used < s->n) {
		c = &s->conns[s->used++];
		s->shared->used = s->used;
	} else
		return NULL;
	c->generation = ++s->numbered;
	return c;
}

bool
slots_are_full(const struct slots *s)
{
	return s->free == SLOT_NONE && s->used == s->n;
}

void
slots_give(struct slots *s, struct conn *c)
{
	c->generation = ++s->numbered;
	c->state = CONN_OVER; /* as others can see */
	c->next = s->free;
	s->free = slots_number(s, c);
}

uint32_t
slots_number(const struct slots *s, const struct conn *c)
{
	return (uint32_t)(c - s->conns);
}

struct slots_queue *
slots_queue_of(struct slots *s, const struct conn *c)
{
	return c->state == CONN_LINGER ? &s->lingering : &s->waiting;
}

void
slots_append(struct slots *s, struct slots_queue *q, struct conn *c)
{
	const uint32_t slot = slots_number(s, c);

	c->prev = q->last;
	c->next = SLOT_NONE;
	if (q->last == SLOT_NONE)
		q->first = slot;
	else
		s->conns[q->last].next = slot;
	q->last = slot;
	++*length_of(s, q);
}

void
slots_remove(struct slots *s, struct slots_queue *q, struct conn *c)
{
	if (c->prev == SLOT_NONE)
		q->first = c->next;
	else
		s->conns[c->prev].next = c->next;
	if (c->next == SLOT_NONE)
		q->last = c->prev;
	else
		s->conns[c->next].prev = c->prev;
	--*length_of(s, q);
}

struct conn *
slots_first(const struct slots *s, const struct slots_queue *q)
{
	return q->first == SLOT_NONE ? NULL : &s->conns[q->first];
}
