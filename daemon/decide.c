/*
 * What becomes of a request.
 */

#include "daemon/decide.h"

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
	const struct service *s = &m->g->table->services[service];

	if (s->rate.count == 0 ||
	    (s->kind != SERVICE_SOCKET && s->kind != SERVICE_TCPMUX))
		return false;
	if (meter_enter_service(m->g->meter, s->meter, c->source, 0, 0, s->rate,
		m->now) != 0)
		return true;
	meter_leave_service(m->g->meter, s->meter, c->source);
	return false;
}

struct verdict
decide_request(const struct conn *c, const struct mux *m,
    struct tcpmux_span name)
{
	const struct table *t = m->g->table;
	const struct rate budget = t->wrong_names_per_source;
	struct verdict v;

	if (budget.count != 0 &&
	    meter_is_over_names(m->g->meter, c->source, budget, m->now))
		return refuse(REFUSE_NAMES);
	v = table_decide(t, name, c->peer);
	if (v.what == VERDICT_HELP)
		return v;
	/* Whom a listener does not let in, it does not tell so (rule 29). */
	if (!access_allows(&conn_listen(c, m)->access, c->peer))
		v = refuse(REFUSE_UNKNOWN);
	if (v.what != VERDICT_REFUSE)
		return is_too_fast(c, m, v.service) ? refuse(REFUSE_RATE) : v;
	if (budget.count != 0)
		meter_count_wrong_name(m->g->meter, c->source, budget, m->now);
	return v;
}
