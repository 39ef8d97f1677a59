/*
 * What would become of a request at this moment, in sentences.
 */

#ifndef DAEMON_MONITOR_EXPLAIN_H
#define DAEMON_MONITOR_EXPLAIN_H

#include <stdbool.h>

#include "daemon/monitor/state.h"

/*
 * Write it to fd, which stays the caller's: for a good name, and a peer with
 * this numeric address, or anybody if it is NULL.  Returns 1 if the request
 * would be served and 0 if not; or -1 with errno.
 */
int explain_write(const struct monitor *mon, const char *name,
    const char *address, int fd);

#endif
