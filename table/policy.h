/*
 * Who may do what at the control socket: offer which name, read, change.
 *
 * Pure: the table has the rules, with users and groups as numbers.
 */

#ifndef TABLE_POLICY_H
#define TABLE_POLICY_H

#include "table/table.h"

/* Nobody: what the kernel says of users that are unknown here. */
#define POLICY_NOBODY 65534

/* Who asks, by the socket's credentials. */
struct policy_user {
	uint32_t uid;
	uint32_t gid;
	const uint32_t *groups; /* the others */
	size_t ngroups;
	bool is_own; /* the daemon's own user, or who has started it */
};

enum policy_verdict {
	POLICY_MAY,
	POLICY_NAME,       /* it is no name that can be offered */
	POLICY_CONFIGURED, /* the configuration has it, and serves it itself */
	POLICY_DENIED      /* nobody has allowed this user to */
};

/*
 * May the user offer name?  Sets *service to the service with offered-by that
 * has this name or alias, or to SERVICE_NONE.
 */
enum policy_verdict policy_decide(const struct table *t,
    const struct policy_user *user, struct tcpmux_span name, uint32_t *service);

/*
 * May the user read all that the daemon knows; and may he change things?  Who
 * may offer a name, and read, need not be the same.
 */
bool policy_may_read(const struct table *t, const struct policy_user *user);
bool policy_may_change(const struct policy_user *user);

/*
 * Can name be offered by anybody?  Not what is no good name, is longer than
 * TCPMUX_OFFER_NAME_MAX, begins like a reply, or is HELP or tcpmux in any
 * case.
 */
bool policy_is_name(struct tcpmux_span name);

/*
 * Is name among those of o?  In its glob * is any bytes and ? is one, and
 * case makes no difference.
 */
bool policy_covers(const struct offerer *o, struct tcpmux_span name);

/*
 * Whose name is it by offers = prefix: LOGIN, a dot and at least one byte
 * more, in any case, the longest login if there are several.  Returns NULL if
 * it is nobody's, as when two users have this login but for its case.
 */
const struct login *policy_prefix_owner(const struct table *t,
    struct tcpmux_span name);

/*
 * The login name of a user, if the table knows it: one of offers = prefix; or
 * NULL.
 */
const char *policy_login(const struct table *t, uint32_t uid);

#endif
