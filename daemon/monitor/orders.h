/*
 * The monitor's orders to the registrar of a cohort; see registrar.h.  One
 * that is gone hears nothing, and the next is told the same.
 */

#ifndef DAEMON_MONITOR_ORDERS_H
#define DAEMON_MONITOR_ORDERS_H

#include "daemon/monitor/cohort.h"

/*
 * Introduce p, which has just been started: a front to the registrar, or the
 * registrar to all fronts, and to what it is to begin with.  That is what the
 * registrar of old, which may be NULL, sends to it; or else what the one before
 * it had claimed.  Returns 0; or -1 with errno if that cannot be said now, as
 * when too many descriptors are on their way.
 */
int orders_introduce(const struct cohort *c, const struct process *p,
    const struct cohort *old);

/* Let its registrar send all that it knows to this socket. */
void orders_give(const struct cohort *c, int to);

/* It, and no other, is to talk to programs from now on. */
void orders_resume(const struct cohort *c);

#endif
