/*
 * What becomes of a request.
 */

#include <string.h>

#include "daemon/front/decide.h"
#include "daemon/front/takers.h"

static struct verdict
refuse(enum refusal why)
{
	return (struct verdict){ VERDICT_REFUSE, SERVICE_NONE, why };
}

/*
 * Is the rate of a service used up whose connections nobody counts, as their
 * taker is not ours?
 */
static bool
is_too_fast(const struct conn *c, const struct mux *m, uint32_t service)
{
	const struct service *s;

	if (service >= TAKERS_OFFERED)
		return false;
	s = &m->g->table->services[service];
	if (s->rate.count == 0 ||
	    (s->kind != SERVICE_TCPMUX && !takers_serve(m->g->table, service)))
		return false;
	if (meter_enter_service(m->g->meter, s->meter, c->source, 0, 0, s->rate,
		m->now) != 0)
		return true;
	meter_leave_service(m->g->meter, s->meter, c->source);
	return false;
}

/*
 * The number of an offered name, or OFFER_NONE.  Whoever has just offered it
 * may have told this client faster than the registrar us: so look again,
 * before he hears that it is not there.
 */
static uint32_t
find_offered(const struct mux *m, struct tcpmux_span name, bool allowed)
{
	const struct offers *o = takers_offers(m->takers);
	const uint32_t number = offers_find(o, name);

	if (!allowed)
		return OFFER_NONE;
	if (number != OFFER_NONE)
		return number;
	(void)takers_receive(m->takers); /* all or not */
	return offers_find(o, name);
}

/*
 * Has the administrator taken what was asked for out of service?  The mux's
 * own goes on: it serves nothing itself.
 */
static bool
is_drained(const struct mux *m, struct verdict v, struct tcpmux_span name)
{
	const struct service *s;

	if (v.what != VERDICT_HAND_OVER)
		return false;
	if (v.service < TAKERS_OFFERED) {
		s = &m->g->table->services[v.service];
		name = (struct tcpmux_span){ s->name, strlen(s->name) };
	}
	return board_is_drained(m->g->board, name);
}

/*
 * What is no service may be an offered name, if this peer may use those.  A
 * service that is not for him goes the same way in vain (rule 29).
 */
static struct verdict
decide_offered(const struct mux *m, struct tcpmux_span name, bool allowed,
    struct verdict v)
{
	const uint32_t number = find_offered(m, name, allowed);

	if (v.service != SERVICE_NONE || number == OFFER_NONE)
		return v;
	v.what = VERDICT_HAND_OVER;
	v.service = TAKERS_OFFERED + number;
	return v;
}

struct verdict
decide_request(const struct conn *c, const struct mux *m,
    struct tcpmux_span name)
{
	const struct table *t = m->g->table;
	const struct rate budget = t->wrong_names_per_source;
	struct verdict v;
	bool allowed;

	if (budget.count != 0 &&
	    meter_is_over_names(m->g->meter, c->source, budget, m->now))
		return refuse(REFUSE_NAMES);
	v = table_decide(t, name, c->peer);
	if (v.what == VERDICT_HELP) {
		(void)takers_receive(m->takers); /* likewise */
		return v;
	}
	/* Whom a listener does not let in, it does not tell so (rule 29). */
	allowed = access_allows(&conn_listen(c, m)->access, c->peer);
	if (!allowed)
		v = refuse(REFUSE_UNKNOWN);
	if (v.what == VERDICT_REFUSE)
		v = decide_offered(m, name,
		    allowed && access_allows(&t->access, c->peer), v);
	if (is_drained(m, v, name)) {
		v.what = VERDICT_REFUSE;
		v.why = REFUSE_DRAINED;
		return v;
	}
	if (v.what != VERDICT_REFUSE) {
		if (!is_too_fast(c, m, v.service))
			return v;
		v.what = VERDICT_REFUSE;
		v.why = REFUSE_RATE;
		return v;
	}
	if (budget.count != 0)
		meter_count_wrong_name(m->g->meter, c->source, budget, m->now);
	return v;
}
