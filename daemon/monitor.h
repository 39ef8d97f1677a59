/*
 * The monitor: the process that starts the others and watches over them.
 */

#ifndef DAEMON_MONITOR_H
#define DAEMON_MONITOR_H

#include "daemon/front.h"

/*
 * Keep a front running until SIGTERM or SIGINT, and print where it listens
 * when the first is ready.  Returns the daemon's exit status.
 */
int monitor_run(const struct mux *m, const struct listeners *l);

#endif
