/*
 * Generations: how one takes the place of another.
 */

#ifndef DAEMON_MONITOR_SERVE_H
#define DAEMON_MONITOR_SERVE_H

#include "daemon/monitor/state.h"

/*
 * Start a generation for t, which is the monitor's from now on, and let it
 * take the place of the current one, if there is any.  It takes turns until all
 * of its processes are ready.  Returns 0; or -1 after saying why not, and then
 * all is as it was.
 */
int serve(struct monitor *mon, struct table *t);

/* Free the older generations that are over. */
void serve_forget(struct monitor *mon);

/* Free all, of which none has a process any more. */
void serve_free_all(struct monitor *mon);

/*
 * Does t want what a daemon that runs cannot do any more?  Then that has been
 * said.
 */
bool serve_is_out_of_reach(const struct monitor *mon, const struct table *t);

#endif
