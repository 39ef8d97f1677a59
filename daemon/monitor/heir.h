/*
 * The heir: a monitor that goes on where another has left off.
 */

#ifndef DAEMON_MONITOR_HEIR_H
#define DAEMON_MONITOR_HEIR_H

#include "daemon/monitor/legacy.h"

/*
 * Begin with what was left, for a daemon that is to serve t.  Returns 0; or -1
 * after saying why t cannot be served.
 */
int heir_begin(struct monitor *mon, struct legacy *l, const struct table *t);

/*
 * All serve: say so, and wait to be in charge.  Returns 0; or -1 if the other
 * one does not want it, or is gone.
 */
int heir_take_over(struct monitor *mon, struct legacy *l);

/*
 * The other one says something while it finishes: what it has counted, or what
 * it was asked for and left undone.
 */
void heir_event(struct monitor *mon);

#endif
