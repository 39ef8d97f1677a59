/*
 * What the relay may do; for relay.c alone.
 */

#ifndef DAEMON_RELAY_CONFINE_H
#define DAEMON_RELAY_CONFINE_H

#include "daemon/generation.h"
#include "daemon/pulse.h"

/*
 * Give up all but the calls of a relay, and the network but for the ports of
 * the back ends.  Ends the process, with the reason in the log, if it cannot.
 */
void relay_confine(const struct generation *g, struct pulse *pulse);

#endif
