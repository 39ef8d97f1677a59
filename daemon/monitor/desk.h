/*
 * The desk: does what somebody has asked at the control socket, and answers.
 */

#ifndef DAEMON_MONITOR_DESK_H
#define DAEMON_MONITOR_DESK_H

#include "daemon/errand.h"
#include "daemon/monitor/state.h"

/*
 * Do what e says, of which nothing has been checked but its size and mark, and
 * answer over fd, the socket of whoever asked, which it closes.
 */
void desk_do(struct monitor *mon, const struct errand *e, int fd);

#endif
