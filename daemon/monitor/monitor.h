/*
 * The monitor: the process that starts the others and watches over them.
 */

#ifndef DAEMON_MONITOR_MONITOR_H
#define DAEMON_MONITOR_MONITOR_H

#include "daemon/setup/setup.h"

/*
 * Serve t, which is the monitor's from now on, until SIGTERM or SIGINT, and
 * what setup_read(s) makes of the configuration after each SIGHUP.  Returns
 * the daemon's exit status.
 */
int monitor_run(const struct setup *s, struct table *t);

#endif
