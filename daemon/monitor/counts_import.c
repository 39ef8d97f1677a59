/*
 * The numbers that another daemon had counted, whose place this one takes, out
 * of the text of its last snapshot.
 */

#include <string.h>

#include "daemon/monitor/counts_import.h"
#include "daemon/monitor/snapshot.h"

/* One line of a snapshot: what is left of it, and the last key and value. */
struct line {
	struct tcpmux_span rest;
	struct tcpmux_span key;
	struct tcpmux_span value;
};

/* All that an import knows. */
struct import {
	const struct stats *stats;
	const struct table *table;
	bool subtract;
	bool has_times; /* counted by the same bounds as ours */
};

static bool
is(struct tcpmux_span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.p, text, s.len) == 0;
}

/* Take what stands before the next byte c, or the end. */
static struct tcpmux_span
take_until(struct tcpmux_span *rest, char c)
{
	const char *end = rest->len > 0 ? memchr(rest->p, c, rest->len) : NULL;
	const size_t len = end != NULL ? (size_t)(end - rest->p) : rest->len;
	const struct tcpmux_span taken = { rest->p, len };

	rest->p += len + (end != NULL);
	rest->len -= len + (end != NULL);
	return taken;
}

/* The next key=value of a line; false if there is none. */
static bool
line_next(struct line *l)
{
	if (l->rest.len == 0)
		return false;
	l->value = take_until(&l->rest, ' ');
	l->key = take_until(&l->value, '=');
	return true;
}

/* A number, as it is to be added; 0 if it is none. */
static uint64_t
number(const struct import *m, struct tcpmux_span s)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return 0;
		n = n * 10 + (uint64_t)(s.p[i] - '0');
	}
	return m->subtract ? 0 - n : n;
}

/* The refusal that the log calls so; or 0, which is none. */
static size_t
refusal_of(struct tcpmux_span word)
{
	size_t i;

	for (i = 1; i < REFUSE_COUNT; i++)
		if (is(word, words_reason((enum refusal)i)))
			return i;
	return 0;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes that an escaped name stands for; false if it is no good name. */
static bool
unescape(struct tcpmux_span text, char buf[static TCPMUX_NAME_MAX],
    struct tcpmux_span *name)
{
	size_t i, n = 0;
	int c;

	for (i = 0; i < text.len && n < TCPMUX_NAME_MAX; i++) {
		c = (unsigned char)text.p[i];
		if (c == '\\') {
			if (i + 3 >= text.len || hex(text.p[i + 2]) == -1 ||
			    hex(text.p[i + 3]) == -1)
				return false;
			c = hex(text.p[i + 2]) * 16 + hex(text.p[i + 3]);
			i += 3;
		}
		buf[n++] = (char)c;
	}
	*name = (struct tcpmux_span){ buf, n };
	return i == text.len && tcpmux_check_name(*name) == 0;
}

/* Where a name is counted here; NULL if nowhere. */
static struct stats_row *
row_of(const struct import *m, struct tcpmux_span text)
{
	struct stats_part *p = stats_part(m->stats, STATS_MONITOR, 0);
	char buf[TCPMUX_NAME_MAX];
	struct tcpmux_span name;
	uint32_t service;

	if (!unescape(text, buf, &name))
		return NULL;
	service = table_find(m->table, name);
	if (service == SERVICE_NONE)
		return stats_offer(p, name, 0);
	return stats_service(p, m->table->services[service].meter);
}

static void
import_total(const struct import *m, struct line *l)
{
	struct stats_totals sum = { .count = { 0 } };
	size_t i;

	while (line_next(l))
		for (i = 0; i < STATS_COUNTS; i++)
			if (is(l->key, snapshot_totals[i]))
				sum.count[i] = number(m, l->value);
	stats_add(m->stats, &sum);
}

static void
import_times(const struct import *m, struct tcpmux_span list,
    struct stats_sum *sum)
{
	size_t i;

	for (i = 0; i <= STATS_BOUNDS && m->has_times; i++)
		sum->times[i] = number(m, take_until(&list, ','));
}

static void
import_service(const struct import *m, struct line *l)
{
	struct tcpmux_span name = { NULL, 0 };
	struct stats_sum sum = { .requests = 0 };

	while (line_next(l)) {
		if (is(l->key, "name"))
			name = l->value;
		else if (is(l->key, "requests"))
			sum.requests = number(m, l->value);
		else if (is(l->key, "handed"))
			sum.handed = number(m, l->value);
		else if (is(l->key, "in"))
			sum.in = number(m, l->value);
		else if (is(l->key, "out"))
			sum.out = number(m, l->value);
		else if (is(l->key, "time-us"))
			sum.time_us = number(m, l->value);
		else if (is(l->key, "times"))
			import_times(m, l->value, &sum);
	}
	stats_add_row(row_of(m, name), &sum);
}

/* Of all, or of one name. */
static void
import_refused(const struct import *m, struct line *l)
{
	struct tcpmux_span name = { NULL, 0 };
	struct stats_totals totals = { .count = { 0 } };
	struct stats_sum sum = { .requests = 0 };
	uint64_t n = 0;
	size_t why = 0;

	while (line_next(l)) {
		if (is(l->key, "name"))
			name = l->value;
		else if (is(l->key, "reason"))
			why = refusal_of(l->value);
		else if (is(l->key, "n"))
			n = number(m, l->value);
	}
	if (why == 0)
		return;
	if (name.len > 0) {
		sum.refused[why] = n;
		stats_add_row(row_of(m, name), &sum);
	} else {
		totals.refused[why] = n;
		stats_add(m->stats, &totals);
	}
}

/* Are the bounds of the other one ours? */
static bool
has_our_bounds(const struct import *m, struct line *l)
{
	const struct import plain = { m->stats, m->table, false, true };
	size_t i;

	if (!line_next(l) || !is(l->key, "us"))
		return false;
	for (i = 0; i < STATS_BOUNDS; i++)
		if (number(&plain, take_until(&l->value, ',')) !=
		    stats_bounds[i])
			return false;
	return l->value.len == 0;
}

void
counts_import(const struct stats *s, const struct table *t, const char *text,
    size_t len, bool subtract)
{
	struct import m = { s, t, subtract, false };
	struct tcpmux_span rest = { text, len }, word;
	struct line l;

	while (rest.len > 0) {
		l.rest = take_until(&rest, '\n');
		word = take_until(&l.rest, ' ');
		if (is(word, "buckets"))
			m.has_times = has_our_bounds(&m, &l);
		else if (is(word, "total"))
			import_total(&m, &l);
		else if (is(word, "service"))
			import_service(&m, &l);
		else if (is(word, "refused"))
			import_refused(&m, &l);
	}
}
