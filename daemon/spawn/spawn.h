/*
 * Spawn: starts a program on a connection.  It parses nothing; where programs
 * run as other users, it is the one process that keeps the rights of root.
 */

#ifndef DAEMON_SPAWN_SPAWN_H
#define DAEMON_SPAWN_SPAWN_H

#include "daemon/generation.h"
#include "daemon/pulse.h"

/*
 * Bytes of zeroed memory that a spawn shares with the monitor: in it are its
 * programs, and the holds (see hold.h) of what it has counted in the meter
 * for them; see children.h.
 */
size_t spawn_memory_size(const struct generation *g);

/*
 * Take connections from g->spawn.receive until told otherwise.  Never returns:
 * the process exits, with 0 when it was told to.
 */
void spawn_run(const struct generation *g, int control, void *memory,
    struct pulse *pulse) __attribute__((noreturn));

#endif
