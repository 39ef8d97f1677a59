/*
 * The part of the snapshot that is about names: services, and offers.
 *
 * Who takes connections himself is known to the registrar, who writes it down
 * in the roll and the claims.  Whatever stands there, it is a number that is
 * within bounds, or a good name.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/board.h"
#include "daemon/monitor/snapshot_names.h"
#include "daemon/registrar/claims.h"
#include "daemon/registrar/roll.h"
#include "table/policy.h"

/* All who take the connections of one service, or one offered name. */
struct takers_of {
	uint32_t n;
	uint32_t queue, queue_max;
	uint32_t uid;
	bool hidden; /* for at least one of them */
};

struct names {
	const struct generation *g;
	struct text *text;
	struct takers_of *services; /* of each service */
	struct takers_of *offered;  /* of each name of the claims */
};

static const char *
yes_or_no(bool b)
{
	return b ? "yes" : "no";
}

/* The user of this number, by name if that is known. */
static void
write_user(const struct names *n, const char *key, uint32_t uid)
{
	const char *login = policy_login(n->g->table, uid);

	if (login != NULL)
		text_string(n->text, key, login);
	else
		text_number(n->text, key, uid);
}

/* Add up the roll. */
static void
count_takers(struct names *n)
{
	const uint32_t max = roll_max(n->g);
	struct takers_of *of;
	struct roll_entry e;
	uint32_t i;

	for (i = 0; i < max; i++) {
		if (!roll_get(n->g, i, &e))
			continue;
		of = e.service != SERVICE_NONE ? &n->services[e.service] :
						 &n->offered[e.name];
		of->n++;
		of->queue += e.queue;
		of->queue_max += e.queue_max;
		of->uid = e.uid;
		of->hidden |= (e.flags & TCPMUX_OFFER_HIDDEN) != 0;
	}
}

/* What has been counted for a name. */
static void
write_counts(struct text *t, const struct stats_sum *sum)
{
	uint64_t refused = 0;
	int i;

	for (i = 0; i < REFUSE_COUNT; i++)
		refused += sum->refused[i];
	text_number(t, "requests", sum->requests);
	text_number(t, "handed", sum->handed);
	text_number(t, "refused", refused);
	text_number(t, "time-us", sum->time_us);
	text_numbers(t, "times", sum->times, STATS_BOUNDS + 1);
}

/* Why somebody who asked for this name was refused. */
static void
write_refusals(struct text *t, struct tcpmux_span name,
    const struct stats_sum *sum)
{
	int i;

	for (i = 1; i < REFUSE_COUNT; i++) {
		if (sum->refused[i] == 0)
			continue;
		text_line(t, "refused");
		text_span(t, "name", name);
		text_string(t, "reason", words_reason((enum refusal)i));
		text_number(t, "n", sum->refused[i]);
		text_end(t);
	}
}

/* Where the connections of a service go. */
static void
write_to(const struct names *n, const struct service *s,
    const struct takers_of *of)
{
	switch (s->kind) {
	case SERVICE_EXEC:
		text_string(n->text, "to", s->program.argv[0]);
		break;
	case SERVICE_RELAY:
		text_string(n->text, "to", s->relay.backends[0].text);
		break;
	case SERVICE_SOCKET:
		text_string(n->text, "to", s->socket);
		break;
	case SERVICE_OFFERED:
		if (of->n > 0)
			write_user(n, "to", of->uid);
		break;
	default:
		break;
	}
}

/* What only those know who hold the connections of a service, or its queue. */
static void
write_load(const struct names *n, const struct service *s,
    const struct takers_of *of, const struct stats_sum *sum)
{
	switch (s->kind) {
	case SERVICE_TCPMUX:
		break;
	case SERVICE_SOCKET:
	case SERVICE_OFFERED:
		text_number(n->text, "queue", of->queue);
		text_number(n->text, "queue-max", of->queue_max);
		break;
	default:
		text_number(n->text, "current",
		    meter_service_count(n->g->meter, s->meter));
		if (s->kind == SERVICE_EXEC)
			break;
		text_number(n->text, "in", sum->in);
		text_number(n->text, "out", sum->out);
		break;
	}
}

static const char *
state_of(const struct names *n, const struct service *s,
    const struct takers_of *of)
{
	if (board_is_drained(n->g->board,
		(struct tcpmux_span){ s->name, strlen(s->name) }))
		return "drained";
	if (s->kind == SERVICE_SOCKET || s->kind == SERVICE_OFFERED)
		return of->n > 0 ? "up" : "down";
	return "up";
}

