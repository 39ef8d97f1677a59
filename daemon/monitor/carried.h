/*
 * Carried: the numbers that the monitors before this one have counted, as the
 * text of a snapshot.
 *
 * The last conversations of the one before go on, so that what it has counted
 * becomes more: it sends a new text from time to time, until it ends.
 */

#ifndef DAEMON_MONITOR_CARRIED_H
#define DAEMON_MONITOR_CARRIED_H

#include "daemon/monitor/state.h"

/* What all have counted so far: a file, for close(); or -1 with errno. */
int carried_write(const struct monitor *mon);

/*
 * Count what such a file tells, instead of what the last one told; the file is
 * closed.  t is the table that is served, or about to be.
 */
void carried_read(struct monitor *mon, const struct table *t, int fd);

/* Nothing more will come: what has been counted stays so. */
void carried_end(struct monitor *mon);

#endif
