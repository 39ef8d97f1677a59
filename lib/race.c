/*
 * The order of attempts to connect, families in turn (RFC 8305).
 *
 * Within a family it is that of the lookup, which is the one of RFC 6724.
 */

#include <string.h>

#include "lib/race.h"

void
tcpmux_race_init(struct race *r)
{
	memset(r, 0, sizeof(*r));
	r->turn = RACE_IPV6;
	r->attempt_due = INT64_MIN;
}

void
tcpmux_race_await(struct race *r, enum race_family family)
{
	r->runners[family].is_awaited = true;
}

void
tcpmux_race_enter(struct race *r, enum race_family family,
    const struct address *addresses, size_t n, int64_t now)
{
	struct race_runners *runners = &r->runners[family];

	runners->is_awaited = false;
	runners->addresses = addresses;
	runners->n = n;
	if (family == RACE_IPV4)
		r->resolution_due = now + RACE_RESOLUTION_MS;
}

static bool
has_next(const struct race_runners *runners)
{
	return runners->next < runners->n;
}

static enum race_family
other(enum race_family family)
{
	return family == RACE_IPV6 ? RACE_IPV4 : RACE_IPV6;
}

const struct address *
tcpmux_race_next(struct race *r, int64_t now, int64_t *due)
{
	enum race_family family = r->turn;
	struct race_runners *runners;

	*due = INT64_MAX;
	if (!has_next(&r->runners[family]))
		family = other(family);
	runners = &r->runners[family];
	if (!has_next(runners))
		return NULL;
	/* An answer for IPv6 would come first, if it came in time. */
	if (!r->has_begun && family == RACE_IPV4 &&
	    r->runners[RACE_IPV6].is_awaited && now < r->resolution_due) {
		*due = r->resolution_due;
		return NULL;
	}
	if (now < r->attempt_due) {
		*due = r->attempt_due;
		return NULL;
	}
	r->has_begun = true;
	r->running++;
	r->turn = other(family);
	r->attempt_due = now + RACE_ATTEMPT_MS;
	return &runners->addresses[runners->next++];
}

void
tcpmux_race_fail(struct race *r, int64_t now)
{
	r->running--;
	r->attempt_due = now;
}

void
tcpmux_race_defer(struct race *r, int64_t due)
{
	r->running--;
	r->turn = other(r->turn);
	r->runners[r->turn].next--;
	r->attempt_due = due;
}

bool
tcpmux_race_is_lost(const struct race *r)
{
	size_t i;

	for (i = 0; i < RACE_FAMILIES; i++)
		if (r->runners[i].is_awaited || has_next(&r->runners[i]))
			return false;
	return r->running == 0;
}
