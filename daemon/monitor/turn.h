/*
 * One turn of the monitor: signals, messages of its processes, and time.
 */

#ifndef DAEMON_MONITOR_TURN_H
#define DAEMON_MONITOR_TURN_H

#include "daemon/monitor/state.h"

/* Make the loop.  Returns 0, or -1 with errno. */
int turn_init(struct monitor *mon);

/*
 * Wait for what comes next, until a moment by clock_now() at the latest, and
 * do it.  What takes longer than a turn, a reload or an upgrade by a signal,
 * is only noted; but one that is asked for at the desk is done in the turn,
 * and takes turns itself.
 */
void turn_take(struct monitor *mon, int64_t until);

#endif
