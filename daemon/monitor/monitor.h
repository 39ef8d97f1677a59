/*
 * The monitor: the process that starts the others and watches over them.
 */

#ifndef DAEMON_MONITOR_MONITOR_H
#define DAEMON_MONITOR_MONITOR_H

#include "daemon/monitor/supervisor.h"
#include "daemon/setup/setup.h"

/*
 * Serve t, which is the monitor's from now on, until SIGTERM or SIGINT, and
 * what setup_read(s) makes of the configuration after each SIGHUP.  The
 * service manager's sockets are used, and it is told.  With s->link it goes on
 * for another monitor.  Returns the daemon's exit status.
 */
int monitor_run(const struct setup *s, struct table *t,
    struct supervisor *supervisor);

#endif
