/*
 * The watchdog: whoever shows no pulse is replaced.
 */

#ifndef DAEMON_MONITOR_WATCH_H
#define DAEMON_MONITOR_WATCH_H

#include "daemon/monitor/state.h"

/* The monitor looks at every pulse so often. */
#define WATCH_TICK_MS 500

/*
 * Look at every pulse, and end those who have had none for too long.  What
 * counts are these calls, not the time: if the machine stands still, or has no
 * time for anybody, nobody is to blame.
 */
void watch_tick(struct monitor *mon);

/* Kill p, which is running, and say why: it will be replaced. */
void watch_end(const struct monitor *mon, struct process *p, const char *why);

#endif
