/*
 * The guests of all processes: every connection that the daemon holds.
 *
 * A connection has a number for as long as it lives, of which whoever asks
 * makes nothing but to send it back.
 */

#ifndef DAEMON_MONITOR_GUESTS_H
#define DAEMON_MONITOR_GUESTS_H

#include "daemon/monitor/cohort.h"
#include "daemon/monitor/text.h"

/* So many are written at the most; how many more there are is said. */
#define GUESTS_MAX 50000

/* Write a line about each of c, and of the cohorts that are older. */
void guests_write(const struct cohort *c, struct text *t);

/*
 * Have the one with this number ended, or all of a service or alias.  Returns
 * how many that are; those who have them do so in a moment.
 */
uint32_t guests_kick(const struct cohort *c, uint64_t number);
uint32_t guests_kick_service(const struct cohort *c, struct tcpmux_span name);

#endif
