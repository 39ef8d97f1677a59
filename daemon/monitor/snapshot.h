/*
 * The snapshot: what the daemon is, has and has done, at this moment, as text;
 * see tcpmux-control(7).
 */

#ifndef DAEMON_MONITOR_SNAPSHOT_H
#define DAEMON_MONITOR_SNAPSHOT_H

#include "daemon/monitor/cohort.h"

/* What the monitor knows of itself; all of it is the caller's. */
struct snapshot {
	const struct cohort *cohorts; /* the current one, then the older ones */
	const char *config;           /* the file, or NULL */
	const char *user;             /* whom all run as */
	int64_t started;              /* clock_wall() then */
	uint32_t reloads;             /* that were successful */
	uint32_t upgrades;
	uint32_t replaced;   /* processes that ended, or were stuck */
	int64_t replaced_at; /* clock_wall() of the last; 0: none yet */
	uint32_t layers;     /* of the monitor: see enum pulse_layer */
};

/* What each total is called. */
extern const char *const snapshot_totals[STATS_COUNTS];

/*
 * Write it to fd, which stays the caller's.  The numbers of offers are as
 * fresh as the roll (see roll.h).  Returns 0, or -1 with errno.
 */
int snapshot_write(const struct snapshot *s, int fd);

#endif
