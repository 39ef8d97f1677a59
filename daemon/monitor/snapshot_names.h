/*
 * The part of the snapshot that is about names: services, and offers.
 */

#ifndef DAEMON_MONITOR_SNAPSHOT_NAMES_H
#define DAEMON_MONITOR_SNAPSHOT_NAMES_H

#include "daemon/generation.h"
#include "daemon/monitor/text.h"

/* Returns 0; or -1 with ENOMEM.  What t could not write, it knows. */
int snapshot_write_names(const struct generation *g, struct text *t);

#endif
