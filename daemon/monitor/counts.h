/*
 * The memory in which all processes count what becomes of connections, in the
 * hands of the monitor.
 */

#ifndef DAEMON_MONITOR_COUNTS_H
#define DAEMON_MONITOR_COUNTS_H

#include "table/stats.h"
#include "table/table.h"

/* Make it, for a first table.  Returns 0, or -1 with errno. */
int counts_make(struct stats *s, const struct table *t);

/*
 * t follows old: what was counted at the places of services that old did not
 * have, is of others.
 */
void counts_follow(const struct stats *s, const struct table *t,
    const struct table *old);

#endif
