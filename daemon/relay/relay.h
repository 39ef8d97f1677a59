/*
 * The relay: connects to a back end and moves bytes both ways; and serves the
 * built-in services echo, discard and daytime.  The only process that may
 * connect to anything that the configuration does not name by a path.
 */

#ifndef DAEMON_RELAY_RELAY_H
#define DAEMON_RELAY_RELAY_H

#include "daemon/generation.h"
#include "daemon/guest.h"
#include "daemon/pulse.h"

/*
 * Bytes of zeroed memory that a relay shares with the monitor: in it are its
 * conversations, and the holds (see hold.h) of what it has counted in the
 * meter for them.
 */
size_t relay_memory_size(const struct generation *g);

/*
 * Of the monitor: give back to the meter what a dead relay held, in size bytes
 * of memory, which is not believed.
 */
void relay_release(void *memory, size_t size, const struct generation *g);

/*
 * Of the monitor: the next conversation from *place on, likewise.  Returns
 * whether there is one, sets *guest and moves *place on.
 */
bool relay_next_guest(const void *memory, size_t size, uint32_t *place,
    struct guest *guest);

/*
 * Take connections from g->relay.receive until told otherwise.  Never returns:
 * the process exits, with 0 when it was told to.
 */
void relay_run(const struct generation *g, int control, void *memory,
    struct pulse *pulse) __attribute__((noreturn));

#endif
