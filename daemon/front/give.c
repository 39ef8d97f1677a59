/*
 * Giving a connection to whoever serves what it has asked for.
 */

#include <errno.h>
#include <string.h>

#include "daemon/front/give.h"
#include "daemon/front/takers.h"
#include "daemon/handover.h"
#include "os/message.h"

/* The queue to those of our own who serve this service, or -1. */
static int
queue_of(const struct mux *m, uint32_t service)
{
	switch (m->g->table->services[service].kind) {
	case SERVICE_TCPMUX:
	case SERVICE_SOCKET:
	case SERVICE_OFFERED:
		break;
	case SERVICE_EXEC:
		return m->g->spawn.send;
	case SERVICE_ECHO:
	case SERVICE_DISCARD:
	case SERVICE_DAYTIME:
	case SERVICE_RELAY:
		return m->g->relay.send;
	}
	return -1;
}

/* What every taker is told of c. */
static struct tcpmux_handover
describe(const struct conn *c, const struct mux *m)
{
	struct tcpmux_handover h = {
		.version = TCPMUX_HANDOVER_VERSION,
		.listener = c->listener,
		.accepted = m->now - conn_age(c, m->now * 1000) / 1000,
		.peer = { .port = c->port, .known = 1 },
		.early = (c->flags & CONN_EARLY) != 0,
	};

	memcpy(h.peer.address, c->peer, sizeof(h.peer.address));
	if (c->flags & CONN_LOCAL) {
		const struct conn_local *local = &m->locals[c - m->conns];

		h.local.known = 1;
		h.local.port = local->port;
		memcpy(h.local.address, local->address,
		    sizeof(h.local.address));
		h.proxied = 1;
	}
	return h;
}

/* Send it.  Returns 0, or why not (enum refusal). */
static int
send_to(int queue, struct conn *c, const struct tcpmux_handover *h,
    struct tcpmux_span name)
{
	if (!conn_restore(c))
		return REFUSE_FULL; /* the kernel has no memory for it */
	if (handover_send(queue, h, name, c->fd) == 0)
		return 0;
	return message_is_gone(errno) ? REFUSE_DOWN : REFUSE_FULL;
}

/* To one of our own, who goes on counting it and writes its line. */
static int
give_to_own(struct conn *c, const struct mux *m)
{
	const struct tcpmux_span none = { NULL, 0 };
	const int queue = queue_of(m, c->service);
	struct tcpmux_handover h = describe(c, m);
	int why;

	if (queue == -1)
		return REFUSE_DOWN;
	h.service = c->service;
	h.source = c->source;
	why = send_to(queue, c, &h, none);
	if (why == 0)
		conn_pass(c, m);
	return why;
}

/* Must + be said first, as the program will not? */
static bool
lacks_greeting(const struct conn *c, const struct mux *m)
{
	const struct service *s;

	if (c->service >= TAKERS_OFFERED || (c->flags & CONN_GREETED))
		return false;
	s = &m->g->table->services[c->service];
	return s->kind == SERVICE_SOCKET && !s->service_replies;
}

/* To a program, or if that is gone to the next of those who share the name. */
static int
try_programs(struct conn *c, const struct mux *m)
{
	const struct tcpmux_span name = conn_name(c, m);
	const struct tcpmux_handover h = describe(c, m);
	uint32_t taker;
	int queue, why;

	while ((queue = takers_find(m->takers, c->service, &taker)) != -1) {
		if (lacks_greeting(c, m)) {
			if (!takers_has_room(queue))
				return REFUSE_FULL;
			conn_greet(c);
			return 0;
		}
		why = send_to(queue, c, &h, name);
		if (why == 0)
			conn_finish(c, m);
		if (why != REFUSE_DOWN)
			return why;
		takers_forget(m->takers, taker);
	}
	return takers_are_there(m->takers, c->service) ? GIVE_SOON :
							 REFUSE_DOWN;
}

/*
 * All that are known are gone.  Another may have come, and told this client
 * faster than the registrar us: returns whether somebody is there now.
 */
static bool
look_again(struct conn *c, const struct mux *m)
{
	char text[TCPMUX_NAME_MAX];
	struct tcpmux_span name = conn_name(c, m);
	uint32_t number;

	/* An offered name may have another number then. */
	memcpy(text, name.p, name.len);
	name.p = text;
	(void)takers_receive(m->takers); /* all or not */
	if (c->service >= TAKERS_OFFERED) {
		number = offers_find(takers_offers(m->takers), name);
		if (number == OFFER_NONE)
			return false;
		c->service = TAKERS_OFFERED + number;
	}
	return takers_are_there(m->takers, c->service);
}

static int
give_away(struct conn *c, const struct mux *m)
{
	int why = try_programs(c, m);

	if (why == REFUSE_DOWN && look_again(c, m))
		why = try_programs(c, m);
	return why;
}

int
give_connection(struct conn *c, const struct mux *m)
{
	if (takers_serve(m->g->table, c->service))
		return give_away(c, m);
	return give_to_own(c, m);
}
