/*
 * Who may do what at the control socket: offer which name, read, change.
 *
 * Pure: the table has the rules, with users and groups as numbers.
 */

#include <string.h>

#include "table/policy.h"

static struct tcpmux_span
span(const char *text)
{
	return (struct tcpmux_span){ text, strlen(text) };
}

/* Is it the same byte, in any case (rule 4)? */
static bool
is_same(const char *a, const char *b)
{
	return tcpmux_compare_names((struct tcpmux_span){ a, 1 },
		   (struct tcpmux_span){ b, 1 }) == 0;
}

/*
 * Does name match glob, where * is any bytes and ? is one, in any case?  When
 * a byte does not fit, the last * takes one byte more; those before it never
 * need another try.
 */
static bool
glob_matches(const char *glob, struct tcpmux_span name)
{
	const char *star = NULL;
	size_t i = 0, retry = 0;

	while (i < name.len) {
		if (*glob == '*') {
			star = ++glob;
			retry = i;
		} else if (*glob == '?' ||
		    (*glob != '\0' && is_same(glob, &name.p[i]))) {
			glob++;
			i++;
		} else if (star != NULL) {
			glob = star;
			i = ++retry;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return *glob == '\0';
}

bool
policy_is_name(struct tcpmux_span name)
{
	return tcpmux_check_name(name) == 0 &&
	    name.len <= TCPMUX_OFFER_NAME_MAX && name.p[0] != '+' &&
	    name.p[0] != '-' && tcpmux_compare_names(name, span("help")) != 0 &&
	    tcpmux_compare_names(name, span("tcpmux")) != 0;
}

static bool
is_member(const struct policy_user *user, uint32_t gid)
{
	size_t i;

	for (i = 0; i < user->ngroups; i++)
		if (user->groups[i] == gid)
			return true;
	return user->gid == gid;
}

/* Is the user one of those that o means?  Nobody's group means nobody. */
static bool
offerer_is(const struct offerer *o, const struct policy_user *user)
{
	if (o->id == POLICY_NOBODY)
		return false;
	return o->is_group ? is_member(user, o->id) : user->uid == o->id;
}

bool
policy_covers(const struct offerer *o, struct tcpmux_span name)
{
	return o->glob == NULL || glob_matches(o->glob, name);
}

static bool
list_allows(const struct offerer *list, size_t n,
    const struct policy_user *user, struct tcpmux_span name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (offerer_is(&list[i], user) && policy_covers(&list[i], name))
			return true;
	return false;
}

/* The length of login if name is LOGIN. and at least a byte more; else 0. */
static size_t
prefix_length(const char *login, struct tcpmux_span name)
{
	struct tcpmux_span prefix = span(login);

	if (name.len < prefix.len + 2 || name.p[prefix.len] != '.')
		return 0;
	name.len = prefix.len;
	return tcpmux_compare_names(name, prefix) == 0 ? prefix.len : 0;
}

/*
 * Where "a" and "a.b" are logins, a.b.c is that of "a.b".  Logins have case and
 * names have none, so what two users could claim is neither's.
 */
const struct login *
policy_prefix_owner(const struct table *t, struct tcpmux_span name)
{
	const struct login *owner = NULL, *l;
	size_t len, longest = 0;

	for (l = t->logins; l < t->logins + t->nlogins; l++) {
		len = prefix_length(l->name, name);
		if (len == 0 || len < longest)
			continue;
		if (len > longest)
			owner = l;
		else if (owner != NULL && owner->uid != l->uid)
			owner = NULL;
		longest = len;
	}
	return owner;
}

static bool
prefix_allows(const struct table *t, const struct policy_user *user,
    struct tcpmux_span name)
{
	const struct login *owner;

	owner = t->offers_by_prefix ? policy_prefix_owner(t, name) : NULL;
	return owner != NULL && owner->uid == user->uid;
}

enum policy_verdict
policy_decide(const struct table *t, const struct policy_user *user,
    struct tcpmux_span name, uint32_t *service)
{
	const struct service *s = NULL;
	uint32_t found;
	bool allowed;

	*service = SERVICE_NONE;
	if (!policy_is_name(name))
		return POLICY_NAME;
	found = table_find(t, name);
	if (found != SERVICE_NONE) {
		s = &t->services[found];
		if (s->kind != SERVICE_OFFERED)
			return POLICY_CONFIGURED;
		*service = found;
	}
	if (user->uid == POLICY_NOBODY)
		return POLICY_DENIED;
	if (policy_may_change(user))
		return POLICY_MAY;
	if (s != NULL)
		allowed = list_allows(s->offerers, s->nofferers, user, name);
	else
		allowed = list_allows(t->offerers, t->nofferers, user, name) ||
		    prefix_allows(t, user, name);
	return allowed ? POLICY_MAY : POLICY_DENIED;
}

bool
policy_may_change(const struct policy_user *user)
{
	return user->uid != POLICY_NOBODY && (user->uid == 0 || user->is_own);
}

bool
policy_may_read(const struct table *t, const struct policy_user *user)
{
	size_t i;

	if (user->uid == POLICY_NOBODY)
		return false;
	for (i = 0; i < t->nreaders; i++)
		if (offerer_is(&t->readers[i], user))
			return true;
	return policy_may_change(user);
}

const char *
policy_login(const struct table *t, uint32_t uid)
{
	size_t low = 0, high = t->nlogins, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (t->logins[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == t->nlogins || t->logins[low].uid != uid)
		return NULL;
	return t->logins[low].name;
}
