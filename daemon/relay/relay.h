/*
 * The relay: connects to a back end and moves bytes both ways; and serves the
 * built-in services echo, discard and daytime.  The only process that may
 * connect to anything that the configuration does not name by a path.
 */

#ifndef DAEMON_RELAY_RELAY_H
#define DAEMON_RELAY_RELAY_H

#include "daemon/generation.h"

/*
 * Bytes of zeroed memory that a relay shares with the monitor: in it are
 * the holds (see hold.h) of what it has counted in the meter.
 */
size_t relay_memory_size(const struct generation *g);

/*
 * Take connections from g->relay.receive until told otherwise.  Never returns:
 * the process exits, with 0 when it was told to.
 */
void relay_run(const struct generation *g, int control, void *memory)
    __attribute__((noreturn));

#endif
