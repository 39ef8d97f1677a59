/*
 * The beginning of a relayed conversation, until a back end has answered or
 * none is left.
 */

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/relay/dial.h"
#include "daemon/relay/session_dial.h"
#include "os/stream.h"
#include "table/limits.h"
#include "table/proxy.h"

static const struct service *
service_of(const struct session *s, const struct session_ground *g)
{
	return &g->table->services[s->service];
}

enum session_state
session_refuse(struct session *s, const struct session_ground *g,
    enum refusal why)
{
	stats_refuse(g->stats, session_row(s, g), why);
	s->refused = true;
	s->text = words_refuse(&g->table->words, why).text;
	s->deadline = g->now + LIMIT_LINGER_MS;
	return SESSION_REFUSE;
}

/* An end of the client's connection, as the kernel knows it. */
static void
own_end(int fd, struct proxy *p)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;
	socklen_t len = sizeof(u);

	u.sa.sa_family = AF_UNSPEC;
	if (getsockname(fd, &u.sa, &len) == -1) {
		p->known = false;
	} else if (u.sa.sa_family == AF_INET6) {
		memcpy(p->to, &u.in6.sin6_addr, ADDRESS_BYTES);
		p->to_port = ntohs(u.in6.sin6_port);
	} else {
		address_set_mapped(p->to, &u.in.sin_addr);
		p->to_port = ntohs(u.in.sin_port);
	}
}

/* Tell the back end who the client is; before anything else is sent. */
static int
send_header(const struct session *s, enum proxy_version version)
{
	struct proxy p = {
		.known = s->peer.known != 0,
		.from_port = s->peer.port,
		.to_port = s->local.port,
	};
	char header[PROXY_FORMAT_MAX];
	size_t len;

	memcpy(p.from, s->peer.address, ADDRESS_BYTES);
	memcpy(p.to, s->local.address, ADDRESS_BYTES);
	if (s->local.known == 0)
		own_end(s->fd[SIDE_CLIENT], &p);
	len = proxy_format(&p, version == PROXY_V1 ? 1 : 2, header);
	/* A socket that has carried nothing yet has room for it. */
	if (send(s->fd[SIDE_SERVER], header, len, MSG_NOSIGNAL) != (ssize_t)len)
		return -1;
	return 0;
}

/* No back end is left. */
static enum session_state
refuse_down(struct session *s, const struct session_ground *g,
    const char *reason)
{
	s->failed = true;
	s->reason = reason;
	return session_refuse(s, g, REFUSE_DOWN);
}

/* A back end has answered: make both connections ready. */
static int
prepare(struct session *s, const struct relay_rule *rule)
{
	const int client = s->fd[SIDE_CLIENT], server = s->fd[SIDE_SERVER];

	if (rule->backends[s->backend].kind != BACKEND_UNIX &&
	    (stream_set_nodelay(server) == -1 ||
		stream_set_abort(server, true) == -1))
		return -1;
	if (rule->proxy != PROXY_NONE && send_header(s, rule->proxy) == -1)
		return -1;
	if (stream_set_nodelay(client) == -1)
		return -1;
	return stream_set_abort(client, true);
}

/* What follows from what dial_step() or dial_next() has returned. */
static enum session_state
dialled(struct session *s, const struct session_ground *g, const struct dial *d,
    enum dial_state state)
{
	if (d->fd != s->fd[SIDE_SERVER] || d->backend != s->backend ||
	    d->address != s->address) {
		s->fd[SIDE_SERVER] = d->fd;
		s->watched[SIDE_SERVER] = 0;
		s->backend = d->backend;
		s->address = d->address;
		s->deadline = g->now + service_of(s, g)->relay.connect_ms;
	}
	s->full = state == DIAL_AGAIN;
	switch (state) {
	case DIAL_FAILED:
		return refuse_down(s, g, s->timed_out ? "timeout" : "down");
	case DIAL_DONE:
		if (prepare(s, &service_of(s, g)->relay) == -1)
			return refuse_down(s, g, "reset");
		s->text = service_of(s, g)->ok;
		s->deadline = g->now + g->table->request_ms;
		return SESSION_GREET;
	default:
		return SESSION_DIAL;
	}
}

static struct dial
dial_of(const struct session *s)
{
	return (struct dial){ s->fd[SIDE_SERVER], s->backend, s->address,
		s->early };
}

enum session_state
session_dial(struct session *s, const struct session_ground *g)
{
	struct dial d = dial_of(s);
	enum dial_state state;
	char byte;

	if (d.fd == -1 && !s->early)
		s->early = recv(s->fd[SIDE_CLIENT], &byte, 1,
			       MSG_PEEK | MSG_DONTWAIT) == 1;
	d.speaks = s->early;
	state = dial_step(&d, &service_of(s, g)->relay, g->resolved);
	s->active = g->now;
	return dialled(s, g, &d, state);
}

enum session_state
session_dial_late(struct session *s, const struct session_ground *g)
{
	struct dial d = dial_of(s);

	if (g->now < s->deadline)
		return session_dial(s, g);
	s->timed_out = true;
	return dialled(s, g, &d,
	    dial_next(&d, &service_of(s, g)->relay, g->resolved));
}
