/*
 * What the log says of a connection in the front.
 */

#include <string.h>

#include "daemon/front/conn_log.h"
#include "daemon/front/takers.h"

/* Who serves c, which is in CONN_HAND; whoever may offer it, it is an offer. */
static const char *
by(const struct conn *c, const struct mux *m)
{
	enum service_kind kind = SERVICE_OFFERED;

	if (c->service < TAKERS_OFFERED)
		kind = m->g->table->services[c->service].kind;
	return kind == SERVICE_OFFERED ? "offer" : service_kind_name(kind);
}

void
conn_log(struct conn *c, const struct mux *m, struct tcpmux_span name,
    const char *verdict, const char *reason)
{
	const enum log_level level =
	    reason != NULL ? LOG_REFUSALS : LOG_CONNECTIONS;
	struct record r;

	if (c->flags & CONN_LOGGED)
		return;
	c->flags |= CONN_LOGGED;
	if (!report_wants(m->report, level, m->now))
		return;
	r = record_empty;
	memcpy(r.peer, c->peer, sizeof(r.peer));
	r.peer_port = c->port;
	r.listener = m->g->listeners.v[c->listener].text;
	r.name = name;
	r.verdict = verdict;
	r.reason = reason;
	r.ms = conn_age(c, m->now * 1000) / 1000;
	if (c->state == CONN_HAND)
		r.by = by(c, m);
	report_add(m->report, &r);
}

void
conn_log_end(struct conn *c, const struct mux *m)
{
	static const struct tcpmux_span none, tcpmux = { "tcpmux", 6 };

	if (c->flags & CONN_REPLIED)
		conn_log(c, m, tcpmux, "answered", NULL);
	else
		conn_log(c, m, none, "closed", NULL);
}