static void
write_service(const struct names *n, uint32_t place)
{
	const struct service *s = &n->g->table->services[place];
	const struct takers_of *of = &n->services[place];
	const struct tcpmux_span name = { s->name, strlen(s->name) };
	struct stats_sum sum;

	stats_read_service(n->g->stats, s->meter, &sum);
	text_line(n->text, "service");
	text_span(n->text, "name", name);
	text_string(n->text, "kind",
	    s->kind == SERVICE_OFFERED ? "offer" : service_kind_name(s->kind));
	text_string(n->text, "state", state_of(n, s, of));
	text_string(n->text, "hidden", yes_or_no(s->hidden));
	if (s->file != NULL)
		text_number(n->text, "line", (uint64_t)s->line);
	write_to(n, s, of);
	write_load(n, s, of, &sum);
	if (s->meter < STATS_SERVICES_MAX)
		write_counts(n->text, &sum);
	text_end(n->text);
	write_refusals(n->text, name, &sum);
}

/* A name that is offered and no service's, or was so a moment ago. */
static void
write_offered(const struct names *n, struct tcpmux_span name, uint32_t uid,
    const struct takers_of *of)
{
	struct stats_sum sum;
	const char *state = of->n > 0 ? "up" : "down";

	if (board_is_drained(n->g->board, name))
		state = "drained";
	stats_read_offer(n->g->stats, name, &sum);
	text_line(n->text, "service");
	text_span(n->text, "name", name);
	text_string(n->text, "kind", "offer");
	text_string(n->text, "state", state);
	text_string(n->text, "hidden", yes_or_no(of->hidden));
	write_user(n, "to", uid);
	text_number(n->text, "queue", of->queue);
	text_number(n->text, "queue-max", of->queue_max);
	write_counts(n->text, &sum);
	text_end(n->text);
	write_refusals(n->text, name, &sum);
}

static void
write_all_offered(const struct names *n)
{
	const struct generation *g = n->g;
	char buf[TCPMUX_OFFER_NAME_MAX];
	struct tcpmux_span name;
	uint32_t i, uid;

	for (i = 0; g->claims != NULL && i < claims_max(g); i++)
		if (claims_get(g->claims, i, &uid, buf, &name) == 0 &&
		    table_find(g->table, name) == SERVICE_NONE)
			write_offered(n, name, uid, &n->offered[i]);
}

/* The name that an entry of the roll is about; false if it is none. */
static bool
find_name(const struct generation *g, const struct roll_entry *e,
    char buf[static TCPMUX_OFFER_NAME_MAX], struct tcpmux_span *name)
{
	const char *text;
	uint32_t uid;

	if (e->service == SERVICE_NONE)
		return g->claims != NULL &&
		    claims_get(g->claims, e->name, &uid, buf, name) == 0;
	text = g->table->services[e->service].name;
	*name = (struct tcpmux_span){ text, strlen(text) };
	return true;
}

static void
write_offers(const struct names *n)
{
	const uint32_t max = roll_max(n->g);
	char buf[TCPMUX_OFFER_NAME_MAX];
	struct text *t = n->text;
	struct tcpmux_span name;
	struct roll_entry e;
	uint32_t i;

	for (i = 0; i < max; i++) {
		if (!roll_get(n->g, i, &e) || e.what != ROLL_OFFER ||
		    !find_name(n->g, &e, buf, &name))
			continue;
		text_line(t, "offer");
		text_span(t, "name", name);
		write_user(n, "user", e.uid);
		text_number(t, "uid", e.uid);
		text_number(t, "pid", e.pid > 0 ? (uint64_t)e.pid : 0);
		text_number(t, "queue", e.queue);
		text_number(t, "queue-max", e.queue_max);
		text_string(t, "hidden",
		    yes_or_no((e.flags & TCPMUX_OFFER_HIDDEN) != 0));
		text_string(t, "shared",
		    yes_or_no((e.flags & TCPMUX_OFFER_SHARE) != 0));
		text_end(t);
	}
}

int
snapshot_write_names(const struct generation *g, struct text *t)
{
	struct names n = { .g = g, .text = t };
	int result = -1;
	uint32_t i;

	n.services = calloc(g->table->nservices, sizeof(*n.services));
	n.offered = calloc((size_t)claims_max(g) + 1, sizeof(*n.offered));
	if (n.services == NULL || n.offered == NULL)
		goto fail;
	count_takers(&n);
	for (i = 0; i < g->table->nservices; i++)
		write_service(&n, i);
	write_all_offered(&n);
	write_offers(&n);
	result = 0;
fail:
	free(n.services);
	free(n.offered);
	return result;
}
