/*
 * The upgrade: a new program takes the place of the one that runs, which
 * starts it, leaves it all that it has, and finishes.
 */

#ifndef DAEMON_MONITOR_UPGRADE_H
#define DAEMON_MONITOR_UPGRADE_H

#include "daemon/monitor/state.h"

/* Another is in charge: tell it what is counted here, now or when it is due. */
void upgrade_tell_counts(struct monitor *mon);
void upgrade_tick(struct monitor *mon);

/* Do what an event asks for. */
void upgrade_event(struct monitor *mon, uint32_t slot);

#endif
