/*
 * The answer to HELP: one sorted list of the services and the offered names.
 */

#include <string.h>

#include "daemon/front/help.h"
#include "daemon/front/takers.h"

/* Where the two lists are that become one. */
struct list {
	uint32_t service; /* the next, or nservices */
	uint32_t number;  /* of the next offered name, or OFFER_NONE */
};

static struct tcpmux_span
service_name(const struct mux *m, uint32_t service)
{
	const char *name = m->g->table->services[service].name;

	return (struct tcpmux_span){ name, strlen(name) };
}

static struct tcpmux_span
name_of(const struct mux *m, uint32_t what)
{
	if (what == HELP_BEGIN)
		return (struct tcpmux_span){ NULL, 0 };
	if (what >= TAKERS_OFFERED)
		return offers_name(takers_offers(m->takers),
		    what - TAKERS_OFFERED);
	return service_name(m, what);
}

/* From this place on, the first service that c may know of. */
static uint32_t
find_service(const struct conn *c, const struct mux *m, uint32_t place)
{
	const struct table *t = m->g->table;

	for (;; place++) {
		place = table_listed(t, place, c->peer);
		if (place == t->nservices ||
		    t->services[place].kind != SERVICE_OFFERED ||
		    takers_are_listed(m->takers, place))
			return place;
	}
}

/* The first offered name behind this one that everybody may know of. */
static uint32_t
find_offered(const struct mux *m, struct tcpmux_span name)
{
	const struct offers *o = takers_offers(m->takers);
	uint32_t number;

	while ((number = offers_behind(o, name)) != OFFER_NONE &&
	    !takers_are_listed(m->takers, TAKERS_OFFERED + number))
		name = offers_name(o, number);
	return number;
}

/* Begin behind what has been sent. */
static struct list
list_begin(const struct conn *c, const struct mux *m)
{
	const struct table *t = m->g->table;
	const struct tcpmux_span name = name_of(m, c->service);
	struct list l = { t->nservices, OFFER_NONE };

	if (!access_allows(&conn_listen(c, m)->access, c->peer))
		return l;
	l.service = find_service(c, m,
	    c->service == HELP_BEGIN ? 0 : table_behind(t, name));
	/* What is no service has the access rule of all. */
	if (access_allows(&t->access, c->peer))
		l.number = find_offered(m, name);
	return l;
}

/* The next of both, as in takers.h, or HELP_BEGIN if none is left. */
static uint32_t
list_first(const struct list *l, const struct mux *m)
{
	const struct offers *o = takers_offers(m->takers);

	if (l->number == OFFER_NONE)
		return l->service == m->g->table->nservices ? HELP_BEGIN :
							      l->service;
	if (l->service == m->g->table->nservices ||
	    tcpmux_compare_names(offers_name(o, l->number),
		service_name(m, l->service)) < 0)
		return TAKERS_OFFERED + l->number;
	return l->service;
}

/* Go on behind the first. */
static void
list_next(struct list *l, const struct conn *c, const struct mux *m,
    uint32_t first)
{
	if (first >= TAKERS_OFFERED)
		l->number = find_offered(m, name_of(m, first));
	else
		l->service = find_service(c, m, first + 1);
}

/* Bytes that are left of the line that was begun. */
static size_t
left_of_line(const struct conn *c, const struct mux *m)
{
	const size_t len = name_of(m, c->service).len + 2; /* CR LF */

	if (c->service == HELP_BEGIN || c->done >= len)
		return 0;
	return len - c->done;
}

size_t
help_write(const struct conn *c, const struct mux *m,
    char buf[static HELP_PIECE], bool *ends)
{
	struct list l = list_begin(c, m);
	uint32_t what;
	size_t used;
	ssize_t n;

	*ends = false;
	used = left_of_line(c, m);
	if (used > 0) {
		/* Cannot fail: it was done before. */
		(void)tcpmux_format_help(buf, HELP_PIECE,
		    name_of(m, c->service));
		memmove(buf, buf + c->done, used);
	}
	while ((what = list_first(&l, m)) != HELP_BEGIN) {
		/* What begins with + or - cannot be listed. */
		n = tcpmux_format_help(buf + used, HELP_PIECE - used,
		    name_of(m, what));
		if (n == TCPMUX_ERR_ROOM)
			return used;
		if (n > 0)
			used += (size_t)n;
		list_next(&l, c, m, what);
	}
	*ends = true;
	return used;
}

/* What has this name, as it was just written into the list. */
static uint32_t
find_name(const struct mux *m, struct tcpmux_span name)
{
	const uint32_t service = table_find(m->g->table, name);

	if (service != SERVICE_NONE)
		return service;
	return TAKERS_OFFERED + offers_find(takers_offers(m->takers), name);
}

void
help_move_on(struct conn *c, const struct mux *m, const char *buf, size_t n)
{
	size_t begin, end;

	/* The last line of which anything was sent; it is whole in buf, */
	for (begin = n - 1; begin > 0 && buf[begin - 1] != '\n'; begin--)
		;
	if (begin == 0 && left_of_line(c, m) > 0) {
		c->done += (uint32_t)n; /* but for what was begun before */
		return;
	}
	for (end = begin; buf[end] != '\r'; end++)
		;
	c->service =
	    find_name(m, (struct tcpmux_span){ buf + begin, end - begin });
	c->done = (uint32_t)(n - begin);
}
