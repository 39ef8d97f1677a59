/*
 * What a front counts of its connections: one call for each event.
 */

#include "daemon/front/count.h"
#include "daemon/front/takers.h"
#include "os/clock.h"

/* Where a service or an offered name is counted; NULL: nowhere. */
static struct stats_row *
row_of(const struct mux *m, uint32_t service)
{
	struct stats_part *p = m->g->part;

	if (service == SERVICE_NONE)
		return NULL;
	if (service < TAKERS_OFFERED)
		return stats_service(p, m->g->table->services[service].meter);
	return stats_offer(p,
	    offers_name(takers_offers(m->takers), service - TAKERS_OFFERED),
	    m->now);
}

void
count_accepted(const struct mux *m)
{
	stats_count(m->g->part, STATS_ACCEPTED);
}

void
count_request(const struct mux *m, const struct verdict *v)
{
	stats_request(m->g->part, row_of(m, v->service));
	if (v->what == VERDICT_HELP)
		stats_count(m->g->part, STATS_HELP);
	if (v->what == VERDICT_NEXT)
		stats_count(m->g->part, STATS_TCPMUX);
}

void
count_refusal(const struct mux *m, uint32_t service, enum refusal why)
{
	stats_refuse(m->g->part, row_of(m, service), why);
}

/* Whom a connection of this service goes to. */
static enum stats_count
to_whom(const struct mux *m, uint32_t service)
{
	if (service >= TAKERS_OFFERED)
		return STATS_OFFERED;
	switch (m->g->table->services[service].kind) {
	case SERVICE_EXEC:
		return STATS_EXEC;
	case SERVICE_SOCKET:
		return STATS_SOCKET;
	case SERVICE_OFFERED:
		return STATS_OFFERED;
	default:
		return STATS_RELAYED;
	}
}

void
count_hand_over(const struct conn *c, const struct mux *m)
{
	stats_hand_over(m->g->part, row_of(m, c->service),
	    to_whom(m, c->service), conn_age(c, clock_us()));
}
