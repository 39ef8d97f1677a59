/*
 * The successor: the new program as it is started, with the command line, the
 * environment and the sockets that this one was started with.
 */

#ifndef DAEMON_MONITOR_SUCCESSOR_H
#define DAEMON_MONITOR_SUCCESSOR_H

#include "daemon/monitor/state.h"

/*
 * Start it, as a child of our keeper, if there is one, and set *pid.  It is to
 * have link, and error for its standard error.  Returns a descriptor as
 * execute() does; or -1 with errno.
 */
int successor_start(const struct monitor *mon, int link, int error, pid_t *pid);

#endif
