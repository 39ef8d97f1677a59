/*
 * The front: the process that strangers talk to.
 */

#ifndef DAEMON_FRONT_FRONT_H
#define DAEMON_FRONT_FRONT_H

#include "daemon/generation.h"
#include "daemon/pulse.h"

/*
 * Be the front of this number, with its slots in memory, which it shares with
 * the monitor (see slots.h), until control ends it.  Takers come over channel,
 * which tells of all that there are before any client is accepted; -1 if the
 * table has none.  Never returns: the process exits, with 0 when it was told
 * to end.
 */
void front_run(const struct generation *g, uint32_t number, int control,
    int channel, void *memory, struct pulse *pulse) __attribute__((noreturn));

#endif
